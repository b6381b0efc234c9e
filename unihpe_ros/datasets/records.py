"""The record type that every data set yields, and the interface of a data set."""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol
import zipfile
import zlib

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array, Camera, in_image
from unihpe_ros.core.skeleton import UNION

# Errors of Python for .npz files that are cut off, damaged or of an unknown kind.
ARCHIVE_DAMAGE = (OSError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)

# Field of view taken for a picture whose camera is unknown, rad.
_UNKNOWN_FOV = 0.9


class DatasetError(RuntimeError):
    """A data set that can't be read; the message names the file and what was expected."""


@dataclass(frozen=True)
class Record:
    """
    One person in one image.

    Parameters
    ----------
    image : NDArray[np.uint8] or None
        ``(H, W, 3)`` BGR; None where only the poses are at hand.
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
    group : str
        Action or sequence whose mean the protocols report; empty for none.
    distortion : tuple[float, ...]
        OpenCV coefficients of the lens; empty for none.
    image_size : tuple[int, int] or None
        (w, h) of the picture, px, where `image` is None.
    area : float or None
        Area of the person, px^2, for COCO's similarity.
    alone : bool
        Whether nobody else is in the picture, so that the rest of it is known to be empty.
    weight : NDArray[np.float32] or None
        ``(26,)`` weight of each label of `keypoints_2d`; None for 1 throughout.
    complete : bool
        Whether COCO's keypoints that have no label are known not to be seen; where nobody is
        labelled at all, all keypoints.
    stretched : bool
        Whether the picture was published squared, so that its proportions are wrong.

    """

    image: NDArray[np.uint8] | None
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32] | None
    visibility: NDArray[np.uint8]
    K: NDArray[np.float64] | None
    box: NDArray[np.float32]
    source: str
    group: str = ''
    distortion: tuple[float, ...] = ()
    image_size: tuple[int, int] | None = None
    area: float | None = None
    alone: bool = True
    weight: NDArray[np.float32] | None = None
    complete: bool = False
    stretched: bool = False

    @property
    def size(self) -> tuple[int, int]:
        """(w, h) of the picture, px; DatasetError if there is neither picture nor size."""
        if self.image is not None:
            return self.image.shape[1], self.image.shape[0]
        if self.image_size is None:
            raise DatasetError(f'{self.source}: expected an image or its size, got neither')
        return self.image_size

    @property
    def camera(self) -> Camera:
        """The camera of the picture; one of a usual field of view where it is unknown."""
        width, height = self.size
        if self.K is None:
            return Camera.from_fov(width, height, _UNKNOWN_FOV)
        distortion = np.array(self.distortion, np.float64)
        return Camera(self.K.astype(np.float64), width, height, distortion)


class Records(Protocol):
    """
    A data set: records by number.

    `has_images` tells whether records bring their picture; without, a data set serves to measure
    lifting, and not to train the image branch. A record that can't be read is a DatasetError of
    its own, which leaves the others readable.

    """

    @property
    def has_images(self) -> bool:
        """Whether the records have pictures."""

    def __len__(self) -> int:
        """Return the number of records."""

    def __getitem__(self, index: int) -> Record:
        """Return a record; IndexError beyond the last."""


def to_union(values: Array, names: Sequence[str]) -> NDArray[np.float32]:
    """
    Return named keypoints in the order of the union set; the others are NaN.

    Unlike `core.skeleton.convert` this takes no joint centre for a surface point.

    Parameters
    ----------
    values : NDArray
        ``(len(names), D)``.
    names : Sequence[str]
        Keypoints of the union set; an empty name leaves a value out.

    Returns
    -------
    NDArray[np.float32]
        ``(26, D)``.

    """
    spread = np.full((len(UNION), values.shape[-1]), np.nan, np.float32)
    for name, value in zip(names, values, strict=True):
        if name:
            spread[UNION.index(name)] = value
    return spread


def in_view(keypoints: Array, size: tuple[int, int]) -> NDArray[np.uint8]:
    """Return ``(K,)`` visibility of ``(K, 2)`` px: 2 inside the picture, 0 outside or unknown."""
    return np.where(in_image(keypoints, size), 2, 0).astype(np.uint8)


def box_around(keypoints: Array) -> NDArray[np.float32]:
    """Return the smallest box ``(4,)`` around the known of ``(K, 2)`` px; NaN without any."""
    known = keypoints[np.isfinite(keypoints).all(-1)]
    if not len(known):
        return np.full(4, np.nan, np.float32)
    return np.concatenate([known.min(0), known.max(0)]).astype(np.float32)


def read_image(path: Path) -> NDArray[np.uint8]:
    """Return a picture ``(H, W, 3)`` BGR; DatasetError if there is none or it is damaged."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR) if path.is_file() else None
    if image is None:
        state = 'damaged' if path.is_file() else 'missing'
        raise DatasetError(f'{path}: expected a picture; it is {state}')
    return np.asarray(image, np.uint8)


def check_index(index: int, records: Sized, name: object) -> None:
    """Raise IndexError, naming the data set, if it has no record of that number."""
    if not 0 <= index < len(records):
        raise IndexError(f'{name}: record {index} of {len(records)}')
