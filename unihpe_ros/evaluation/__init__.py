"""Models judged on data sets: predictions, protocols, retrieval and reports."""
