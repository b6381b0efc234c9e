"""Evaluation of models on data sets: predictions, protocols, retrieval, reports."""
