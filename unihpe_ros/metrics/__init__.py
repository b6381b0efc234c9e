"""How far estimates are from the truth: poses, boxes and tracks."""
