"""Recordings: read, written, copied with poses added, and searched for damage."""
