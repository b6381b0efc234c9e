"""Metrics of poses, boxes and tracks against ground truth."""
