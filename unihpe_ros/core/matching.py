"""Who is who: predicted people paired with true ones, and how well they fit over a sequence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.metrics import keypoint_errors, mpjpe, pa_mpjpe
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import H36M_17

# Mean keypoint distance, over the diagonal of the true person's extent, at which two people are
# two people: half of it still tells neighbours apart who stand shoulder to shoulder.
MAX_OFFSET = 0.25
# A true person counts as there to be found with so many keypoints in sight.
MIN_IN_SIGHT = 8


def match_people(
    predicted: Array, truth: Array, max_offset: float = MAX_OFFSET
) -> list[tuple[int, int]]:
    """
    Pair people by where their keypoints are in the image: one to one, least total offset.

    Parameters
    ----------
    predicted : NDArray
        ``(N, K, 2)`` px; NaN where unknown.
    truth : NDArray
        ``(M, K, 2)`` px; NaN where unknown.
    max_offset : float
        Mean distance from which a pair is none, as a share of the true person's diagonal.

    Returns
    -------
    list[tuple[int, int]]
        Pairs of indices (predicted, truth), in the order of `predicted`.

    """
    if not len(predicted) or not len(truth):
        return []
    # What is no pair costs the same everywhere, so that it never decides between true pairs.
    costs = np.minimum(np.nan_to_num(offsets(predicted, truth), nan=np.inf), max_offset)
    rows, columns = linear_sum_assignment(costs)
    good = costs[rows, columns] < max_offset
    return [(int(n), int(m)) for n, m in zip(rows[good], columns[good], strict=True)]


def offsets(predicted: Array, truth: Array) -> NDArray[np.float64]:
    """``(N, M)`` mean distance over the true person's diagonal; NaN without a common keypoint."""
    distances = np.linalg.norm(predicted[:, None].astype(np.float64) - truth, axis=-1)
    known = np.isfinite(distances)  # (N, M, K)
    sums = np.where(known, distances, 0).sum(-1)
    low = np.where(np.isfinite(truth), truth, np.inf).min(1)
    high = np.where(np.isfinite(truth), truth, -np.inf).max(1)
    diagonal = np.maximum(np.linalg.norm(high - low, axis=-1), 1.0)
    with np.errstate(invalid='ignore'):
        return np.asarray(sums / known.sum(-1) / diagonal)


@dataclass(frozen=True)
class Accuracy:
    """
    How well predicted people fit the true ones over a sequence.

    Parameters
    ----------
    frames : int
        Images compared.
    people : int
        True people who were there to be found, summed over the images.
    found : int
        Those of them who were.
    extra : int
        Predicted people who are nobody.
    id_switches : int
        How often a true person was found under another id than before.
    error_px : float
        Mean keypoint distance in the image, px.
    mpjpe_mm, pa_mpjpe_mm : float
        Over Human3.6M's keypoints of the people found: root-relative, and after Procrustes
        alignment.
    root_error : float
        Mean distance of the root from the true one, as a share of its distance from the camera;
        NaN if no place in the room is claimed.

    """

    frames: int
    people: int
    found: int
    extra: int
    id_switches: int
    error_px: float
    mpjpe_mm: float
    pa_mpjpe_mm: float
    root_error: float

    @property
    def recall(self) -> float:
        """Share of the people who were found; NaN if there was nobody to find."""
        return self.found / self.people if self.people else float('nan')


class AccuracyMeter:
    """Compares predicted with true people, image by image."""

    def __init__(self) -> None:
        self._frames = self._people = self._found = self._extra = self._switches = 0
        self._ids: dict[int, int] = {}
        self._errors_px: list[float] = []
        self._root_errors: list[float] = []
        self._pairs: list[tuple[Array, Array]] = []

    def add(self, predicted: Poses, truth: Poses) -> None:
        """
        Compare the people of one image.

        A person who is hardly in sight (fewer than MIN_IN_SIGHT keypoints flagged OBSERVED) need
        not be found but may be; a predicted person without any observed keypoint is remembered,
        not seen, and does not count.

        Parameters
        ----------
        predicted : Poses
            What was found.
        truth : Poses
            The true people, any keypoint set; keypoints in sight are flagged OBSERVED.

        """
        truth = truth.to(predicted.skeleton)
        seen = np.flatnonzero(in_sight(predicted) > 0)
        wanted = in_sight(truth) >= MIN_IN_SIGHT
        pairs = match_people(predicted.keypoints_2d[seen], truth.keypoints_2d)
        self._frames += 1
        self._people += int(wanted.sum())
        self._extra += len(seen) - len(pairs)
        for row, person in pairs:
            if wanted[person]:
                self._found += 1
                self._compare(predicted, int(seen[row]), truth, person)

    def _compare(self, predicted: Poses, n: int, truth: Poses, m: int) -> None:
        true_id, found_id = int(truth.track_ids[m]), int(predicted.track_ids[n])
        self._switches += self._ids.get(true_id, found_id) != found_id
        self._ids[true_id] = found_id
        errors = keypoint_errors(predicted.keypoints_2d[n], truth.keypoints_2d[m])
        self._errors_px.append(float(np.nanmean(errors)))
        pose, true_pose = (
            poses.to(H36M_17).keypoints_3d[i].astype(np.float64)
            for poses, i in ((predicted, n), (truth, m))
        )
        root = H36M_17.index('pelvis')
        if not np.isfinite(pose[root]).all():
            return
        self._pairs.append((pose, true_pose))
        if predicted.root_mode is not RootMode.RELATIVE:
            distance = np.linalg.norm(true_pose[root])
            self._root_errors.append(
                float(np.linalg.norm(pose[root] - true_pose[root]) / distance)
            )

    def result(self) -> Accuracy:
        """Return the figures so far; NaN where nothing could be compared."""
        mean_error = mean_pa_error = float('nan')
        if self._pairs:
            poses, true_poses = (np.stack(side) for side in zip(*self._pairs, strict=True))
            mean_error = mpjpe(poses, true_poses, H36M_17.index('pelvis'))
            mean_pa_error = pa_mpjpe(poses, true_poses)
        return Accuracy(
            frames=self._frames,
            people=self._people,
            found=self._found,
            extra=self._extra,
            id_switches=self._switches,
            error_px=_mean(self._errors_px),
            mpjpe_mm=1e3 * mean_error,
            pa_mpjpe_mm=1e3 * mean_pa_error,
            root_error=_mean(self._root_errors),
        )


def in_sight(poses: Poses) -> NDArray[np.intp]:
    """``(N,)`` how many keypoints are flagged OBSERVED."""
    return np.count_nonzero(poses.flags & KeypointFlag.OBSERVED, axis=-1)


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float('nan')
