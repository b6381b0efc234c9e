"""EstimatorNetworks: the pose model and the detector that an estimator works with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from unihpe_ros.core.skeleton import UNION
from unihpe_ros.detector import Detector, PersonDetector
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.int8 import PrecisionNote
from unihpe_ros.engines.model_loader import load_pose_model
from unihpe_ros.engines.people_model import PeopleModel
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.networks_2d.lifted_models import load_model_2d


@dataclass(frozen=True)
class RuntimeOptions:
    """
    How networks that are given by name run.

    Parameters
    ----------
    backend, threads, precision
        See `unihpe_ros.engines.backend_choice.load_engine`.
    detector_threads : int
        CPU threads of the detector; 0 for as many as the cores.
    max_people : int
        Most people in one batch of images.
    progress : Callable, optional
        See `unihpe_ros.engines.backend_choice.load_engine`.

    """

    backend: str = 'auto'
    threads: int = 0
    precision: str = 'fp32'
    detector_threads: int = 0
    max_people: int = 1
    progress: Callable[[str, float], object] | None = None


class EstimatorNetworks:
    """
    The pose model and the detector of an estimator, loaded where they are given by name.

    Parameters
    ----------
    model : str, Path, PoseModel or PeopleModel
        See `unihpe_ros.estimator.PoseEstimator`.
    model_2d : str or Path
        See there.
    detector : str, Path or Detector
        See there; a PeopleModel finds newcomers itself.
    options : RuntimeOptions
        How what is given by name runs.

    Attributes
    ----------
    model : PoseModel or PeopleModel
        Finds keypoints.
    detector : Detector
        Finds newcomers.
    notes : tuple
        What the user should be told of both.

    Raises
    ------
    EngineError
        If a network cannot be loaded, or the keypoints of the model are not those of `UNION`.

    """

    def __init__(
        self,
        model: str | Path | PoseModel | PeopleModel,
        model_2d: str | Path,
        detector: str | Path | Detector,
        options: RuntimeOptions,
    ) -> None:
        self._loaded: list[PoseModel | PeopleModel | Detector] = []
        self.model = self._pose_model(model, model_2d, options)
        self.notes = self.model.notes
        if isinstance(self.model, PeopleModel):
            self.detector: Detector = self.model
        elif isinstance(detector, str | Path):
            self.detector = self._load_detector(detector, options)
        else:
            self.detector = detector

    def close(self, *, but_detector: bool = False) -> None:
        """Release what was loaded by name; without the detector if it is still in use."""
        for loaded in self._loaded:
            if not (but_detector and loaded is self.detector):
                loaded.close()
        self._loaded.clear()

    def _pose_model(
        self,
        model: str | Path | PoseModel | PeopleModel,
        model_2d: str | Path,
        options: RuntimeOptions,
    ) -> PoseModel | PeopleModel:
        if not isinstance(model, str | Path):
            if model.spec.keypoints != UNION:
                raise EngineError(
                    f'{model.spec.model}: expected keypoints {UNION.name}; got '
                    f'{model.spec.skeleton}; `PoseEstimator.lift` takes those of any set'
                )
            return model
        # A network of others has no int8 copy.
        ours = partial(load_pose_model, precision=options.precision)
        load = partial(load_model_2d, model_2d) if model_2d else ours
        loaded = load(
            model,
            backend=options.backend,
            threads=options.threads,
            max_people=options.max_people,
            progress=options.progress,
        )
        self._loaded.append(loaded)
        return loaded

    def _load_detector(self, name: str | Path, options: RuntimeOptions) -> PersonDetector:
        detector = PersonDetector(
            name,
            backend=options.backend,
            threads=options.detector_threads,
            precision=options.precision,
        )
        self.notes += tuple(n for n in detector.notes if isinstance(n, PrecisionNote))
        self._loaded.append(detector)
        return detector
