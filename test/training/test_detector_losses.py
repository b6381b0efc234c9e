"""Which points of the detector answer for whom, and what a wrong answer costs."""

from detector_scenes import SIZE
import numpy as np
import pytest
import torch
from unihpe_ros.core.boxes import iou as iou_of_pairs
from unihpe_ros.core.detector_output import encode_boxes, grid
from unihpe_ros.datasets.scene_augment import LabelledPicture
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.detection.detector_losses import (
    assign,
    giou_loss,
    paired_iou,
    quality_focal_loss,
)
from unihpe_ros.training.detection.detector_run import DetectorRun
from unihpe_ros.training.detection.scene_batches import collate, SceneItem


def test_torch_boxes_overlap_as_numpy_says(rng):
    low = rng.uniform(0, 50, (2, 9, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 40, (2, 9, 2))], -1)
    one, other = torch.from_numpy(boxes)
    expected = iou_of_pairs(boxes[0], boxes[1])
    np.testing.assert_allclose(paired_iou(one[:, None], other[None]).numpy(), expected, atol=1e-6)
    loss = giou_loss(one[:, None], other[None]).numpy()
    assert (loss >= 1 - expected - 1e-9).all()
    assert (loss <= 2).all()
    np.testing.assert_allclose(giou_loss(one, one).numpy(), 0, atol=1e-6)
    # Boxes that are far apart are pulled together: the plain IoU's loss would be flat.
    far = torch.tensor([[100.0, 0, 110, 10]])
    near = torch.tensor([[20.0, 0, 30, 10]])
    target = torch.tensor([[0.0, 0, 10, 10]])
    assert giou_loss(near, target) < giou_loss(far, target)


def test_the_loss_is_least_at_the_quality():
    logits = torch.linspace(-6, 6, 121)
    loss = quality_focal_loss(logits, torch.full_like(logits, 0.7))
    assert logits[loss.argmin()].sigmoid().item() == pytest.approx(0.7, abs=0.02)


def assignment(boxes, asked, answered=None):
    points, steps = (torch.from_numpy(array) for array in grid(SIZE))
    truth = torch.tensor(boxes, dtype=torch.float32)[None]
    if answered is None:
        answered = torch.cat([points - 20, points + 20], 1)[None]
    scores = torch.full((1, len(points)), 0.5)
    return assign(scores, answered, truth, torch.tensor([asked]), points, steps), points


def test_each_person_is_answered_for_by_points_inside():
    boxes = [[10, 10, 50, 60], [70, 20, 110, 80], [np.nan] * 4]
    found, points = assignment(boxes, [True, True, False])
    for person in (0, 1):
        mine = found.owner[0] == person
        assert 1 <= mine.sum() <= 10
        x0, y0, x1, y1 = boxes[person]
        inside = points[mine]
        assert (inside > torch.tensor([x0, y0])).all()
        assert (inside < torch.tensor([x1, y1])).all()
    assert (found.owner != 2).all()
    assert found.counts.all()
    assert (found.quality[found.owner < 0] == 0).all()


def test_the_best_point_is_worth_its_overlap():
    box = [10.0, 10, 50, 60]
    found, points = assignment([box], [True])
    best = int(found.quality[0].argmax())
    answered = torch.cat([points[best] - 20, points[best] + 20])
    overlaps = paired_iou(answered, torch.tensor(box))
    assert found.quality[0, best].item() == pytest.approx(overlaps.item(), abs=1e-5)


def test_the_smallest_person_is_still_answered_for():
    found, _ = assignment([[61.0, 40, 63, 44]], [True])
    assert (found.owner[0] == 0).any()


def test_people_too_hidden_are_neither_asked_for_nor_denied():
    found, points = assignment([[10, 10, 50, 60], [70, 20, 110, 80]], [True, False])
    inside = ((points > torch.tensor([70, 20])) & (points < torch.tensor([110, 80]))).all(1)
    assert (found.owner[0] != 1).all()
    assert (found.counts[0] == ~inside).all()


def test_nobody_at_all_costs_a_little_and_is_finite():
    run = DetectorRun(TrainConfig(preset='unihpe_det'), torch.device('cpu'))
    w, h = run.model.preset.input_size
    picture = LabelledPicture(
        np.zeros((h, w, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    )
    batch = collate([SceneItem(picture, 'here', [])] * 2)
    terms = run.objective.image_terms(run.model, batch, np.random.default_rng(0), 0)
    assert 0 < run.objective.total(terms) < 1
    assert terms['box'] == 0


def test_encoded_targets_are_what_a_perfect_answer_holds():
    points, _ = grid(SIZE)
    boxes = np.tile(np.float32([[10, 10, 50, 60]]), (len(points), 1))
    inside = ((points > [10, 10]) & (points < [50, 60])).all(1)
    assert ((encode_boxes(boxes, SIZE) > 0).all(1) == inside).all()
