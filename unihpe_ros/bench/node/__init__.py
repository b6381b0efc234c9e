"""Benchmark of the node in its own process, beside a naive node."""
