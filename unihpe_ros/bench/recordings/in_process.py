"""Run the estimator on a recording, in this process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
import time

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.bag_image import BagImage
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.image_input import assumed_camera
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.ros.images import DecodeError

# Calls before the measurement, in which buffers are allocated and the processor speeds up.
_WARM_UP = 2


@dataclass
class DirectRun:
    """
    One pass of a recording through an estimator.

    Parameters
    ----------
    reader : BagReader
        The recording.
    estimator : PoseEstimator
        Forgets everybody before the first image.
    recorder : Recorder
        Notes what happens; it stays usable when `run` is interrupted.
    rate : float
        Pace: 1 is that of the recording, where an image that is overtaken by the next one before
        its turn is dropped, as the node does; 0 works on every image as fast as it can.

    """

    reader: BagReader
    estimator: PoseEstimator
    recorder: Recorder
    rate: float = 0.0
    _begun: float = field(default=0.0, init=False)
    _warm: bool = field(default=False, init=False)

    @property
    def wall_s(self) -> float:
        """Time since the first image, without that for taking notes, s."""
        return time.perf_counter() - self._begun if self._begun else 0.0

    def run(self, on_image: Callable[[], object]) -> None:
        """
        Process all images.

        Parameters
        ----------
        on_image : Callable[[], object]
            Called after each image.

        Raises
        ------
        BagError
            If the recording is damaged.
        EngineError
            If the engine fails.

        """
        self.estimator.reset()
        for image, due in self._paced():
            note = (
                partial(self.recorder.dropped, image) if due is None else self._answer(image, due)
            )
            # The time for recording and drawing is not counted.
            stopped = time.perf_counter()
            note()
            on_image()
            self._begun += time.perf_counter() - stopped

    def _paced(self) -> Iterator[tuple[BagImage, float | None]]:
        """Yield images with their time of arrival; None for those that are dropped."""
        images = self.reader.images()
        image = next(images, None)
        first = 0 if image is None else image.stamp
        while image is not None:
            self._warm_up(image)
            following = next(images, None)
            now = time.perf_counter()
            if not self.rate:
                yield image, now
            elif following is not None and self._due(following, first) <= now:
                yield image, None
            else:
                due = self._due(image, first)
                time.sleep(max(due - now, 0))
                yield image, due
            image = following

    def _due(self, image: BagImage, first: int) -> float:
        return self._begun + 1e-9 * (image.stamp - first) / self.rate

    def _warm_up(self, image: BagImage) -> None:
        if self._begun:
            return
        try:
            picture = image.decode()
        except DecodeError:
            pass  # It is counted when its turn comes.
        else:
            camera = self._camera(picture)
            for call in range(_WARM_UP):
                self.estimator.estimate(picture, camera, 1e-9 * image.stamp + 1e-3 * call)
            self.estimator.reset()
        self._begun = time.perf_counter()

    def _answer(self, image: BagImage, due: float) -> Callable[[], None]:
        """Process an image and return the figures to record."""
        begun = time.perf_counter()
        try:
            picture = image.decode()
        except DecodeError as error:
            return partial(self.recorder.broken, image, error)
        decoded = time.perf_counter()
        camera = self._camera(picture)
        poses = self.estimator.estimate(picture, camera, 1e-9 * image.stamp)
        done = time.perf_counter()
        stages = {f'{name}_ms': 1e3 * s for name, s in self.estimator.stage_times.items()}
        figures = {
            'image_bytes': picture.nbytes,
            'decode_image_ms': 1e3 * (decoded - begun + image.parse_s),
            'estimate_ms': 1e3 * (done - decoded),
            'latency_ms': 1e3 * (done - due + image.parse_s),
            **stages,
        }
        return partial(self.recorder.answered, image, lambda: picture, poses, figures)

    def _camera(self, picture: NDArray[np.uint8]) -> Camera:
        height, width = picture.shape[:2]
        fov_deg, rotation = self.estimator.settings.default_fov_deg, self.reader.rotation
        known = self.reader.camera_of((width, height))
        return known or assumed_camera(width, height, fov_deg, rotation)
