"""Boxes that somebody else gives, good and bad."""

from pathlib import Path

import numpy as np
from tiny_estimator import tiny_estimator
from tiny_model import paint_person, person_box
from unihpe_ros.estimator import EstimatorSettings


def test_boxes_beside_the_picture_take_nobodys_place(model: Path) -> None:
    settings = EstimatorSettings(detector='none', max_people=2)
    estimator = tiny_estimator(model, settings, threads=1)
    image, box = np.zeros((240, 320, 3), np.uint8), person_box(160, 120, 120)
    paint_person(image, box)
    beside = [[-90, 5, -10, 99], [5, 5000, 99, 5100], [50, 50, 20, 20], [0, 0, np.inf, 9]]
    given = np.array([*beside, box], np.float32)
    for frame in range(2):
        poses = estimator.estimate(image, None, frame / 30, boxes=given)
    assert poses.track_ids.tolist() == [1]
    estimator.close()
