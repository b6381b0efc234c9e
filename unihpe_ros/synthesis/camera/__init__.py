"""Lens, exposure and the faults of a camera."""
