"""Map pictures of more than 8 bits to 8 bits, by percentiles that move slowly."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

FULL = (0.0, 65535.0)
# Percentiles that become black and white, and the margin beyond them as a share of the range.
_PERCENTILES = (0.5, 99.5)
_MARGIN = 0.05
# Share of the difference by which the range moves with each image: a closing shutter, or a hot
# object that comes near, must not change the look of people from one image to the next.
_PACE = 0.1
# After so many images in a row whose values overlap the range by less than this share of their own
# span, or of the range, the camera has changed: then the range jumps.
_NEWS, _SHARE = 3, 0.5
_UNKNOWN = np.full(2, np.nan)
# Floating point beyond it is a hole in the picture.
_LARGEST_FLOAT = 1e30
# So many pixels are enough to know the percentiles.
_SAMPLES = 8192
# Range that floating-point images have with `full`, as OpenCV has it.
_FULL_FLOAT = (0.0, 1.0)
# Distance of the percentiles in raw levels that is only noise (of floating point as a share of the
# values), and in grey levels in which no person can be found.
_NOISE, _NOISE_SHARE = 12.0, 1e-3
_LEAST_GREY = 12.0


class IntensityRange:
    """
    The range of raw values that becomes black to white; each camera has its own.

    Parameters
    ----------
    setting : tuple[float, float] | None
        The raw values of black and white; None follows the picture.

    Attributes
    ----------
    problem : str
        Why no person can be found in the last picture; empty if its contrast is sufficient.

    """

    def __init__(self, setting: tuple[float, float] | None = None) -> None:
        self._fixed = setting
        self._range: NDArray[np.float64] = _UNKNOWN
        self._strange = 0
        self.problem = ''

    @property
    def is_fixed(self) -> bool:
        """Whether somebody has said which raw values become black and white."""
        return self._fixed not in (None, FULL)

    def to_eight_bits(self, pixels: NDArray[np.uint16 | np.floating]) -> NDArray[np.uint8]:
        """
        Return a picture in 8 bits.

        Parameters
        ----------
        pixels : NDArray[np.uint16 | np.floating]
            ``(H, W)`` or ``(H, W, C)``; channels are stretched alike, NaN becomes black.

        Returns
        -------
        NDArray[np.uint8]
            Of the same shape.

        """
        seen, is_float = _percentiles(pixels), pixels.dtype.kind == 'f'
        noise = max(_NOISE_SHARE * float(np.abs(seen).max()), 1e-12) if is_float else _NOISE
        fixed = _FULL_FLOAT if is_float and self._fixed == FULL else self._fixed
        low, high = fixed or self._follow(seen, noise, -np.inf if is_float else 0.0)
        self.problem = self._contrast(seen, low, high, noise)
        if is_float:
            return _float_to_eight_bits(pixels, low, high)
        scale = 255.0 / max(high - low, 1.0)
        if low <= 0:
            return np.asarray(cv2.convertScaleAbs(pixels, alpha=scale), np.uint8)
        # convertScaleAbs would fold what lies below the range back up.
        shifted = cv2.subtract(pixels, (round(low),) * 4)
        return np.asarray(cv2.convertScaleAbs(shifted, alpha=scale), np.uint8)

    def _follow(
        self, seen: NDArray[np.float64], noise: float, least: float
    ) -> tuple[float, float]:
        span = max(seen[1] - seen[0], noise)
        wanted = np.array([seen[0] - _MARGIN * span, seen[1] + _MARGIN * span])
        if np.isnan(self._range[0]):
            self._range = wanted
        if span > noise:
            self._strange = self._strange + 1 if self._is_strange(wanted) else 0
            pace = 1.0 if self._strange >= _NEWS else _PACE
            self._range += pace * (wanted - self._range)
        return max(float(self._range[0]), least), float(self._range[1])

    def _is_strange(self, wanted: NDArray[np.float64]) -> bool:
        """Whether a picture is mostly outside of the range, or fills little of it."""
        low, high = np.clip(wanted, *self._range)
        shown = high - low
        span, reach = wanted[1] - wanted[0], self._range[1] - self._range[0]
        return bool(shown < _SHARE * span or shown < _SHARE * reach)

    def _contrast(self, seen: NDArray[np.float64], low: float, high: float, noise: float) -> str:
        values = f'99 % of the picture is between {seen[0]:.5g} and {seen[1]:.5g}'
        if seen[1] - seen[0] < noise:
            return f'{values}, which is no more than noise'
        grey = np.clip((seen - low) * 255 / max(high - low, noise / _NOISE), 0, 255)
        # A range that follows the picture gets there by itself.
        if self._fixed and grey[1] - grey[0] < _LEAST_GREY:
            return f'{values}, intensity_range is {low:g} to {high:g}: auto follows the picture'
        return ''


def _float_to_eight_bits(
    pixels: NDArray[np.uint16 | np.floating], low: float, high: float
) -> NDArray[np.uint8]:
    with np.errstate(over='ignore'):
        shown = np.clip(pixels, low, high).astype(np.float32)
    cv2.patchNaNs(shown, low)
    scale = 255.0 / max(high - low, 1e-30)
    return np.asarray(cv2.convertScaleAbs(shown, alpha=scale, beta=-low * scale), np.uint8)


def _percentiles(pixels: NDArray[np.uint16 | np.floating]) -> NDArray[np.float64]:
    """Return the raw values that hardly anything is below, and above."""
    flat = pixels.reshape(pixels.shape[0], -1)
    step = max(int((flat.size / _SAMPLES) ** 0.5), 1)
    # An odd step, so that all colours of a mosaic are sampled.
    step += 1 - step % 2
    sample = np.sort(flat[::step, ::step], axis=None).astype(np.float64)
    if pixels.dtype.kind == 'f':
        sample = sample[np.abs(sample) < _LARGEST_FLOAT]
    if not len(sample):
        return np.zeros(2)
    return np.interp(
        np.array(_PERCENTILES) / 100 * (len(sample) - 1), np.arange(len(sample)), sample
    )
