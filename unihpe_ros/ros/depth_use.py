"""Check whether the depth image places people, and say why it does not."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import clip
from unihpe_ros.core.pose import KeypointFlag, Poses

# Number of successive images with people and depth, none of them placed by it, after which a
# warning is logged.
_PATIENCE = 5
# Only the middle of a person's box is read: the rest is background.
_MIDDLE = 0.25
# Ratios of measured and expected distance that a unit explains.
_UNITS = {
    1000.0: 'it seems to be in mm, where m are expected (32FC1)',
    0.001: 'it seems to be in m, where mm are expected (16UC1)',
    10.0: 'its unit seems to be 0.1 mm, where mm are expected (16UC1)',
    4.0: 'its unit seems to be 0.25 mm, where mm are expected (16UC1)',
}
_ALIKE = 1.5


class DepthUse:
    """
    How much of the depth images of one camera is used.

    Attributes
    ----------
    state : str
        In a few words, for /diagnostics.
    refused : str
        Why the last depth image does not belong to its image; empty if it does.

    """

    def __init__(self) -> None:
        self.state, self.refused = 'none comes', ''
        self._unused = 0

    def note(self, depth: NDArray[np.float32] | None, poses: Poses) -> str:
        """
        Add the poses of an image and its depth.

        Parameters
        ----------
        depth : NDArray[np.float32], optional
            ``(H, W)`` m.
        poses : Poses
            The people of the image.

        Returns
        -------
        str
            Why depth has placed nobody for a while; empty if it has, or nobody was there.

        """
        if depth is None:
            self.state = f'not used: {self.refused}' if self.refused else 'none comes'
            return ''
        self.refused = ''
        seen = ((poses.flags & KeypointFlag.OBSERVED) > 0).any(-1)
        if not seen.any():
            return ''
        placed = ((poses.flags & KeypointFlag.DEPTH_ROOT) > 0).any(-1) & seen
        if placed.any():
            self._unused = 0
            self.state = f'places {placed.sum()} of {seen.sum()} people'
            return ''
        self._unused += 1
        if self._unused < _PATIENCE:
            return ''
        why = _reason(depth, poses.boxes[seen], _distances(poses)[seen])
        self.state = f'places nobody: {why}'
        return f'depth_image places nobody: {why}'


def _distances(poses: Poses) -> NDArray[np.floating]:
    """``(N,)`` m, how far people are without depth; NaN where no place is known."""
    metric = (poses.flags & KeypointFlag.METRIC_ROOT) > 0
    z = np.where(metric, poses.keypoints_3d[..., 2], np.nan)
    known = np.isfinite(z).any(-1)
    middle = np.full(len(z), np.nan)
    middle[known] = np.nanmedian(z[known], axis=-1)
    return middle


def _reason(
    depth: NDArray[np.float32], boxes: NDArray[np.float32], expected: NDArray[np.floating]
) -> str:
    height, width = depth.shape
    found, wanted = [], []
    for box, distance in zip(clip(boxes, (width, height)), expected, strict=True):
        if not np.isfinite(box).all():
            continue
        inset = _MIDDLE * (box[2:] - box[:2])
        x0, y0 = (box[:2] + inset).astype(int)
        x1, y1 = (box[2:] - inset).astype(int) + 1
        part = depth[y0:y1, x0:x1]
        part = part[np.isfinite(part) & (part > 0)]
        if len(part):
            found.append(float(np.median(part)))
            wanted.append(float(distance))
    if not found:
        known = np.isfinite(depth) & (depth > 0)
        where = 'anywhere' if not known.any() else 'where people are'
        return f'it holds no distance {where}, only zeros or NaN'
    measured, there = float(np.median(found)), np.array(wanted)[np.isfinite(wanted)]
    if not len(there):
        return f'its median at people is {measured:.3g} m, and no place is expected'
    near = float(np.median(there))
    ratio = measured / max(near, 1e-3)
    unit = min(_UNITS, key=lambda factor: abs(np.log(ratio / factor)))
    hint = f'; {_UNITS[unit]}' if 1 / _ALIKE < ratio / unit < _ALIKE else ''
    return f'its median at people is {measured:.3g} m, expected are about {near:.2g} m{hint}'
