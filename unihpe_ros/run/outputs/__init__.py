"""What ``unihpe run`` writes: each file format is a function from the frames' people."""
