"""Garments, hair, skin and accessories."""
