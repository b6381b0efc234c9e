"""Meshes, materials and the rasteriser."""
