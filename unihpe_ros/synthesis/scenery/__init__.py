"""What stands around and behind people."""
