"""Refinement of observations with the state of each person: bone lengths, scale, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.tracking.bone_lengths import apply_together, Bones, learn_together
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.one_euro import OneEuro, OneEuroSettings, smooth_together
from unihpe_ros.tracking.root import locate_root, plausible_size, root_weights, scale_to_stature
from unihpe_ros.tracking.torso_depth import fuse, torso_depth

# Standard deviation of a projective depth as a share of it: with a guessed and a known stature.
_SIGMA_GUESSED, _SIGMA_KNOWN = 0.10, 0.04
# The same where the field of view is assumed: 60 degrees for what may be 45 to 90.
_SIGMA_ASSUMED = 0.35
# Number of depth measurements over which the scale of a person is a running mean.
_SCALE_MEMORY = 100.0
# Gap after which the filters begin anew, s.
_GAP = 0.3
# Assumed stature, m, to convert speeds in the image into speeds in the room.
_USUAL_STATURE = 1.7
# The depth of the root is less certain: it is smoothed more than keypoints relative to the root.
_ROOT_CUTOFF, _ROOT_BETA = 0.5, 0.25
# Score from which a keypoint has the full weight in the filters.
_SURE = 0.7


class PersonMemory:
    """
    Bone lengths, scale and filter state of one person.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set.

    """

    def __init__(self, skeleton: Skeleton) -> None:
        self.bones = Bones(skeleton)
        self.filter = OneEuro()
        self.stamp = -np.inf
        self.log_scale = 0.0
        self.looks_at_depth = 0.0

    def learn_scale(self, ratio: float) -> None:
        """Update the scale by the ratio of measured to projective depth."""
        self.looks_at_depth = min(self.looks_at_depth + 1, _SCALE_MEMORY)
        self.log_scale += np.log(ratio) / self.looks_at_depth

    def wake(self, stamp: float) -> None:
        """Reset the filter after a gap."""
        if not stamp - self.stamp <= _GAP:
            self.filter = OneEuro()
        self.stamp = stamp


@dataclass(frozen=True)
class RefinedPoses:
    """
    Smoothed and placed people.

    Parameters
    ----------
    keypoints_2d : NDArray[np.float32]
        ``(N, K, 2)`` px.
    keypoints_3d : NDArray[np.float32]
        ``(N, K, 3)`` m, camera frame.
    measured : NDArray[np.bool_]
        ``(N,)`` whether the root's depth was measured in a depth image.

    """

    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    measured: NDArray[np.bool_]


class TrackRefiner:
    """
    Refines observations of tracks: bone lengths, placement in the room, smoothing.

    Parameters
    ----------
    skeleton : Skeleton
        The keypoint set.

    """

    def __init__(self, skeleton: Skeleton) -> None:
        self._skeleton = skeleton
        self._root = skeleton.index('pelvis')
        self._root_weights = root_weights(skeleton)
        self._known: dict[int, PersonMemory] = {}

    def keep(self, ids: Set[int]) -> None:
        """Keep the state of these ids only."""
        self._known = {i: person for i, person in self._known.items() if i in ids}

    def forget_places(self) -> None:
        """Forget positions and scales, but keep the bone lengths."""
        for person in self._known.values():
            person.filter = OneEuro()
            person.log_scale = person.looks_at_depth = 0.0

    def carry(
        self, ego_motion: EgoMotion, roots: Mapping[int, Array], *, is_relative: bool
    ) -> None:
        """
        Transform the state of the filters into the frame and the image of a camera that has moved.

        Parameters
        ----------
        ego_motion : EgoMotion
            How it moved since the last image.
        roots : Mapping[int, NDArray]
            ``(3,)`` m by id, where people were in the camera's frame then.
        is_relative : bool
            Whether roots are at the origin, and so do not move.

        """
        k = len(self._skeleton)
        for i, person in self._known.items():
            known = person.filter.points
            if known is None:
                continue
            # The order of `_smooth`: pixels, skeleton, root.
            where = np.asarray(roots.get(i, np.full(3, np.nan)))[None]
            known, velocity = known.copy(), person.filter.velocity.copy()
            known[:k, :2] = ego_motion.pixels(known[None, :k, :2], where)[0]
            known[k:-1] = ego_motion.turn(known[k:-1])
            known[-1] = known[-1] if is_relative else ego_motion.carry(known[-1])
            velocity[k:] = ego_motion.turn(velocity[k:])
            person.filter.points, person.filter.velocity = known, velocity

    def refine(
        self,
        ids: NDArray[np.uint32],
        observations: Observations,
        stamp: float,
        mode: RootMode,
        settings: EstimatorSettings,
        depth: NDArray[np.float32] | None = None,
        *,
        assumed_view: bool = False,
    ) -> RefinedPoses:
        """
        Return smoothed keypoints, placed in the room.

        Parameters
        ----------
        ids : NDArray[np.uint32]
            ``(N,)`` who they are, none twice.
        observations : Observations
            N observations of them.
        stamp : float
            When, s.
        mode : RootMode
            How roots are placed.
        settings : EstimatorSettings
            See there.
        depth : NDArray[np.float32], optional
            ``(H, W)`` m; 0 or NaN where unknown.
        assumed_view : bool
            Whether the camera is not calibrated: then depth images give the distance of people,
            but not their size.

        """
        people = [self._person(int(i)) for i in ids]
        observed = observations.scores >= settings.score_threshold
        weights = np.where(observed, observations.scores, 0.0)
        relative_3d = self._sized(people, observations.relative_3d, weights, settings)
        root, _ = locate_root(relative_3d, observations.rays, self._root_weights * weights)
        relative_3d, root = (
            values @ observations.turns for values in (relative_3d, root[:, None])
        )  # Into the camera's frame.
        measured = np.zeros(len(people), np.bool_)
        if mode is RootMode.DEPTH and depth is not None:
            for row, person in enumerate(people):
                measured[row] = self._measure(
                    person,
                    depth,
                    observations.keypoints_2d[row],
                    relative_3d[row],
                    root[row],
                    settings,
                    assumed_view,
                )
        if mode is RootMode.RELATIVE:
            root = np.zeros_like(root)
        keypoints_2d: Array = observations.keypoints_2d.astype(np.float64)
        for person in people:
            person.wake(stamp)
        if settings.smoothing:
            keypoints_2d, relative_3d, root = _smooth(
                people, (keypoints_2d, relative_3d, root), observations, stamp, settings
            )
        return RefinedPoses(
            keypoints_2d.astype(np.float32), (relative_3d + root).astype(np.float32), measured
        )

    def _person(self, i: int) -> PersonMemory:
        if i not in self._known:
            self._known[i] = PersonMemory(self._skeleton)
        return self._known[i]

    def _sized(
        self,
        people: list[PersonMemory],
        relative_3d: Array,
        weights: Array,
        settings: EstimatorSettings,
    ) -> Array:
        """Return the skeletons scaled to the known sizes of these people."""
        sized: Array = relative_3d.astype(np.float64)
        if settings.fixed_bones:
            bones = [person.bones for person in people]
            learn_together(bones, relative_3d, weights)
            sized = apply_together(bones, relative_3d)
        if settings.person_height_m and len(sized):
            return scale_to_stature(sized, self._skeleton, settings.person_height_m)
        sized = plausible_size(sized, self._skeleton)
        return sized * np.exp([[[person.log_scale]] for person in people]).reshape(-1, 1, 1)

    def _measure(
        self,
        person: PersonMemory,
        depth: NDArray[np.float32],
        keypoints: Array,
        relative_3d: Array,
        root: Array,
        settings: EstimatorSettings,
        assumed_view: bool,
    ) -> bool:
        """Correct a skeleton ``(K, 3)`` and its root ``(1, 3)`` in place by a depth image."""
        z, sigma = torso_depth(depth, keypoints, relative_3d + root, self._skeleton)
        guess = float(root[0, 2])
        known = settings.person_height_m or person.looks_at_depth
        share = _SIGMA_KNOWN if known else _SIGMA_GUESSED
        if assumed_view:
            share = _SIGMA_ASSUMED
        fused = fuse(guess, share * guess, z, sigma)
        if not np.isfinite(fused):
            return False
        root *= fused / guess
        if not settings.person_height_m and not assumed_view:
            relative_3d *= fused / guess
            person.learn_scale(fused / guess)
        return True


def _smooth(
    people: Sequence[PersonMemory],
    values: tuple[Array, Array, Array],
    observations: Observations,
    stamp: float,
    settings: EstimatorSettings,
) -> tuple[Array, Array, Array]:
    """Smooth keypoints in the image, against the root, and the root along its ray."""
    keypoints_2d, relative_3d, root = values
    n, k = observations.scores.shape
    points = np.zeros((n, 2 * k + 1, 3))
    points[:, :k, :2], points[:, k:-1], points[:, -1:] = keypoints_2d, relative_3d, root
    weights, units = np.ones((2, n, 2 * k + 1))
    weights[:, :k] = weights[:, k:-1] = observations.scores / _SURE
    heights = observations.boxes[:, 3] - observations.boxes[:, 1]
    units[:, :k] = _USUAL_STATURE / np.maximum(heights, 1.0)[:, None]
    calm = _calm(k, settings.smooth_min_cutoff, settings.smooth_beta)
    filters = [person.filter for person in people]
    smooth = smooth_together(filters, points, stamp, calm, weights, units)
    return smooth[:, :k, :2], smooth[:, k:-1], smooth[:, -1:]


@lru_cache(maxsize=8)
def _calm(k: int, min_cutoff: float, beta: float) -> OneEuroSettings:
    """Return how much k keypoints in the image, k of the skeleton and the root are smoothed."""
    cutoffs, betas = np.full(2 * k + 1, min_cutoff), np.full(2 * k + 1, beta)
    cutoffs[-1] *= _ROOT_CUTOFF
    betas[-1] *= _ROOT_BETA
    return OneEuroSettings(cutoffs, betas)
