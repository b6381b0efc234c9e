"""The benchmarks of tracking, on simulated people and on rendered films."""
