"""BenchPlan: models, recordings and outputs of a benchmark on recordings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unihpe_ros.core.resources import DETECTOR
from unihpe_ros.visualisation.anonymise import OFF


@dataclass(frozen=True)
class BenchPlan:
    """
    Models, recordings and outputs of a benchmark.

    Parameters
    ----------
    source : Path
        A recording, or a folder of them.
    models : tuple[str, ...]
        See `unihpe_ros.engines.model_files.find_model`.
    backend : str
        See `unihpe_ros.engines.backend_choice.load_engine`.
    detector : str
        See `unihpe_ros.detector.find_detector`.
    model_2d : str
        ONNX file of a 2D network of another maker before all models; empty for none.
    topic : str
        Topic of the images; if empty, the one there is.
    rectified : bool
        The images are rectified.
    image_rotation : int
        By how many degrees the images are turned clockwise to be upright.
    rate : float
        Pace, see `unihpe_ros.bench.recordings.in_process.DirectRun`; 1 if the live node is asked.
    live : bool
        Ask a live node instead of the estimator in this process.
    truth : str
        See `unihpe_ros.bench.recordings.sources.load_truth`.
    shard : str
        'i/n', see `unihpe_ros.core.sharding.choose_shard`.
    write_bag, video : Path, optional
        Where to write the recording with the poses, and a video; with several recordings or
        models, their names are put into the file's.
    anonymise : str
        See `unihpe_ros.visualisation.anonymise.anonymise`; of the report's pictures and the video.

    """

    source: Path
    models: tuple[str, ...]
    backend: str = 'auto'
    detector: str = DETECTOR
    model_2d: str = ''
    topic: str = ''
    rectified: bool = False
    image_rotation: int = 0
    rate: float = 0.0
    live: bool = False
    truth: str = ''
    shard: str = '1/1'
    write_bag: Path | None = None
    video: Path | None = None
    anonymise: str = OFF
