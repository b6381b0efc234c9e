"""The held-out sets of an experiment, opened before the first step: what lacks is known then."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from unihpe_ros.datasets.photos import Photos
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.datasets.synthetic import SyntheticShards
from unihpe_ros.evaluation.evaluate import image_metrics, lifting_metrics, TorchPredictor
from unihpe_ros.evaluation.keypoint_report import photo_scores
from unihpe_ros.evaluation.predictions import predict_records
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.detection.run import DetectorRun
from unihpe_ros.training.run import Run

_POSES, _IMAGES, _SCENES = 2000, 500, 300


class HeldOut:
    """
    What a run is scored on while it goes on.

    Parameters
    ----------
    run : Run
        The run; its experiment names the sets.
    note : Callable[[Iterable[str]], None]
        Is told what of the pictures can't be read and is left out.

    Raises
    ------
    DatasetError
        If a set that is named can't be read.

    """

    def __init__(self, run: Run, note: Callable[[Iterable[str]], None]) -> None:
        self.run, self.note, config = run, note, run.config
        self.poses = (
            load_pose_bank(Path(config.validation_poses)) if config.validation_poses else None
        )
        self.photos = Photos(Path(config.validation_photos)) if config.validation_photos else None
        self.pictures = _open_pictures(config, isinstance(run, DetectorRun))
        if self.pictures is not None:
            note(self.pictures.damaged)

    def scores(self) -> dict[str, float]:
        """Score the averaged weights; nothing where no set is named."""
        if isinstance(self.pictures, SceneShards):
            assert isinstance(self.run, DetectorRun)
            return self.run.scores(self.pictures, _SCENES, self.note)
        scores: dict[str, float] = {}
        if self.poses is None and self.pictures is None and self.photos is None:
            return scores
        predictor = TorchPredictor(self.run.averaged())
        if self.poses is not None:
            scores |= lifting_metrics(predictor, self.poses, limit=_POSES)
        if self.pictures is not None:
            scores |= image_metrics(predictor, self.pictures, limit=_IMAGES, note=self.note)
        if self.photos is not None:
            scores |= photo_scores(predict_records(predictor, self.photos))
        return scores


def _open_pictures(config: TrainConfig, scenes: bool) -> SceneShards | SyntheticShards | None:
    # A lifting branch that is trained alone has no use for pictures.
    if not config.validation_images or not config.images:
        return None
    return (SceneShards if scenes else SyntheticShards)(Path(config.validation_images))
