"""The arrays of a shard, made of samples; see docs/data_format.md."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.samples.crop_sample import CropSample
from unihpe_ros.synthesis.samples.scene_sample import SceneSample

Columns = dict[str, Any]

_CROP = (
    'keypoints_2d', 'keypoints_3d', 'visibility', 'hider', 'K', 'box', 'aim', 'height', 'clip',
    'frame', 'shape',
)  # fmt: skip
_PICTURE = ('K', 'distortion')
_PEOPLE = (
    'boxes', 'share_visible', 'keypoints_2d', 'keypoints_3d', 'visibility', 'hider', 'height',
    'clip', 'frame', 'shape',
)  # fmt: skip


def crop_columns(samples: Sequence[CropSample]) -> Columns:
    """Return crops as columns, one row each."""
    columns = {name: np.array([getattr(sample, name) for sample in samples]) for name in _CROP}
    columns['height'] = columns['height'].astype(np.float32)
    for name in ('clip', 'frame', 'shape'):
        columns[name] = columns[name].astype(np.int32)
    return {**columns, **_run_columns([sample.mask for sample in samples])}


def scene_columns(samples: Sequence[SceneSample]) -> Columns:
    """Return scenes as columns: one row per picture, and one per person."""
    columns = {name: np.array([getattr(sample, name) for sample in samples]) for name in _PICTURE}
    columns['first'] = np.cumsum([0, *(len(sample.boxes) for sample in samples)])
    for name in _PEOPLE:
        columns[name] = np.concatenate([getattr(sample, name) for sample in samples])
    return {**columns, **_run_columns([mask for sample in samples for mask in sample.masks])}


def _run_columns(masks: Sequence[NDArray[np.uint32]]) -> Columns:
    first = np.cumsum([0, *(len(runs) for runs in masks)])
    return {
        'mask_runs': np.concatenate([np.zeros(0, np.uint32), *masks]),
        'mask_first': first.astype(np.int64),
    }
