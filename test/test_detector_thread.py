"""The detector beside the images: nobody waits for it, and nobody is found late or twice."""

from collections.abc import Iterator
import math
import os
from pathlib import Path
import sys
import threading
import time

import numpy as np
import pytest
from tiny_detector import write_tiny_detector
from tiny_model import Box, person_box, picture, write_tiny_model
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.detector import Detector, PersonDetector
from unihpe_ros.detector_thread import DetectorThread
from unihpe_ros.engines import EngineError
from unihpe_ros.estimator import CameraImage, EstimatorSettings, PoseEstimator

pytestmark = pytest.mark.slow

CAMERA = Camera.from_fov(640, 480, math.radians(60))
KNOWN, NEW = person_box(200, 240, 300), person_box(460, 240, 280)
PATIENCE = 30.0


class GatedDetector(Detector):
    """A detector that, in a thread of its own, starts when the test says so."""

    def __init__(self, path: Path) -> None:
        self.inner = PersonDetector(path, threads=1)
        self.gate = threading.Semaphore(0)
        self.seen: list[tuple[str, np.ndarray]] = []
        self.error: EngineError | None = None
        self.closed_at_work = False
        self._working = False

    def detect(self, image: np.ndarray, score_threshold: float) -> Detections:
        thread = threading.current_thread().name
        self._working = True
        if thread == 'detector':
            assert self.gate.acquire(timeout=PATIENCE)
        self.seen.append((thread, image))
        self._working = False
        if self.error is not None:
            raise self.error
        return self.inner.detect(image, score_threshold)

    def close(self) -> None:
        self.closed_at_work = self._working
        self.inner.close()


class Film:
    """Images of one camera after another, 30 a second."""

    def __init__(self, estimator: PoseEstimator, stream: str = '') -> None:
        self.estimator, self.stream, self.frame = estimator, stream, 0

    def show(self, *people: Box, frames: int = 1) -> Poses:
        for _ in range(frames):
            self.frame += 1
            poses = self.estimator.estimate(
                picture(*people), CAMERA, self.frame / 30, stream=self.stream
            )
        return poses

    @property
    def search(self):
        return self.estimator._streams[self.stream]._newcomers._search

    def wait_for_detector(self) -> None:
        until = time.monotonic() + PATIENCE
        while not self.search.is_done:
            assert time.monotonic() < until
            time.sleep(0.002)


@pytest.fixture
def detector(tmp_path: Path) -> GatedDetector:
    return GatedDetector(write_tiny_detector(tmp_path))


@pytest.fixture
def film(tmp_path: Path, detector: GatedDetector) -> Iterator[Film]:
    estimator = PoseEstimator(
        write_tiny_model(tmp_path),
        EstimatorSettings(detect_every=3),
        threads=1,
        detector=detector,
        detect_beside=True,
    )
    yield Film(estimator)
    detector.gate.release(1000)
    estimator.close()
    detector.close()


def test_known_people_do_not_wait_for_the_detector(film: Film, detector: GatedDetector) -> None:
    film.show(KNOWN, frames=2)
    # Its gate is shut: an image that waited for it would never be answered.
    assert film.show(KNOWN, frames=10).track_ids.tolist() == [1]
    assert film.search.is_in_work


def test_first_person_is_found_in_the_image_itself(film: Film, detector: GatedDetector) -> None:
    film.show(frames=3)
    assert len(film.show(KNOWN)) == 0
    # Two looks, as without a thread: with nobody known, nobody waits.
    assert len(film.show(KNOWN)) == 1
    assert {thread for thread, _ in detector.seen} == {'MainThread'}


def test_newcomer_is_found_one_image_later_than_without_a_thread(
    film: Film, detector: GatedDetector
) -> None:
    film.show(KNOWN, frames=2)
    while film.search is None:
        film.show(KNOWN)
    detector.gate.release(1000)
    film.wait_for_detector()
    film.show(KNOWN)
    while film.search is None:
        counts = [len(film.show(KNOWN, NEW))]
    # The detector looks at the newcomer in this image, and is done before the next one.
    film.wait_for_detector()
    counts += [len(film.show(KNOWN, NEW)) for _ in range(2)]
    assert counts == [1, 1, 2]


def test_answer_holds_for_nobody_who_was_known(film: Film, detector: GatedDetector) -> None:
    film.show(KNOWN, frames=2)
    while film.search is None:
        film.show(KNOWN)
    # Known, and gone on since: where they were is no newcomer's place.
    crops = []
    infer = film.estimator._model.infer
    film.estimator._model.infer = lambda views, threshold: (
        crops.append(sum(len(crop) for _, crop in views)) or infer(views, threshold)
    )
    for step in range(1, 30):
        film.show(person_box(200 + 6 * step, 240, 300))
    detector.gate.release(1000)
    film.wait_for_detector()
    film.show(person_box(380, 240, 300))
    assert set(crops) == {1}


def test_detector_takes_the_newest_image_when_it_is_slow(
    film: Film, detector: GatedDetector
) -> None:
    film.show(KNOWN, frames=2)
    film.show(KNOWN, frames=30)
    detector.gate.release()
    film.wait_for_detector()
    # Of thirty images it looked at one, and the next is a new one rather than one that waited.
    beside = [image for thread, image in detector.seen if thread == 'detector']
    assert len(beside) == 1
    detector.gate.release(1000)
    until = time.monotonic() + PATIENCE
    while len(beside) < 2:
        assert time.monotonic() < until
        film.show(KNOWN, NEW)
        beside = [image for thread, image in detector.seen if thread == 'detector']
    assert beside[1][240, 460].min() > 100


def test_answer_of_another_time_is_dropped(film: Film, detector: GatedDetector) -> None:
    film.show(KNOWN, frames=2)
    while film.search is None:
        film.show(KNOWN, NEW)
    film.estimator.reset()
    detector.gate.release(1000)
    film.show(frames=3)
    assert len(film.show()) == 0


def test_failure_of_the_detector_is_told_once(film: Film, detector: GatedDetector) -> None:
    film.show(KNOWN, frames=2)
    while film.search is None:
        film.show(KNOWN)
    detector.error = EngineError('detector: it broke')
    detector.gate.release(1000)
    film.wait_for_detector()
    assert film.estimator.reduction((640, 480), CAMERA, 9.0) >= 1
    with pytest.raises(EngineError, match='it broke'):
        film.show(KNOWN)
    detector.error = None
    assert len(film.show(KNOWN)) == 1


def test_detector_is_closed_when_it_has_come_back(tmp_path: Path) -> None:
    detector = GatedDetector(write_tiny_detector(tmp_path))
    settings = EstimatorSettings(detect_every=1)
    estimator = PoseEstimator(
        write_tiny_model(tmp_path), settings, detector=detector, detect_beside=True
    )
    estimator._networks._loaded.append(detector)
    Film(estimator).show(KNOWN, frames=4)
    threading.Timer(0.2, detector.gate.release).start()
    estimator.close()
    assert not detector.closed_at_work
    assert 'detector' not in {thread.name for thread in threading.enumerate()}


def test_every_camera_gets_its_turn_from_a_slow_detector() -> None:
    thread, gate, order = DetectorThread(), threading.Semaphore(0), []

    def job(name: str) -> np.ndarray:
        gate.acquire(timeout=PATIENCE)
        order.append(name)
        return np.zeros((0, 4))

    for _ in range(8):
        # All cameras have a new picture whenever one was searched.
        searches = [thread.submit(lambda name=name: job(name), name) for name in 'abc']
        count = len(order)
        gate.release()
        until = time.monotonic() + PATIENCE
        while len(order) == count:
            assert time.monotonic() < until
            time.sleep(0.001)
    gate.release(10)
    assert thread.close()
    assert {order[:8].count(name) for name in 'abc'} <= {2, 3}
    assert len(searches) == 3


def test_cameras_get_their_own_answers(film: Film, detector: GatedDetector) -> None:
    detector.gate.release(1000)
    for frame in range(12):
        images = [
            CameraImage(picture(KNOWN), CAMERA, frame / 30, 'front'),
            CameraImage(picture(*([NEW] if frame > 3 else [])), CAMERA, frame / 30, 'back'),
        ]
        front, back = film.estimator.estimate_batch(images)
        for name in ('front', 'back'):
            search = film.estimator._streams[name]._newcomers._search
            until = time.monotonic() + PATIENCE
            while search is not None and not search.is_done:
                assert time.monotonic() < until
                time.sleep(0.002)
    assert (len(front), len(back)) == (1, 1)
    np.testing.assert_allclose(back.boxes[0], NEW, atol=6)


@pytest.mark.skipif(sys.platform != 'linux', reason='only Linux has a priority for each thread')
def test_thread_gives_way_to_the_others() -> None:
    thread, niceness = DetectorThread(), []

    def job() -> np.ndarray:
        own = threading.get_native_id()
        niceness.append(os.getpriority(os.PRIO_PROCESS, own))
        return np.zeros((0, 4))

    thread.submit(job, '')
    until = time.monotonic() + PATIENCE
    while not niceness:
        assert time.monotonic() < until
        time.sleep(0.001)
    assert thread.close()
    mine = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    assert niceness[0] == min(mine + 10, 19)


def test_offline_work_has_no_thread(estimator: PoseEstimator) -> None:
    before = {thread.name for thread in threading.enumerate()}
    Film(estimator).show(KNOWN, frames=8)
    assert 'detector' not in before | {thread.name for thread in threading.enumerate()}
