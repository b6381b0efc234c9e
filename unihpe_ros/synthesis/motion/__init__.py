"""Motion clips, retargeted to a body, and the poses made of them."""
