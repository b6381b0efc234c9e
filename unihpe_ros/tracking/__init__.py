"""Multi-person tracking: association, re-identification, smoothing and 3D placement."""
