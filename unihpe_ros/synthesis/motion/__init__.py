"""Motion capture clips, retargeted to a body, and poses made of them."""
