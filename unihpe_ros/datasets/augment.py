"""Augmentation of crops: inexact boxes, rotation, mirroring, and effects of real cameras."""

from __future__ import annotations

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, in_image
from unihpe_ros.core.preprocess import mirror, PADDING
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.degrade import degrade, degrade_photograph
from unihpe_ros.datasets.half_body import half_body
from unihpe_ros.datasets.records import DatasetError, Record

_PELVIS = UNION.index('pelvis')
# Share of samples that show no person, so that the network learns low scores on background.
_EMPTY = 0.06
# Share of samples that are aimed at half of the person.
_HALF = 0.25
# Share of squared pictures that get the proportions of a photograph again, and these proportions
# (w / h).
_UNSTRETCHED = 0.7
_PROPORTIONS = (4 / 3, 3 / 2, 16 / 9, 3 / 4, 2 / 3)
_COCO = np.isin(UNION.keypoints, COCO_17.keypoints)


@dataclass(frozen=True)
class Sample:
    """
    One crop with its training targets.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(h, w, 3)`` BGR crop; black without a picture.
    keypoints : NDArray[np.float32]
        ``(K, 2)`` crop px; NaN where unknown.
    normalised : NDArray[np.float32]
        ``(K, 2)`` the same in the virtual camera, half the crop's height being 1.
    relative : NDArray[np.float32]
        ``(K, 3)`` root-relative, virtual camera's frame, m; NaN where unknown.
    visibility : NDArray[np.uint8]
        ``(K,)`` 0 outside the crop or the image, 1 inside but occluded, 2 visible.
    known : NDArray[np.bool_]
        ``(K,)`` whether `visibility` is known: no data set labels all keypoints.
    weight : NDArray[np.float32]
        ``(K,)`` weight of each keypoint's position in the loss.

    """

    image: NDArray[np.uint8]
    keypoints: NDArray[np.float32]
    normalised: NDArray[np.float32]
    relative: NDArray[np.float32]
    visibility: NDArray[np.uint8]
    known: NDArray[np.bool_]
    weight: NDArray[np.float32]


def crop_record(
    record: Record,
    size: tuple[int, int],
    rng: np.random.Generator | None = None,
    padding: float = PADDING,
) -> Sample:
    """
    Return the crop of a record's person, cut as the estimator does.

    Parameters
    ----------
    record : Record
        Image and labels.
    size : tuple[int, int]
        (w, h) of the crop, px.
    rng : np.random.Generator, optional
        Source of half bodies, the box's jitter, the roll, the flip and the picture's degradation;
        without it the crop is the exact one.
    padding : float
        How much larger than the box the crop is.

    Raises
    ------
    DatasetError
        If no camera can be aimed at the record's box.

    """
    box: Array = record.box.astype(np.float64)
    roll, empty = 0.0, None
    if rng is not None:
        empty = _empty_box(record, rng) if rng.random() < _EMPTY and record.alone else None
        if empty is not None:
            box = empty
        else:
            if record.stretched and rng.random() < _UNSTRETCHED:
                record = unstretch(record, rng)
            record = half_body(record, rng) if rng.random() < _HALF else record
            box, roll = _careless_box(record.box.astype(np.float64), rng)
    crop = aim_crop(record, box, size, roll, padding)
    image = np.zeros((size[1], size[0], 3), np.uint8)
    if record.image is not None:
        image = crop.warp(record.image)
    keypoints = crop.to_crop(record.keypoints_2d.astype(np.float64))
    normalised = crop.normalise(crop.rays(record.keypoints_2d.astype(np.float64)))
    relative = np.full((len(UNION), 3), np.nan)
    if record.keypoints_3d is not None and empty is None:
        points = record.keypoints_3d.astype(np.float64) @ crop.virtual_from_camera.T
        relative = points - points[_PELVIS]
    inside = in_image(keypoints, size)
    visibility = np.where(inside, record.visibility, 0).astype(np.uint8)
    known = np.isfinite(keypoints).all(-1) | np.isfinite(relative).all(-1)
    if record.complete:
        known = known | (_COCO if known.any() else True)
    weight = np.ones(len(UNION), np.float32) if record.weight is None else record.weight
    if rng is not None:
        if rng.random() < 0.5:
            image = np.ascontiguousarray(image[:, ::-1])
            keypoints = mirror(keypoints, UNION, size[0])
            normalised, relative = mirror(normalised, UNION), mirror(relative, UNION)
            visibility, known = visibility[UNION.flip_indices], known[UNION.flip_indices]
            weight = weight[UNION.flip_indices]
        rendered = record.keypoints_3d is not None
        image = degrade(image, rng) if rendered else degrade_photograph(image, rng)
    return Sample(
        image,
        keypoints.astype(np.float32),
        normalised.astype(np.float32),
        relative.astype(np.float32),
        visibility,
        known,
        weight.astype(np.float32),
    )


def aim_crop(
    record: Record,
    box: Array,
    size: tuple[int, int],
    roll: float = 0.0,
    padding: float = PADDING,
) -> Crops:
    """Return the virtual camera aimed at a box of a record; DatasetError if that is impossible."""
    try:
        return Crops.from_box(box, record.camera, size, padding, roll)
    except ValueError as error:
        raise DatasetError(f'{record.source}: {error}') from error


def unstretch(record: Record, rng: np.random.Generator) -> Record:
    """
    Give a squared picture the proportions of a usual photograph, its labels alike.

    Parameters
    ----------
    record : Record
        Somebody in a picture that was squared.
    rng : np.random.Generator
        Source of randomness: which of the usual proportions.

    """
    if record.image is None:
        return record
    height, width = record.image.shape[:2]
    wide = float(rng.choice(_PROPORTIONS, p=[0.4, 0.25, 0.1, 0.15, 0.1]))
    # The longer side is stretched, so that no pixels are lost.
    size = (round(width * wide), height) if wide > 1 else (width, round(height / wide))
    scale = np.array(size, np.float32) / (width, height)
    return replace(
        record,
        image=cv2.resize(record.image, size, interpolation=cv2.INTER_LINEAR),
        keypoints_2d=((record.keypoints_2d + 0.5) * scale - 0.5).astype(np.float32),
        box=((record.box + 0.5) * np.tile(scale, 2) - 0.5).astype(np.float32),
        area=None if record.area is None else record.area * float(scale.prod()),
        stretched=False,
    )


def _careless_box(box: Array, rng: np.random.Generator) -> tuple[Array, float]:
    """Return the box shifted and scaled at random, one in five by much."""
    rough = rng.random() < 0.2
    extent = max(box[2] - box[0], box[3] - box[1])
    shift = rng.normal(0, 0.12 if rough else 0.04, 2) * extent
    scale = np.exp(rng.normal(0.1, 0.35) if rough else rng.normal(0, 0.15))
    middle = 0.5 * (box[:2] + box[2:]) + shift
    half = 0.5 * scale * (box[2:] - box[:2])
    turned = rng.random() < 0.5
    return np.concatenate([middle - half, middle + half]), turned * rng.normal(0, 0.35)


def _empty_box(record: Record, rng: np.random.Generator) -> Array | None:
    """Return a box well away from the person, or None if none was found."""
    width, height = record.size
    known = record.keypoints_2d[np.isfinite(record.keypoints_2d).all(-1)]
    for _ in range(10):
        half = 0.5 * rng.uniform(0.12, 0.4) * np.array([width, height])
        middle = rng.uniform(half, np.array([width, height]) - half)
        # The crop is larger than its box, and limbs are thicker than keypoints.
        if not (np.abs(known - middle) < 1.5 * half).all(-1).any():
            return np.concatenate([middle - half, middle + half])
    return None
