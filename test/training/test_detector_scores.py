"""Boxes of augmented scenes, and the average precision of detections."""

import numpy as np
import pytest
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.datasets import scene_augment
from unihpe_ros.datasets.scene_augment import augment_scene, LabelledPicture
from unihpe_ros.evaluation.detection_report import detection_report, ScenePredictions
from unihpe_ros.metrics.detection import detection_precision, match


def test_boxes_follow_what_augmentation_does_to_the_picture(monkeypatch):
    monkeypatch.setattr(scene_augment, 'degrade', lambda image, rng, hide: image)
    image = np.zeros((256, 416, 3), np.uint8)
    image[60:200, 100:180] = 255
    picture = LabelledPicture(
        image, np.float32([[99.5, 59.5, 179.5, 199.5]]), np.ones(1, np.float32)
    )
    shown = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = augment_scene([picture], (416, 256), rng)
        # The block is the only thing that is brighter than the filling.
        rows, columns = np.nonzero(made.image.min(-1) > 127)
        if len(rows) < 50:
            continue
        shown += 1
        edges = [columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5]
        np.testing.assert_allclose(made.boxes, [edges], atol=1.0)
    assert shown > 20


def test_cut_people_are_less_visible_and_small_ones_not_asked_for(rng):
    boxes = np.float32([[0, 0, 200, 250], [300, 100, 303, 104]])
    picture = LabelledPicture(np.zeros((256, 416, 3), np.uint8), boxes, np.float32([0.8, 1.0]))
    assert picture.learnable.tolist() == [True, False]
    for seed in range(20):
        made = augment_scene([picture] * 4, (416, 256), np.random.default_rng(seed))
        assert (made.visible <= 1.0).all()
        assert (made.boxes[:, 2:] <= np.float32([415.5, 255.5])).all()
        assert (made.boxes[:, :2] >= -0.5).all()


def test_precision_of_a_hand_counted_set():
    people = np.float32([[0, 0, 10, 20], [50, 0, 60, 20]])
    found = Detections(
        np.float32([[50, 0, 60, 20], [100, 0, 110, 20], [0, 0, 10, 19]]),
        np.float32([0.9, 0.8, 0.7]),
    )
    asked = np.ones(2, np.bool_)
    half = match(found, people, asked, 0.5)
    assert half.hits.tolist() == [True, False, True]
    np.testing.assert_allclose(half.found, [0.7, 0.9])
    # Precision 1 up to recall 0.5, then 2/3: 51 and 50 of 101 recalls.
    assert detection_precision([half], 2) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert detection_precision([match(found, people, asked, 0.96)], 2) == pytest.approx(51 / 101)
    assert np.isnan(detection_precision([], 0))


def test_one_person_is_found_once_and_those_not_asked_for_cost_nothing():
    people = np.float32([[0, 0, 10, 20], [50, 0, 60, 20]])
    twice = Detections(np.float32([[0, 0, 10, 20], [0, 0, 10, 20]]), np.float32([0.9, 0.8]))
    assert match(twice, people, np.ones(2, np.bool_), 0.5).hits.tolist() == [True, False]
    hidden = Detections(np.float32([[50, 0, 60, 20]]), np.float32([0.9]))
    excused = match(hidden, people, np.array([True, False]), 0.5)
    assert excused.counts.tolist() == [False]
    assert excused.hits.tolist() == [False]


def test_report_tells_sizes_and_hidden_people_apart():
    tall, low = [0, 0, 60, 200], [100, 0, 110, 30]
    truth = LabelledPicture(
        np.zeros((0, 0, 3), np.uint8), np.float32([tall, low]), np.float32([1.0, 0.5])
    )
    empty = LabelledPicture(
        np.zeros((0, 0, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    )
    found = Detections(np.float32([tall]), np.float32([0.8]))
    ghost = Detections(np.float32([low]), np.float32([0.5]))
    report = detection_report(ScenePredictions([found, ghost], [truth, empty]))
    everyone, by_score, sizes, shares = report.tables
    assert everyone.rows['detector'][2:] == [50.0, 50.0, 100.0]
    # The ghost counts down to its score: one of two boxes is right, one box a person.
    assert by_score.rows['score 0.50'] == [50.0, 50.0, 1.0]
    assert by_score.rows['score 0.60'] == [50.0, 100.0, 0.5]
    assert sizes.rows['from 160'] == [100.0, 1.0]
    assert sizes.rows['0 to 40'] == [0.0, 1.0]
    assert shares.rows['0.40 to 0.70'] == [0.0, 1.0]
    assert shares.rows['from 0.95'] == [100.0, 1.0]
