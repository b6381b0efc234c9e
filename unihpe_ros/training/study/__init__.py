"""Studies: many short runs that differ in one thing, compared in one report."""
