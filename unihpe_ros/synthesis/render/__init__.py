"""Rooms, light and shading."""
