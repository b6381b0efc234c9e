"""Readers of data sets, which all yield one record type, augmentation, and batches."""
