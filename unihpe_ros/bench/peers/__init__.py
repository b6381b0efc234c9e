"""Our estimator beside others on the same film in one run."""
