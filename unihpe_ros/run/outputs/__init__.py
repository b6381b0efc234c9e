"""Outputs of ``unihpe run``: each file format is a function of the frames' people."""
