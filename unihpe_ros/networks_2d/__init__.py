"""2D keypoint networks of other makers: recognised by their tensors, and lifted by our model."""
