"""
The One Euro filter: calm at rest, quick in motion.

Casiez, Roussel and Vogel: 1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems, CHI 2012. A first-order low-pass whose cutoff grows with the speed:

    x' = a x + (1 - a) x'_last,  a = 1 / (1 + tau / T),  tau = 1 / (2 pi f),
    f = min_cutoff + beta |v'|,

where v' is the speed after a low-pass of a fixed cutoff, and T the time since the last value.

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math

import numpy as np
from unihpe_ros.core.geometry import Array

# Cutoff for the speed, Hz: Casiez et al. use 1; a hand that starts to move is noticed sooner.
_SPEED_CUTOFF = 2.0
# Weight of a value with confidence 0, against one with confidence 1.
_LEAST_WEIGHT = 0.1
# Time step of a new filter, s; its value does not matter.
_LONGEST_STEP = 1e6


@dataclass(frozen=True)
class OneEuroSettings:
    """
    Settings of the filter: cutoff at rest, and its growth with speed.

    Parameters
    ----------
    min_cutoff : float or NDArray
        Cutoff at rest, Hz; ``(K,)`` if each point has its own.
    beta : float or NDArray
        Growth of the cutoff with speed, Hz per unit of speed; as above.

    """

    min_cutoff: float | Array
    beta: float | Array


class OneEuro:
    """
    State of the filter of K points; each has a speed and so a cutoff of its own.

    A point that is not finite is returned as it is, and begins anew when it comes back.

    """

    def __init__(self) -> None:
        self.points: Array | None = None
        self.velocity: Array = np.zeros(0)
        self.stamp = -math.inf


def smooth_together(
    filters: Sequence[OneEuro],
    points: Array,
    stamp: float,
    settings: OneEuroSettings,
    weights: Array | float = 1.0,
    unit: Array | float = 1.0,
) -> Array:
    """
    Update several filters by the next points; return the smoothed points.

    Parameters
    ----------
    filters : Sequence[OneEuro]
        N filters.
    points : NDArray
        ``(N, K, D)`` any unit; NaN where unknown.
    stamp : float
        Time of these, s; not before the last.
    settings : OneEuroSettings
        How much is smoothed.
    weights : NDArray or float
        ``(N, K)`` confidence in [0, 1]: less confident points move the filter less.
    unit : NDArray or float
        ``(N, K)`` factor from the unit of the points to the unit of `beta`'s speed.

    Returns
    -------
    NDArray
        ``(N, K, D)``.

    """
    points = points.astype(np.float64)
    if not filters:
        return points
    # A new filter has no value yet: the first points are taken as they are.
    unknown = np.full(points.shape[1:], np.nan)
    last = np.array([unknown if one.points is None else one.points for one in filters])
    moved = np.array([unknown * 0 if one.points is None else one.velocity for one in filters])
    steps = np.array([min(stamp - one.stamp, _LONGEST_STEP) for one in filters])
    step = np.where(steps > 0, steps, 1.0)[:, None]
    known = np.isfinite(last).all(-1, keepdims=True)
    trust = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * np.minimum(np.maximum(weights, 0), 1)
    velocity = np.where(known, points - last, 0) / step[..., None]
    velocity = moved + (trust * _gain(_SPEED_CUTOFF, step))[..., None] * (velocity - moved)
    speed = unit * np.sqrt(np.square(velocity).sum(-1))
    gain = trust * _gain(settings.min_cutoff + settings.beta * speed, step)
    smooth = np.where(known, last + gain[..., None] * (points - last), points)
    velocity[~np.isfinite(velocity)] = 0
    for row, one in enumerate(filters):
        if steps[row] > 0:
            one.points, one.velocity, one.stamp = smooth[row].copy(), velocity[row], stamp
        else:
            smooth[row] = np.where(np.isfinite(points[row]), last[row], points[row])
    return smooth


def _gain(cutoff: Array | float, step: Array) -> Array:
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
