"""Pipelines to compare: our estimator, MediaPipe's pose solution, detector and network alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.model_files import find_model
from unihpe_ros.estimator import PoseEstimator

# Keypoints of COCO in MediaPipe's set of 33, in COCO's order.
_OF_MEDIAPIPE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
_SEEN = 0.3
_FOV = np.deg2rad(60)

FoundPeople2D = NDArray[np.floating]


class Runner(Protocol):
    """
    A method that finds people in the images of a film, one after the other.

    Attributes
    ----------
    name : str
        As the table shows it.
    lacks : str
        What it does not do, in a few words.

    """

    name: str
    lacks: str

    def find(self, image: NDArray[np.uint8], camera: Camera | None, stamp: float) -> FoundPeople2D:
        """``(N, 17, 2)`` COCO keypoints in the image, px."""

    def close(self) -> None:
        """Release memory and threads."""


class Ours(Runner):
    """Our estimator, as the node runs it, but for the detector, which is a part of the image."""

    lacks = ''

    def __init__(self, model: str, backend: str, precision: str) -> None:
        self.name = f'unihpe_ros, {backend}, {precision}'
        self._estimator = PoseEstimator(model, backend=backend, precision=precision)

    def find(self, image: NDArray[np.uint8], camera: Camera | None, stamp: float) -> FoundPeople2D:
        """Return ``(N, 17, 2)`` COCO keypoints in the next image, px."""
        return self._estimator.estimate(image, camera, stamp).to(COCO_17).keypoints_2d

    def close(self) -> None:
        """Release the runtime's memory."""
        self._estimator.close()


class Plain(Runner):
    """The detector on every image, then the image branch on every box; nothing is remembered."""

    name = 'plain pipeline, fp32'
    lacks = 'ids, smoothing, metric 3D'

    def __init__(self, model: str, backend: str) -> None:
        self._detector = PersonDetector(backend=backend)
        self._engine = load_engine(find_model(model)['image'], backend=backend)
        self._batch = InputBatch(self._engine.spec)
        self._coco = COCO_17.indices_in(UNION)

    def find(self, image: NDArray[np.uint8], camera: Camera | None, stamp: float) -> FoundPeople2D:
        """Return ``(N, 17, 2)`` COCO keypoints in the next image, px."""
        del stamp
        spec = self._engine.spec
        view = camera or Camera.from_fov(image.shape[1], image.shape[0], _FOV)
        boxes = self._detector.detect(image).boxes
        crops, _ = Crops.aim(boxes, view, spec.input_size, spec.padding)
        if not len(crops):
            return np.zeros((0, 17, 2))
        answer = self._engine.infer({'image': self._batch.fill([(image, crops)])})
        keypoints, scores = simcc.read_keypoints(answer, spec.simcc_ratio)
        people = scores[:, self._coco].mean(-1) >= _SEEN
        return np.asarray(crops.to_image(keypoints)[people][:, self._coco])

    def close(self) -> None:
        """Release the runtime's memory."""
        self._detector.close()
        self._engine.close()


class MediaPipe(Runner):
    """
    MediaPipe's pose solution with tracking, as its users run it.

    Parameters
    ----------
    complexity : int
        0 is its lite model, 1 the full one.

    """

    lacks = 'more than one person, metric 3D, ids'

    def __init__(self, complexity: int) -> None:
        import mediapipe

        self.name = f'MediaPipe {("lite", "full")[complexity]}'
        self._pose: Any = mediapipe.solutions.pose.Pose(model_complexity=complexity)

    def find(self, image: NDArray[np.uint8], camera: Camera | None, stamp: float) -> FoundPeople2D:
        """Return ``(N, 17, 2)`` COCO keypoints in the next image, px."""
        del camera, stamp
        found = self._pose.process(np.ascontiguousarray(image[..., ::-1])).pose_landmarks
        if found is None:
            return np.zeros((0, 17, 2))
        shares = np.array([[point.x, point.y] for point in found.landmark])[list(_OF_MEDIAPIPE)]
        # Its origin is the corner of the first pixel, ours is the centre.
        return (shares * [image.shape[1], image.shape[0]] - 0.5)[None]

    def close(self) -> None:
        """Release the runtime's memory."""
        self._pose.close()


def find_runners(model: str, backends: list[str]) -> tuple[list[Runner], list[str]]:
    """
    Return the pipelines that can run here, and why others cannot.

    Parameters
    ----------
    model : str
        Ours.
    backends : list[str]
        Engines that run ours.

    """
    wanted: list[tuple[str, Callable[[], Runner]]] = []
    for backend in backends:
        for precision in ('fp32', 'int8'):
            wanted.append(
                (
                    f'unihpe_ros, {backend}, {precision}',
                    lambda b=backend, p=precision: Ours(model, b, p),  # type: ignore[misc]
                )
            )
    wanted.append((Plain.name, lambda: Plain(model, backends[0])))
    for complexity, kind in enumerate(('lite', 'full')):
        wanted.append((f'MediaPipe {kind}', lambda c=complexity: MediaPipe(c)))  # type: ignore[misc]
    runners, missing = [], []
    for name, make in wanted:
        try:
            runners.append(make())
        except Exception as error:  # noqa: BLE001 - a peer may fail in any way of its own.
            missing.append(f'{name} is left out: {error}')
    return runners, missing
