"""The one record type that every data set yields."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


class DatasetError(RuntimeError):
    """A data set that can't be read; the message names the file and what was expected."""


@dataclass(frozen=True)
class Record:
    """
    One person in one image.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    keypoints_2d : NDArray[np.float32]
        ``(26, 2)`` union set, px of `image`; NaN where unknown.
    keypoints_3d : NDArray[np.float32] or None
        ``(26, 3)`` camera optical frame, m; NaN where unknown.
    visibility : NDArray[np.uint8]
        ``(26,)`` 0 outside the image or unknown, 1 inside but occluded, 2 visible.
    K : NDArray[np.float64] or None
        ``(3, 3)`` intrinsics of `image`, px.
    box : NDArray[np.float32]
        ``(4,)`` x0 y0 x1 y1 of the person, px.
    source : str
        Where the record comes from, for error messages.

    """

    image: NDArray[np.uint8]
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32] | None
    visibility: NDArray[np.uint8]
    K: NDArray[np.float64] | None
    box: NDArray[np.float32]
    source: str
