"""
Heatmaps: one map of each keypoint's place; HRNet, SimpleBaseline, ViTPose.

Source of the conventions: Sun et al., HRNet (2019); Xiao et al., SimpleBaseline (2018); Xu et
al., ViTPose (2022); codecs `MSRAHeatmap` and `UDPHeatmap` of MMPose (mmpose/codecs). The highest
cell is refined by DARK (Zhang et al., Distribution-Aware Coordinate Representation, 2020): the map
is smoothed, and a Gaussian is fitted to its logarithm by one Newton step. The picture is not
looked at a second time mirrored. Crops are 1.25 times the box, in RGB, with ImageNet's
normalisation.

"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import in_unit, MmposeFamily
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Cells of the Gaussian that smooths a map, up to a height of 64 cells and above: MMPose's.
_KERNEL, _LARGE_KERNEL, _SMALL_HEIGHT = 11, 17, 64


class Heatmaps(MmposeFamily):
    """Heatmap networks; see the module."""

    name = 'heatmaps, as HRNet and ViTPose'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes, (w, h) = tensors.shapes, tensors.size
        if tensors.channels_last:
            return 'expected an input (B, 3, h, w)'
        if len(shapes) != 1 or len(shapes[0]) != 4:
            return 'expected one output (B, K, rows, columns)'
        rows, columns = shapes[0][2:]
        if rows < 2 or columns < 2 or rows * w != columns * h or rows > h:
            return (
                'expected maps of the proportions of the picture, and not larger; got '
                f'{columns}x{rows} cells for {w}x{h} px'
            )
        return ''

    def read(
        self, answer: NetworkOutputs, conventions: Conventions
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return keypoints and scores from the answer for B crops, see `CropFamily`."""
        (maps,) = answer.values()
        cells, highest = refined_peaks(maps)
        shape, size = np.array(maps.shape[:1:-1]), np.array(conventions.input_size)
        # There is one step less between the first and the last cell than there are cells.
        less = 1 if conventions.heatmap_grid == 'corners' else 0
        scale = (size - less) / (shape - less)
        return (cells * scale).astype(np.float32), in_unit(highest)


def refined_peaks(
    maps: NDArray[np.float32],
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """
    Find the highest place of each map to a fraction of a cell, by DARK.

    Parameters
    ----------
    maps : NDArray[np.float32]
        ``(B, K, rows, columns)``.

    Returns
    -------
    cells : NDArray[np.float64]
        ``(B, K, 2)`` x, y in cells; whole ones within two cells of the rim.
    highest : NDArray[np.float32]
        ``(B, K)`` value of the highest cell.

    """
    b, k, rows, columns = maps.shape
    flat = maps.reshape(b * k, rows, columns)
    best = flat.reshape(b * k, -1).argmax(-1)
    ys, xs = np.divmod(best, columns)
    cells = np.stack([xs, ys], -1).astype(np.float64)
    highest = flat[np.arange(b * k), ys, xs]
    inner = (xs > 1) & (xs < columns - 2) & (ys > 1) & (ys < rows - 2)
    for row in np.flatnonzero(inner):
        cells[row] += _newton_step(_log_smoothed(flat[row]), int(xs[row]), int(ys[row]))
    return cells.reshape(b, k, 2), highest.reshape(b, k)


def _log_smoothed(one: NDArray[np.float32]) -> NDArray[np.float64]:
    """Return the logarithm of a smoothed map that keeps its highest value."""
    side = _KERNEL if len(one) <= _SMALL_HEIGHT else _LARGE_KERNEL
    smooth = cv2.GaussianBlur(one, (side, side), 0, borderType=cv2.BORDER_CONSTANT)
    smooth = smooth * (one.max() / max(float(smooth.max()), 1e-12))
    return np.log(np.maximum(smooth.astype(np.float64), 1e-10))


def _newton_step(log: NDArray[np.float64], x: int, y: int) -> NDArray[np.float64]:
    """Return from a cell to the top of the parabola through its neighbours, cells."""
    dx = 0.5 * (log[y, x + 1] - log[y, x - 1])
    dy = 0.5 * (log[y + 1, x] - log[y - 1, x])
    dxx = 0.25 * (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2])
    dyy = 0.25 * (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x])
    dxy = 0.25 * (log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1])
    determinant = dxx * dyy - dxy**2
    if determinant == 0:
        return np.zeros(2)
    step = -np.array([dyy * dx - dxy * dy, dxx * dy - dxy * dx]) / determinant
    # Far from a Gaussian shape, the Newton step leads to no peak.
    return step if np.abs(step).max() <= 2 else np.zeros(2)
