"""Held-out sets of an experiment, opened before the first step, so that errors come early."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from unihpe_ros.datasets.photos import Photos
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.synthetic import SyntheticShards
from unihpe_ros.evaluation.keypoint_report import photo_scores
from unihpe_ros.evaluation.model_metrics import image_metrics, lifting_metrics
from unihpe_ros.evaluation.predictions import predict_records
from unihpe_ros.evaluation.predictor import TorchPredictor
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.config import TrainConfig

_POSES, _IMAGES = 2000, 500


class HeldOut(Protocol):
    """Held-out sets, opened, on which a network is evaluated at every checkpoint."""

    def scores(self, averaged: Callable[[], Any]) -> dict[str, float]:
        """Return the scores of the network with averaged weights; none without any set."""


class HeldOutPeople:
    """
    The crops, photographs and poses on which a pose network is evaluated.

    Parameters
    ----------
    config : TrainConfig
        The experiment, which names the sets.
    note : Callable[[Iterable[str]], None]
        Is given messages about pictures that can't be read and are left out.

    Raises
    ------
    DatasetError
        If a set that is named can't be read.

    """

    def __init__(self, config: TrainConfig, note: Callable[[Iterable[str]], None]) -> None:
        self.note, self.padding = note, config.padding
        self.poses = (
            load_pose_bank(Path(config.validation_poses)) if config.validation_poses else None
        )
        self.photos = Photos(Path(config.validation_photos)) if config.validation_photos else None
        # A lifting branch that is trained alone needs no pictures.
        wanted = config.validation_images if config.images else ''
        self.pictures = SyntheticShards(Path(wanted)) if wanted else None
        if self.pictures is not None:
            note(self.pictures.damaged)

    def scores(self, averaged: Callable[[], UniHPE]) -> dict[str, float]:
        """Return the scores of the network with averaged weights; none without any set."""
        scores: dict[str, float] = {}
        if self.poses is None and self.pictures is None and self.photos is None:
            return scores
        predictor = TorchPredictor(averaged(), self.padding)
        if self.poses is not None:
            scores |= lifting_metrics(predictor, self.poses, limit=_POSES)
        if self.pictures is not None:
            scores |= image_metrics(predictor, self.pictures, limit=_IMAGES, note=self.note)
        if self.photos is not None:
            scores |= photo_scores(predict_records(predictor, self.photos))
        return scores
