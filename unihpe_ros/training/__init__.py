"""Training and evaluation: one visible loop, its losses, and the protocols."""
