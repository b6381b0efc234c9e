"""Figures of a finished run of a study, on held-out data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from torch import nn
from unihpe_ros.core.skeleton import H36M_17, UNION
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.synthetic import SyntheticShards
from unihpe_ros.evaluation.model_metrics import lifting_metrics
from unihpe_ros.evaluation.predictions import (
    FUSED,
    IMAGE,
    LIFTED_OWN,
    LIFTED_TRUTH,
    predict_records,
)
from unihpe_ros.evaluation.predictor import TorchPredictor
from unihpe_ros.evaluation.protocols import pose_errors
from unihpe_ros.evaluation.retrieval import retrieve
from unihpe_ros.models.unihpe import UniHPE

_POSES = {
    IMAGE: 'image',
    LIFTED_TRUTH: 'lifted, true 2D',
    LIFTED_OWN: 'lifted, own 2D',
    FUSED: 'fused',
}
_PAIRS = ('image -> 2d', 'image -> 3d', '2d -> 3d')


def modality_scores(model: nn.Module, test: Path, limit: int) -> dict[str, float]:
    """Return the 3D errors of a UniHPE on held-out crops, and its retrieval across modalities."""
    predictor = TorchPredictor(model)
    predicted = predict_records(predictor, SyntheticShards(test), limit=limit)
    errors = pose_errors(predicted, H36M_17.keypoints)
    scores = {
        f'MPJPE {name} [mm]': float(np.nanmean(errors[key][0])) for key, name in _POSES.items()
    }
    embeddings = {
        **predicted.embeddings,
        '3d': predictor.embed_3d(predicted.truth.astype(np.float32)),
    }
    found = retrieve(embeddings, predicted.truth[:, H36M_17.indices_in(UNION)])
    scores |= {f'R@1 {pair} [%]': found[pair][0] for pair in _PAIRS}
    return scores | {f'retrieval {pair} [mm]': found[pair][1] for pair in _PAIRS}


def lifter_scores(model: nn.Module, test: Path, limit: int) -> dict[str, float]:
    """Return the 3D errors of a lifter on a bank of held-out poses, and its size."""
    figures = lifting_metrics(TorchPredictor(model), load_pose_bank(test), limit=limit)
    inputs = {'true': 'true 2D', 'noisy': 'noisy 2D', 'true_coco': "COCO's keypoints"}
    scores = {'parameters [M]': _lifting_parameters(model) / 1e6}
    for key, name in inputs.items():
        scores[f'MPJPE {name} [mm]'] = figures[f'lifted_{key}_mpjpe_mm']
        scores[f'PA-MPJPE {name} [mm]'] = figures[f'lifted_{key}_pa_mpjpe_mm']
    return scores


def _lifting_parameters(model: nn.Module) -> int:
    """Return the number of parameters used in lifting."""
    parts = [model]
    if isinstance(model, UniHPE):
        parts = [model.encoder_2d, model.decoder, model.refiner]
    return sum(value.numel() for part in parts for value in part.parameters())


# By the kind of a study: figures of a model, by their name, from held-out data.
SCORES: Mapping[str, Callable[[nn.Module, Path, int], dict[str, float]]] = {
    'modalities': modality_scores,
    'lifters': lifter_scores,
}
