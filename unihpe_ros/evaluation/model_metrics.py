"""Metrics of a pose network on crops and on pose banks, as a training logs them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import simcc
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import COCO_17, H36M_17, Skeleton, UNION
from unihpe_ros.datasets.augment import crop_record, Sample
from unihpe_ros.datasets.projection import corrupt, project_poses
from unihpe_ros.datasets.records import DatasetError, Records
from unihpe_ros.evaluation.predictor import input_of_crop, Predictor
from unihpe_ros.metrics import pose_errors as metrics

_MM = 1000.0
# The lifting branch's outputs are NAME_pose3d.
_OUTPUTS = ('image', 'lifted', 'fused')


def lifting_metrics(
    predictor: Predictor,
    bank: NDArray[np.float32],
    *,
    limit: int = 4000,
    seed: int = 0,
) -> dict[str, float]:
    """
    Return the errors of the lifting branch on held-out poses, Human3.6M's joints.

    Parameters
    ----------
    predictor : Predictor
        The model.
    bank : NDArray[np.float32]
        ``(M, K, 3)`` world frame, Z up, m.
    limit : int
        Poses to use, evenly spread.
    seed : int
        Seed of the cameras.

    Returns
    -------
    dict[str, float]
        mpjpe_mm and pa_mpjpe_mm from true 2D, from COCO's keypoints of true 2D, from 2D as
        noisy as a detector's, and of flat depth (the 2D itself, with no depth at all).

    """
    chosen = bank[np.linspace(0, len(bank) - 1, min(limit, len(bank))).astype(int)]
    clean, relative = project_poses(
        chosen.astype(np.float64), np.random.default_rng(seed), predictor.size, jitter=0.3
    )
    full = np.concatenate([clean, np.ones_like(clean[..., :1])], -1)
    coco = full * np.isin(UNION.keypoints, COCO_17.keypoints)[:, None]
    inputs = {
        'true': full,
        'true_coco': coco.astype(np.float32),
        'noisy': corrupt(clean, np.random.default_rng(seed + 1)),
    }
    scores: dict[str, float] = {}
    for name, keypoints in inputs.items():
        answer = predictor.lift(keypoints, np.zeros((len(clean), predictor.width), np.float32))
        scores |= _pose_scores(f'lifted_{name}', answer['lifted_pose3d'], relative)
    flat = np.concatenate([clean, np.zeros_like(clean[..., :1])], -1)
    flat -= flat[:, UNION.index('pelvis')][:, None]
    scores['flat_depth_pa_mpjpe_mm'] = _MM * metrics.pa_mpjpe(
        _select(flat, H36M_17), _select(relative, H36M_17)
    )
    return scores


def image_metrics(
    predictor: Predictor,
    records: Records,
    *,
    limit: int = 1000,
    batch: int = 64,
    note: Callable[[Iterable[str]], None] | None = None,
) -> dict[str, float]:
    """
    Return the errors of the whole model on crops with true boxes.

    Parameters
    ----------
    predictor : Predictor
        The model.
    records : Records
        Images with labels.
    limit : int
        Records to use, evenly spread.
    batch : int
        Crops at a time.
    note : Callable[[Iterable[str]], None], optional
        Is told which records can't be read and are left out; without it they are errors.

    Returns
    -------
    dict[str, float]
        pck (0.2 torso, COCO keypoints inside the image, in %), error_px (median), mpjpe_mm and
        pa_mpjpe_mm of image, lifted and fused answer (Human3.6M joints).

    """
    chosen = np.linspace(0, len(records) - 1, min(limit, len(records))).astype(int)
    found, truths, inside = [], [], []
    poses: dict[str, list[Array]] = {name: [] for name in (*_OUTPUTS, 'truth')}
    for samples in _samples(records, chosen, predictor, batch, note):
        answer = predictor.encode_image(np.stack([s.image for s in samples]))
        keypoints, confidence = simcc.read_keypoints(answer, predictor.simcc_ratio)
        lifted = predictor.lift(
            input_of_crop(keypoints, confidence, predictor.size), answer['feature']
        )
        found.append(keypoints)
        truths.append(np.stack([sample.keypoints for sample in samples]))
        inside.append(np.stack([sample.visibility > 0 for sample in samples]))
        poses['truth'].append(np.stack([sample.relative for sample in samples]))
        for name in _OUTPUTS:
            poses[name].append(lifted[f'{name}_pose3d'])
    coco = COCO_17.indices_in(UNION)
    truth_2d = np.concatenate(truths)[:, coco]
    errors = metrics.keypoint_errors(np.concatenate(found)[:, coco], truth_2d)
    errors = np.where(np.concatenate(inside)[:, coco], errors, np.nan)
    scores = {
        'pck': 100 * metrics.pck(errors, 0.2 * metrics.torso_size(truth_2d)[:, None]),
        'error_px': float(np.nanmedian(errors)),
    }
    truth = np.concatenate(poses['truth'])
    for name in _OUTPUTS:
        scores |= _pose_scores(name, np.concatenate(poses[name]), truth)
    return scores


def _samples(
    records: Records,
    chosen: NDArray[np.intp],
    predictor: Predictor,
    batch: int,
    note: Callable[[Iterable[str]], None] | None,
) -> Iterator[list[Sample]]:
    """Yield the crops of the chosen records, a batch at a time."""
    samples: list[Sample] = []
    readable = False
    for index in chosen:
        try:
            samples.append(
                crop_record(records[int(index)], predictor.size, padding=predictor.padding)
            )
            readable = True
        except DatasetError as error:
            # Without a single record there are no figures: the last error must not be hidden.
            if note is None or (index == chosen[-1] and not readable):
                raise
            note([str(error)])
        if len(samples) == batch:
            yield samples
            samples = []
    if samples:
        yield samples


def _pose_scores(name: str, predicted: Array, truth: Array) -> dict[str, float]:
    predicted, truth = _select(predicted, H36M_17), _select(truth, H36M_17)
    root = H36M_17.index('pelvis')
    return {
        f'{name}_mpjpe_mm': _MM * metrics.mpjpe(predicted, truth, root=root),
        f'{name}_pa_mpjpe_mm': _MM * metrics.pa_mpjpe(predicted, truth),
    }


def _select(poses: Array, skeleton: Skeleton) -> Array:
    return poses[:, skeleton.indices_in(UNION)]
