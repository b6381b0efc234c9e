"""Staged people and scenes, drawn into labelled samples and films."""
