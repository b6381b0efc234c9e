"""Half-body augmentation: crops aimed at the upper or the lower body, down to the head alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.records import box_around, Record

_HEAD = ('nose', 'left_eye', 'right_eye', 'left_ear', 'right_ear', 'head_top')
_ARMS = tuple(
    f'{side}_{joint}' for joint in ('shoulder', 'elbow', 'wrist') for side in ('left', 'right')
)
_SHOULDERS = ('left_shoulder', 'right_shoulder')
_HIPS = ('left_hip', 'right_hip')
_KNEES = ('left_knee', 'right_knee')
_ANKLES = ('left_ankle', 'right_ankle')
# Keypoint sets of the re-crops, their frequency, and whether each is the upper half.
_PARTS = (
    (UNION.indices(*_HEAD, *_SHOULDERS), 0.2, True),
    (UNION.indices(*_HEAD, *_ARMS), 0.2, True),
    (UNION.indices(*_HEAD, *_ARMS, *_HIPS), 0.25, True),
    (UNION.indices(*_HEAD, *_ARMS, *_HIPS, *_KNEES), 0.15, True),
    (UNION.indices(*_HIPS, *_KNEES, *_ANKLES), 0.2, False),
)
_COUNTED = UNION.indices(*COCO_17.keypoints)
# Of COCO's keypoints, how many the whole picture and how many the re-crop must show.
_LEAST_SEEN, _LEAST_KEPT = 9, 4
# Least size of a re-crop, px: smaller ones would be blurred, but a person near a camera is sharp.
_SMALLEST = 40
# Margin around the keypoints for the body, as a share of the size of the person's box.
_FLESH = 0.06
# Share of re-crops at whose cut the photograph ends, with black beyond it.
_ENDS = 0.4


def half_body(record: Record, rng: np.random.Generator) -> Record:
    """
    Return the record with its box around the upper or the lower body, or the head, only.

    Parameters
    ----------
    record : Record
        A person of whom enough is in view; others are returned unchanged.
    rng : np.random.Generator
        Source of randomness: which half, and whether the photograph ends at the cut.

    Returns
    -------
    Record
        The same keypoints, px of the same picture, with a smaller box; where the photograph ends
        at the cut, the picture is black beyond it and keypoints there are outside.

    """
    seen = (record.visibility > 0) & np.isfinite(record.keypoints_2d).all(-1)
    if seen[_COUNTED].sum() < _LEAST_SEEN:
        return record
    part, _, upper = _PARTS[rng.choice(len(_PARTS), p=[share for _, share, _ in _PARTS])]
    ends = rng.random() < _ENDS
    kept = [index for index in part if seen[index]]
    if len(set(kept) & set(_COUNTED)) < _LEAST_KEPT:
        return record
    around = _FLESH * float((record.box[2:] - record.box[:2]).max())
    box = box_around(record.keypoints_2d[kept]) + around * np.array([-1, -1, 1, 1])
    if (box[2:] - box[:2]).max() < _SMALLEST:
        return record
    aimed = replace(record, box=box.astype(np.float32))
    return _end_at(aimed, upper) if ends else aimed


def _end_at(record: Record, upper: bool) -> Record:
    """Return the record with the picture black beyond the cut and keypoints there outside."""
    if record.image is None:
        return record
    edge = int(np.clip(np.rint(record.box[3 if upper else 1]), 0, record.image.shape[0]))
    image, rows = record.image.copy(), record.keypoints_2d[:, 1]
    image[slice(edge, None) if upper else slice(edge)] = 0
    outside = rows > edge - 0.5 if upper else rows < edge - 0.5
    visibility = np.where(outside, 0, record.visibility).astype(np.uint8)
    return replace(record, image=image, visibility=visibility)
