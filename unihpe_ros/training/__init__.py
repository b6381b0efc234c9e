"""Training: one visible loop and its losses."""
