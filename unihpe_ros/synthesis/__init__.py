"""
BVH clips to labelled pictures: a parametric body, dressed, lit and drawn on the CPU.

The world has Z up; a body in its rest pose faces -Y with its left side towards +X.

"""
