"""Load a pose model, on the GPU or the CPU."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unihpe_ros.engines import device_model
from unihpe_ros.engines.backend_choice import DEVICE_BACKENDS, first_that_works
from unihpe_ros.engines.host_model import HostPoseModel
from unihpe_ros.engines.model_files import load_pair
from unihpe_ros.engines.pose_model import PoseModel


def load_pose_model(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    precision: str = 'fp32',
    progress: Callable[[str, float], object] | None = None,
) -> PoseModel:
    """
    Load a model, all of it onto the GPU if TensorRT runs it.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.model_files.find_model`.
    backend, threads, max_people, precision, progress
        See `unihpe_ros.engines.backend_choice.load_engine`.

    Raises
    ------
    EngineError
        If a file cannot be loaded, or the two do not belong together.

    """

    def load(name: str) -> PoseModel:
        if name in DEVICE_BACKENDS:
            return device_model.load(model, backend=name, max_people=max_people, progress=progress)
        pair = load_pair(model, backend=name, threads=threads, precision=precision)
        return HostPoseModel(*pair)

    pose_model, notes = first_that_works(load, backend, Path(model).name)
    pose_model.notes = (*notes, *pose_model.notes)
    return pose_model
