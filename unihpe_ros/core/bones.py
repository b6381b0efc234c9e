"""Bones keep their length: learned per person, as slowly as they change."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import Skeleton

# Looks after which what was learned first begins to be forgotten.
_MEMORY = 300.0
# A bone that measures less is folded by an error of the network, not short, m.
_SHORTEST = 1e-3
# What a bone without a single sure look counts, against one of such a look.
_UNSURE = 0.02


class Bones:
    """
    The bone lengths of one person: running means of their logarithms, alike left and right.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set; a single root.

    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._order = _outwards(skeleton)
        self._parents, self._children = np.array(self._order).T
        flip = skeleton.flip_indices[self._children]
        self._mirror = np.array([self._children.tolist().index(child) for child in flip])
        self._log = np.zeros(len(self._order))
        self._weight = np.zeros(len(self._order))

    def learn(self, points: Array, weights: Array) -> None:
        """
        Take in a look.

        Parameters
        ----------
        points : NDArray
            ``(K, 3)`` m, any frame.
        weights : NDArray
            ``(K,)`` confidence in [0, 1]; a bone counts as its less sure end.

        """
        measured = self._lengths(points)
        sure = np.minimum(weights[self._parents], weights[self._children])
        sure = np.where(np.isfinite(measured), np.maximum(sure, _UNSURE), 0)
        log = np.log(np.maximum(np.nan_to_num(measured), _SHORTEST))
        # Both sides at once: nobody's left arm is longer than the right one.
        total = sure + sure[self._mirror]
        log = (sure * log + (sure * log)[self._mirror]) / np.maximum(total, 1e-9)
        self._weight = np.minimum(self._weight + total, _MEMORY)
        self._log += (log - self._log) * total / np.maximum(self._weight, 1e-9)

    def apply(self, points: Array) -> NDArray[np.float64]:
        """
        Return a skeleton of the same directions with the learned lengths.

        Parameters
        ----------
        points : NDArray
            ``(K, 3)`` m, any frame; the root stays where it is.

        """
        points = np.asarray(points, np.float64)
        factors = np.exp(self._log) / np.maximum(self._lengths(points), _SHORTEST)
        steps = (points[self._children] - points[self._parents]) * factors[:, None]
        grown = points.copy()
        for (parent, child), step in zip(self._order, steps, strict=True):
            grown[child] = grown[parent] + step
        return grown

    def _lengths(self, points: Array) -> NDArray[np.float64]:
        between = points[self._children].astype(np.float64) - points[self._parents]
        return np.sqrt(np.square(between).sum(-1))


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
