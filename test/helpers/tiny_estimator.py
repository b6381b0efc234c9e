"""An estimator whose network and detector are the tiny models of the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tiny_detector import write_tiny_detector
from unihpe_ros.estimator import EstimatorSettings, PoseEstimator


def tiny_estimator(
    model: Path, settings: EstimatorSettings | None = None, **options: Any
) -> PoseEstimator:
    """
    Load a tiny model, and write a tiny detector beside it that finds `paint_person`'s people.

    Parameters
    ----------
    model : Path
        As `write_tiny_model` returns it.
    settings, **options
        See PoseEstimator.

    """
    detector = write_tiny_detector(model.parent)
    return PoseEstimator(model, settings, detector=detector, **options)
