"""Calibration: a network that is right more or less often than it says is told by how much."""

import numpy as np
import pytest
from unihpe_ros.core import simcc
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.datasets.records import box_around, DatasetError, in_view, Record
from unihpe_ros.evaluation.score_calibration import calibrate

SIZE = (144, 192)


def people(count):
    """Return people whose keypoints lie anywhere in a picture."""
    rng = np.random.default_rng(0)
    records = []
    for _ in range(count):
        pixels = rng.uniform(60, 240, (len(UNION), 2)).astype(np.float32)
        records.append(
            Record(
                image=np.zeros((300, 300, 3), np.uint8),
                keypoints_2d=pixels,
                keypoints_3d=None,
                visibility=in_view(pixels, (300, 300)),
                K=None,
                box=box_around(pixels),
                source='somebody',
            )
        )
    return records


class Doubter:
    """Says of one place that it is right by a chance, of another by the rest; errs at a rate."""

    size, simcc_ratio, width, padding = SIZE, 2.0, 4, 1.25

    def __init__(self, records, said, right):
        self.crops = iter([crop_record(record, SIZE) for record in records])
        self.said, self.right = said, right
        self.rng = np.random.default_rng(1)

    def encode_image(self, images):
        truth = np.stack([next(self.crops).keypoints for _ in images])
        wrong = self.rng.random(truth.shape[:2]) >= self.right
        logits = []
        for axis in (0, 1):
            extent = SIZE[axis]
            other = (truth[..., axis] + extent / 2) % extent
            first = np.where(wrong, other, truth[..., axis])
            second = np.where(wrong, truth[..., axis], other)
            chances = [
                simcc.encode(place, 2 * extent, 2.0, 2.0) * share
                for place, share in ((first, self.said), (second, 1 - self.said))
            ]
            logits.append(np.log(sum(chances) + 1e-9).astype(np.float32))
        visibility = np.full(truth.shape[:2], 20, np.float32)
        return {'simcc_x': logits[0], 'simcc_y': logits[1], 'visibility': visibility}

    def lift(self, keypoints, feature):
        raise AssertionError('scores are those of the image branch')


@pytest.mark.parametrize(('said', 'right'), [(0.7, 0.8), (0.8, 0.7)])
def test_scores_become_the_chance_of_being_right(said, right):
    records = people(70)
    found = calibrate(Doubter(records, said, right), records)
    # Two places in the proportion p : 1 - p are p^t : (1 - p)^t at a temperature t.
    expected = np.log(right / (1 - right)) / np.log(said / (1 - said))
    assert found.temperature == pytest.approx(expected, abs=0.15)
    assert found.before == pytest.approx(abs(said - right), abs=0.04)
    assert found.after < 0.04


def test_too_few_people_calibrate_nothing():
    records = people(9)
    with pytest.raises(DatasetError, match='at least 10 people with labelled shoulders'):
        calibrate(Doubter(records, 0.7, 0.8), records)
