"""Skeletons and floor plans drawn into images, and videos of them."""
