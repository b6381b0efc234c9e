"""
The One Euro filter: calm at rest, quick in motion.

Casiez, Roussel and Vogel: 1 € Filter: A Simple Speed-based Low-pass Filter for Noisy Input in
Interactive Systems, CHI 2012. A first-order low-pass whose cutoff grows with the speed:

    x' = a x + (1 - a) x'_last,  a = 1 / (1 + tau / T),  tau = 1 / (2 pi f),
    f = min_cutoff + beta |v'|,

where v' is the speed after a low-pass of a fixed cutoff, and T the time since the last value.

"""

from __future__ import annotations

from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array

# Cutoff for the speed, Hz: Casiez et al. use 1; a hand that starts to move is noticed sooner.
_SPEED_CUTOFF = 2.0
# A value with no confidence at all moves the filter by this share of a sure one.
_LEAST_WEIGHT = 0.1


@dataclass(frozen=True)
class OneEuroSettings:
    """
    How much is smoothed.

    Parameters
    ----------
    min_cutoff : float
        Cutoff at rest, Hz.
    beta : float
        Growth of the cutoff with speed, Hz per unit of speed.

    """

    min_cutoff: float
    beta: float


class OneEuro:
    """
    Smooths K points; each has a speed and so a cutoff of its own.

    A point that is not finite is returned as it is, and begins anew when it comes back.

    """

    def __init__(self) -> None:
        self._points: Array | None = None
        self._velocity: Array = np.zeros(0)
        self._stamp = -math.inf

    def __call__(
        self,
        points: Array,
        stamp: float,
        settings: OneEuroSettings,
        weights: Array | float = 1.0,
        unit: float = 1.0,
    ) -> NDArray[np.float64]:
        """
        Take in the next points and return the smooth ones.

        Parameters
        ----------
        points : NDArray
            ``(K, D)`` any unit; NaN where unknown.
        stamp : float
            Time of these, s; not before the last.
        settings : OneEuroSettings
            How much is smoothed.
        weights : NDArray or float
            ``(K,)`` confidence in [0, 1]: what is unsure moves the filter less.
        unit : float
            What one unit of the points is in the unit of `beta`'s speed.

        """
        points = np.asarray(points, np.float64)
        if self._points is None:
            self._points, self._velocity, self._stamp = points, np.zeros_like(points), stamp
            return points.copy()
        step = stamp - self._stamp
        if step <= 0:
            return np.where(np.isfinite(points), self._points, points)
        known = np.isfinite(self._points).all(-1, keepdims=True)
        trust = _LEAST_WEIGHT + (1 - _LEAST_WEIGHT) * np.clip(weights, 0, 1)
        trust = np.broadcast_to(trust, points.shape[:-1])[..., None]
        velocity = np.where(known, points - self._points, 0) / step
        velocity = self._velocity + trust * _gain(_SPEED_CUTOFF, step) * (
            velocity - self._velocity
        )
        speed = unit * np.linalg.norm(velocity, axis=-1, keepdims=True)
        gain = trust * _gain(settings.min_cutoff + settings.beta * speed, step)
        smooth = np.where(known, self._points + gain * (points - self._points), points)
        self._points, self._stamp = smooth, stamp
        self._velocity = np.where(np.isfinite(velocity), velocity, 0)
        return smooth.copy()


def _gain(cutoff: Array | float, step: float) -> Array | float:
    return 1 / (1 + 1 / (2 * np.pi * cutoff * step))
