"""Body shapes: sampling, posing, skinning, balance and self-contact."""
