"""Predictions of a model for the records of a data set, from which all figures are computed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.datasets.augment import aim_crop, crop_record, Sample
from unihpe_ros.datasets.catalogue import damaged_parts
from unihpe_ros.datasets.records import DatasetError, Record, Records
from unihpe_ros.evaluation.predictor import Predictor

# The 3D poses of a model: from the image, from true 2D, from its own 2D, from image and own 2D.
IMAGE, LIFTED_TRUTH, LIFTED_OWN, FUSED = 'image', 'lifted_truth', 'lifted_own', 'fused'
POSE_SOURCES = (IMAGE, LIFTED_TRUTH, LIFTED_OWN, FUSED)
_ARRAYS = ('truth', 'keypoints', 'scores', 'truth_2d', 'inside', 'agreement', 'areas', 'boxes')


@dataclass(frozen=True)
class Predictions:
    """
    Labels and predictions of N records.

    Parameters
    ----------
    poses : Mapping[str, NDArray]
        ``(N, K, 3)`` by POSE_SOURCES, root-relative, crop's virtual camera, m; 'lifted_truth'
        alone without pictures.
    truth : NDArray
        ``(N, K, 3)`` likewise; NaN where unknown.
    keypoints : NDArray
        ``(N, K, 2)`` found in the image, image px; NaN without pictures.
    scores : NDArray
        ``(N, K)`` of `keypoints`.
    truth_2d : NDArray
        ``(N, K, 2)`` image px; NaN where unknown.
    inside : NDArray[np.bool_]
        ``(N, K)`` whether the keypoint is inside both image and crop.
    agreement : NDArray
        ``(N,)`` of the embeddings of image and own 2D, in [0, 1]; NaN without pictures.
    embeddings : Mapping[str, NDArray]
        ``(N, D)`` unit rows by modality: '2d' of the true 2D, and 'image' where there are
        pictures.
    groups : Sequence[str]
        ``N`` actions or sequences.
    areas : NDArray
        ``(N,)`` px^2; NaN where unknown.
    images : Sequence[str]
        ``N`` names of the pictures that the people are in.
    boxes : NDArray
        ``(N, 4)`` true boxes, px.
    rows : NDArray[np.intp]
        ``(N,)`` numbers of the records in the data set.
    skipped : int
        Records that could not be read.
    damaged : int
        Shards that could not be read.

    """

    poses: Mapping[str, Array]
    truth: Array
    keypoints: Array
    scores: Array
    truth_2d: Array
    inside: NDArray[np.bool_]
    agreement: Array
    embeddings: Mapping[str, Array]
    groups: Sequence[str]
    areas: Array
    images: Sequence[str]
    boxes: Array
    rows: NDArray[np.intp]
    skipped: int
    damaged: int = 0

    def __len__(self) -> int:
        return len(self.truth)


@dataclass(frozen=True)
class _Item:
    record: Record
    crop: Crops
    sample: Sample


def predict_records(
    predictor: Predictor, records: Records, *, limit: int | None = None, batch: int = 64
) -> Predictions:
    """
    Return the predictions of a model for the records of a data set, cropped by their true boxes.

    Parameters
    ----------
    predictor : Predictor
        The model.
    records : Records
        The data set.
    limit : int, optional
        Records to use, evenly spread; without it all.
    batch : int
        Crops at a time.

    Raises
    ------
    DatasetError
        If no record at all can be read.

    """
    chosen = chosen_records(records, limit)
    parts: list[dict[str, NDArray[Any]]] = []
    groups: list[str] = []
    images: list[str] = []
    rows: list[int] = []
    skipped: list[DatasetError] = []
    items: list[_Item] = []
    for index in tqdm(chosen, desc='evaluating', unit='record', delay=2):
        try:
            items.append(_read(records[int(index)], predictor.size, predictor.padding))
            rows.append(int(index))
        except DatasetError as error:
            skipped.append(error)
        if len(items) == batch:
            parts.append(_predict(predictor, items))
            groups += [item.record.group for item in items]
            images += [_picture_name(item.record) for item in items]
            items = []
    if items:
        parts.append(_predict(predictor, items))
        groups += [item.record.group for item in items]
        images += [_picture_name(item.record) for item in items]
    if not parts:
        raise skipped[0] if skipped else DatasetError('expected records to evaluate; got none')
    whole = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return Predictions(
        poses={name: whole[f'pose {name}'] for name in POSE_SOURCES if f'pose {name}' in whole},
        embeddings={
            name: whole[f'embedding {name}']
            for name in ('image', '2d')
            if f'embedding {name}' in whole
        },
        groups=groups,
        images=images,
        rows=np.array(rows, np.intp),
        skipped=len(skipped),
        damaged=len(damaged_parts(records)),
        **{name: whole[name] for name in _ARRAYS},
    )


def chosen_records(records: Records, limit: int | None) -> NDArray[np.intp]:
    """Return the numbers of at most `limit` records, evenly spread; of all without it."""
    count = min(limit or len(records), len(records))
    return np.linspace(0, len(records) - 1, count).astype(np.intp)


def _picture_name(record: Record) -> str:
    """Return the picture of a record: what its source names before the annotation."""
    return record.source.partition(', annotation ')[0]


def _read(record: Record, size: tuple[int, int], padding: float) -> _Item:
    crop = aim_crop(record, record.box.astype(np.float64), size, padding=padding)
    return _Item(record, crop, crop_record(record, size, padding=padding))


def _predict(predictor: Predictor, items: Sequence[_Item]) -> dict[str, NDArray[Any]]:
    truth_2d = np.stack([item.sample.normalised for item in items])
    full = lifting_input(truth_2d, np.asarray(np.isfinite(truth_2d).all(-1)))
    lifted = predictor.lift(full, np.zeros((len(items), predictor.width), np.float32))
    pixels = np.stack([item.record.keypoints_2d for item in items])
    part: dict[str, NDArray[Any]] = {
        f'pose {LIFTED_TRUTH}': lifted['lifted_pose3d'],
        'embedding 2d': lifted['embedding'],
        'truth': np.stack([item.sample.relative for item in items]),
        'truth_2d': pixels,
        'inside': np.stack([item.sample.visibility > 0 for item in items]),
        'areas': np.array([item.record.area or np.nan for item in items], np.float64),
        'boxes': np.stack([item.record.box for item in items]),
        'keypoints': np.full(pixels.shape, np.nan, np.float32),
        'scores': np.zeros(pixels.shape[:2], np.float32),
        'agreement': np.full(len(items), np.nan, np.float32),
    }
    return part | (
        _predict_from_images(predictor, items) if items[0].record.image is not None else {}
    )


def _predict_from_images(predictor: Predictor, items: Sequence[_Item]) -> dict[str, Array]:
    images = np.stack([item.sample.image for item in items])
    output = predictor.encode_image(images)
    found, scores = simcc.read_keypoints(output, predictor.simcc_ratio)
    pixels = np.stack([crop.to_image(one) for crop, one in zip(_crops(items), found, strict=True)])
    own = [crop.normalise(crop.rays(one)) for crop, one in zip(_crops(items), pixels, strict=True)]
    lifted = predictor.lift(lifting_input(np.stack(own), scores), output['feature'])
    cosine = (output['embedding'] * lifted['embedding']).sum(-1)
    return {
        f'pose {IMAGE}': lifted['image_pose3d'],
        f'pose {LIFTED_OWN}': lifted['lifted_pose3d'],
        f'pose {FUSED}': lifted['fused_pose3d'],
        'embedding image': output['embedding'],
        'keypoints': pixels,
        'scores': scores,
        'agreement': 0.5 * (1 + cosine),
    }


def _crops(items: Sequence[_Item]) -> Iterator[Crops]:
    return (item.crop for item in items)
