"""Clothes, hair, skin and accessories."""
