"""People files, videos and piped programs for the tests of ``unihpe run``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
import threading

import cv2
import numpy as np
from tiny_bag import CAMERA, truth_at, walker
from tiny_model import paint_person
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.run.inputs.choose import InputOptions, open_input
from unihpe_ros.run.inputs.source import Source
from unihpe_ros.run.outputs.people_file import FramePeople, Header, PeopleFile, PeopleWriter
from unihpe_ros.run.session import Plan, run_input, RunResult

RATE = 30.0
SIZE = (CAMERA.width, CAMERA.height)


def walk_image(second: float) -> np.ndarray:
    """Draw the two people of `walker` at a time."""
    image = np.zeros((SIZE[1], SIZE[0], 3), np.uint8)
    for box in truth_at(walker(second))[1]:
        paint_person(image, box)
    return image


def write_walk_video(path: Path, frames: int = 20) -> Path:
    """Write a video of two people, one of whom walks."""
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'mp4v'), RATE, SIZE)
    for frame in range(frames):
        writer.write(walk_image(frame / RATE))
    writer.release()
    return path


def write_true_people(path: Path, frames: int = 20, still: bool = False) -> PeopleFile:
    """Write the true people of the walk; nobody is in frame 0."""
    header = Header('walk.mp4', RATE, still, UNION, {'model': 'truth'})
    with PeopleWriter(path, header) as writer:
        for frame in range(frames):
            poses = truth_at(walker(frame / RATE))[0] if frame else Poses.empty(UNION)
            stamp = round(1e9 * frame / RATE)
            writer.write(FramePeople(frame, stamp, '', SIZE, poses))
    return PeopleFile(path)


def open_path(path: Path, **options: object) -> Source:
    """Open a file as the command does."""
    return open_input(str(path), InputOptions(**options))


def run_all(
    source: Source,
    plan: Plan,
    estimator: PoseEstimator,
    on_frame: Callable[[int, threading.Event], object] = lambda done, stop: None,
) -> RunResult:
    """Run an input; `on_frame` may set the event to stop it."""
    stop = threading.Event()
    return run_input(source, plan, estimator, stop, lambda done: on_frame(done, stop))
