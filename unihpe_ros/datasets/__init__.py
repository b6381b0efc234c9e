"""Training data: readers that all yield one record type, augmentation, and batches."""
