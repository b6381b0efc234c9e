"""Bone lengths, learned per person and imposed on every skeleton."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Number of observations after which the oldest begin to be forgotten.
_MEMORY = 300.0
# Least length of a bone, m: shorter ones are an error of the network.
_SHORTEST = 1e-3
# Weight of a bone without any confident observation, against one with a confident one.
_UNSURE = 0.02


class Bones:
    """
    The bone lengths of one person: running means of their logarithms, the same on both sides.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set; a single root.

    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.tree = _tree(skeleton)
        self.log = np.zeros(len(self.tree.children))
        self.weight = np.zeros(len(self.tree.children))


def learn_together(people: Sequence[Bones], points: Array, weights: Array) -> None:
    """
    Update the bone lengths of several people with one observation of each.

    Parameters
    ----------
    people : Sequence[Bones]
        N people.
    points : NDArray
        ``(N, K, 3)`` m, any frame.
    weights : NDArray
        ``(N, K)`` confidence in [0, 1]; a bone has that of its less confident end.

    """
    if not people:
        return
    tree = people[0].tree
    measured = tree.lengths(points)
    sure = np.minimum(weights[:, tree.parents], weights[:, tree.children])
    finite = np.isfinite(measured)
    sure = np.where(finite, np.maximum(sure, _UNSURE), 0)
    log = sure * np.log(np.maximum(np.where(finite, measured, 0), _SHORTEST))
    # Both sides at once: nobody's left arm is longer than the right one.
    total = sure + sure[:, tree.mirror]
    log = (log + log[:, tree.mirror]) / np.maximum(total, 1e-9)
    known = np.array([person.log for person in people])
    weight = np.minimum(np.array([person.weight for person in people]) + total, _MEMORY)
    known += (log - known) * total / np.maximum(weight, 1e-9)
    for person, of_bones, of_lengths in zip(people, weight, known, strict=True):
        person.weight, person.log = of_bones, of_lengths


def apply_together(people: Sequence[Bones], points: Array) -> Array:
    """
    Return skeletons of the same directions with the lengths learned of each person.

    Parameters
    ----------
    people : Sequence[Bones]
        N people of one skeleton.
    points : NDArray
        ``(N, K, 3)`` m, any frame; roots do not move. A person with any keypoint that is not
        finite becomes NaN.

    """
    points = points.astype(np.float64)
    if not people:
        return points
    tree = people[0].tree
    factors = np.exp([person.log for person in people])
    factors /= np.maximum(tree.lengths(points), _SHORTEST)
    steps = (points[:, tree.children] - points[:, tree.parents]) * factors[..., None]
    root = points[:, tree.parents[:1]]
    return root + tree.path @ steps


@dataclass(frozen=True)
class _Tree:
    """Ends and mirror image of each bone ``(B,)``, and ``(K, B)`` which lead to a keypoint."""

    parents: NDArray[np.intp]
    children: NDArray[np.intp]
    mirror: NDArray[np.intp]
    path: NDArray[np.float64]

    def lengths(self, points: Array) -> NDArray[np.float64]:
        """``(N, B)`` lengths of the bones of ``(N, K, 3)`` skeletons."""
        between = points[:, self.children].astype(np.float64) - points[:, self.parents]
        return np.sqrt(np.square(between).sum(-1))


@lru_cache(maxsize=8)
def _tree(skeleton: Skeleton) -> _Tree:
    ordered = _outwards(skeleton)
    parents, children = np.array(ordered).T
    mirrored = skeleton.flip_indices[children].tolist()
    mirror = np.array([children.tolist().index(child) for child in mirrored])
    path = np.zeros((len(skeleton), len(ordered)))
    for bone, (parent, child) in enumerate(ordered):
        path[child] = path[parent]
        path[child, bone] = 1
    return _Tree(parents, children, mirror, path)


def _outwards(skeleton: Skeleton) -> list[tuple[int, int]]:
    """Return the bones so that each begins where an earlier one, or the root, ends."""
    waiting, ordered = list(skeleton.bones), []
    reached = {i for i, name in enumerate(skeleton.keypoints) if not skeleton.parents[name]}
    while waiting:
        ready = [bone for bone in waiting if bone[0] in reached]
        reached |= {child for _, child in ready}
        ordered += ready
        waiting = [bone for bone in waiting if bone not in ready]
    return ordered
