"""Run the real node in its own process, beside a camera that plays images to it."""
