"""The benchmark of engines: times and differences of one model's backends."""
