"""Observations of people in given boxes, and a tracker that follows them."""

from dataclasses import replace

import numpy as np
from tiny_model import keypoints_in
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.tracking.appearance import HISTOGRAM_SIZE
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.tracker import Tracker

SIZE = (640, 480)
SETTINGS = EstimatorSettings(max_people=4, track_timeout=0.5)
Box = tuple[float, float, float, float]


def observations_of(
    *seen: tuple[int, Box], score: float = 0.9, cut: bool = False, colour: int | None = None
) -> Observations:
    """Return observations of people in boxes, each from a row of `predict` or -1."""
    n = len(seen)
    colours = np.full((n, HISTOGRAM_SIZE), np.nan, np.float32)
    if colour is not None:
        colours = np.eye(HISTOGRAM_SIZE, dtype=np.float32)[[colour] * n]
    return replace(
        Observations.none(UNION),
        sources=np.array([source for source, _ in seen], np.intp),
        boxes=np.array([box for _, box in seen], np.float32).reshape(n, 4),
        keypoints_2d=np.array([keypoints_in(box) for _, box in seen]).reshape(n, 26, 2),
        keypoints_3d=np.full((n, 26, 3), np.nan, np.float32),
        scores=np.full((n, 26), score, np.float32),
        agreement=np.ones(n, np.float32),
        cut=np.full(n, cut),
        embeddings=np.ones((n, 1), np.float32),
        colours=colours,
        clothes=np.zeros((n, 0, HISTOGRAM_SIZE), np.float32),
    )


class Scene:
    """A tracker that is shown, at 30 Hz, whatever stands where it looks."""

    def __init__(self, *people: Box, rate: float = 30.0) -> None:
        self.tracker = Tracker(UNION)
        self.stamp = 0.0
        self.step = 1 / rate
        self.show(*[(-1, box) for box in people])
        self.show(*enumerate(people))

    def show(self, *seen: tuple[int, Box], **options: float) -> list[int]:
        """Advance by a frame in which these rows are seen; return the ids."""
        self.stamp += self.step
        self.tracker.predict(self.stamp, SIZE, SETTINGS)
        return self.tracker.update(observations_of(*seen, **options), SETTINGS).tolist()
