"""Gestures in an input: the arms of the main person, and the gestures of all people."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
import threading

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.image_input import assumed_camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.kinematics.arm_directions import arm_directions
from unihpe_ros.kinematics.gestures import GestureRecogniser
from unihpe_ros.run.inputs.source import InputError, Source

Float64 = NDArray[np.float64]


@dataclass
class ArmTrack:
    """
    The arms of one person over time.

    Parameters
    ----------
    stamps : list[float]
        s.
    arms : list[NDArray[np.float64]]
        ``(12,)`` at each, see `unihpe_ros.kinematics.arm_directions`.
    size : float
        Sum of the heights of the person's boxes, px.

    """

    stamps: list[float] = field(default_factory=list)
    arms: list[Float64] = field(default_factory=list)
    size: float = 0.0


@dataclass(frozen=True)
class GestureSpan:
    """
    A gesture of one person from its beginning to its end.

    Parameters
    ----------
    person : int
        Id.
    name : str
        The gesture.
    begin, end : float
        s after the first image.
    confidence : float
        The greatest confidence, from 0 at the limit to 1.

    """

    person: int
    name: str
    begin: float
    end: float
    confidence: float


def main_arms(
    source: Source, estimator: PoseEstimator, seconds: float, stop: threading.Event
) -> ArmTrack:
    """
    Return the arms of the person who is the largest in most images.

    Parameters
    ----------
    source : Source
        The input; of separate pictures the largest person of each counts.
    estimator : PoseEstimator
        Finds people.
    seconds : float
        How much to look at, s; 0 is all.
    stop : threading.Event
        Ends it early when it is set.

    Raises
    ------
    InputError
        If nobody is found.

    """
    tracks: dict[int, ArmTrack] = {}
    for stamp, poses in _looked_at(source, estimator, seconds, stop):
        heights = poses.boxes[:, 3] - poses.boxes[:, 1]
        arms = arm_directions(poses.keypoints_3d)
        rows = [int(heights.argmax())] if source.still and len(poses) else range(len(poses))
        for row in rows:
            person = 0 if source.still else int(poses.track_ids[row])
            track = tracks.setdefault(person, ArmTrack())
            track.stamps.append(stamp)
            track.arms.append(arms[row])
            track.size += float(heights[row])
    if not tracks:
        raise InputError(f'{source.text}: expected somebody who makes a gesture; nobody was found')
    return max(tracks.values(), key=lambda track: track.size)


def gesture_spans(
    source: Source,
    estimator: PoseEstimator,
    recogniser: GestureRecogniser,
    seconds: float,
    stop: threading.Event,
) -> tuple[list[GestureSpan], float]:
    """
    Return the gestures with person and time, and the total time of all people, s.

    Parameters
    ----------
    source, estimator, seconds, stop
        See `main_arms`; pictures must follow each other.
    recogniser : GestureRecogniser
        Recogniser with the gallery.

    """
    spans: dict[tuple[int, str, float], GestureSpan] = {}
    last, seen_for = None, 0.0
    for stamp, poses in _looked_at(source, estimator, seconds, stop):
        ids = poses.track_ids.tolist()
        if last is not None:
            seen_for += len(ids) * (stamp - last)
        last = stamp
        for i, one in zip(ids, recogniser.update(ids, poses.keypoints_3d, stamp), strict=True):
            if one.name:
                key = i, one.name, one.since
                best = max(spans[key].confidence if key in spans else 0.0, 1 - one.distance)
                spans[key] = GestureSpan(i, one.name, one.since, stamp, best)
    return list(spans.values()), seen_for


def _looked_at(
    source: Source, estimator: PoseEstimator, seconds: float, stop: threading.Event
) -> Iterator[tuple[float, Poses]]:
    """Yield the time of each image after the first, s, and its people."""
    first = None
    for frame in source.frames():
        first = frame.stamp if first is None else first
        stamp = 1e-9 * (frame.stamp - first)
        if stop.is_set() or (seconds and stamp > seconds):
            break
        height, width = frame.image.shape[:2]
        known, fov_deg = source.camera_of((width, height)), estimator.settings.default_fov_deg
        camera = known or assumed_camera(width, height, fov_deg, source.rotation)
        if source.still:
            yield float(frame.number), estimator.estimate_image(frame.image, camera)
        else:
            yield stamp, estimator.estimate(frame.image, camera, stamp)
