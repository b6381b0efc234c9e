"""Labelled samples and films: people and cameras are sampled, rendered and written."""
