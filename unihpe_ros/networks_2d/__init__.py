"""2D keypoint networks of other makers, recognised by their tensors, with our lifting branch."""
