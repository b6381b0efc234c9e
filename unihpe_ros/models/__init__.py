"""Networks in PyTorch, and their export; not needed at run time on a robot."""
