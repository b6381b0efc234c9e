"""Inputs of ``unihpe run``: each kind is a source of frames."""
