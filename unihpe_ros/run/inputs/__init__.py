"""What ``unihpe run`` reads: each kind of input is a source of frames."""
