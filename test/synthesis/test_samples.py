"""Rendered crops and sequences: labels reproject, and the same key gives the same picture."""

import cv2
import numpy as np
import pytest
from tiny_motion import swaying, write_clip
from unihpe_ros.synthesis.samples.animated_people import Actor, FilmedActor
from unihpe_ros.synthesis.samples.crop_sample import render_crop
from unihpe_ros.synthesis.samples.sequence import film, robot_camera
from unihpe_ros.synthesis.scenery.places import sample_room

pytest_plugins = ['synthesis_fixtures']


SIZE = (96, 128)


@pytest.fixture(scope='module')
def samples(assets):
    return [render_crop(assets, (7, 0, i), SIZE) for i in range(12)]


class TestSamples:
    def test_labels_reproject_exactly(self, samples):
        for sample in samples:
            homogeneous = sample.keypoints_3d.astype(np.float64) @ sample.K.T
            ahead = homogeneous[:, 2] > 0
            pixels = homogeneous[ahead, :2] / homogeneous[ahead, 2:]
            assert sample.keypoints_2d[ahead] == pytest.approx(pixels, abs=0.02)

    def test_the_camera_looks_at_the_middle_of_the_box(self, samples):
        aside = []
        for sample in samples:
            image = cv2.imdecode(np.frombuffer(sample.jpeg, np.uint8), cv2.IMREAD_COLOR)
            assert image.shape == (192, 144, 3)
            assert sample.K[:2, 2] == pytest.approx([71.5, 95.5])
            x0, y0, x1, y1 = sample.aim
            aside.append(max(abs(0.5 * (x0 + x1) - 71.5), abs(0.5 * (y0 + y1) - 95.5)))
            # With the padding of the estimator's crops, the box fills the network's input.
            assert max((x1 - x0) / 96, (y1 - y0) / 128) * 1.25 == pytest.approx(1, abs=0.03)
        # About one crop in a hundred is aimed further aside.
        assert sorted(aside)[-2] < 1.5
        assert max(aside) < 3

    def test_outside_means_outside(self, samples):
        for sample in samples:
            x, y = sample.keypoints_2d.T
            inside = (x >= -0.5) & (y >= -0.5) & (x < 143.5) & (y < 191.5)
            assert not sample.visibility[~inside].any()

    def test_a_sample_hangs_on_its_key_alone(self, assets, samples):
        again = render_crop(assets, (7, 0, 3), SIZE)
        assert again.jpeg == samples[3].jpeg
        assert np.array_equal(again.keypoints_3d, samples[3].keypoints_3d)
        assert again.jpeg != samples[4].jpeg

    def test_held_out_shapes_are_not_used(self, assets, samples):
        held_out = set(assets.bodies.shapes('test').tolist())
        assert held_out
        assert not held_out & {sample.shape for sample in samples}


def test_a_sequence_is_steady_and_its_truth_reprojects(bodies, tmp_path):
    clip = write_clip(tmp_path / 'slow.bvh', swaying(2, degrees=5), frames=60)
    actors = [Actor(clip, 0, 1, (-0.5, 4.0)), Actor(clip, 1, 2, (0.6, 4.5), 1.0, 0.2)]
    inside = np.array([[-3, -1, 0], [3, 7, 2.5]])
    place = sample_room(np.random.default_rng(0), 0.0, inside)
    camera = robot_camera((160, 120))
    filmed = [FilmedActor(bodies, actor, place.ground) for actor in actors]
    frames = list(film(filmed, place, lambda stamp: camera, 0.2, 30))
    assert len(frames) == 6
    for number, (image, truth) in enumerate(frames):
        assert image.shape == (120, 160, 3)
        assert truth.stamp == pytest.approx(number / 30)
        assert truth.track_ids.tolist() == [1, 2]
        homogeneous = truth.keypoints_3d.astype(np.float64) @ camera.K.T
        pixels = homogeneous[..., :2] / homogeneous[..., 2:]
        assert truth.keypoints_2d == pytest.approx(pixels, abs=0.01)
        assert np.ptp(truth.boxes[:, 3]) < 60
    steps = np.diff([truth.keypoints_3d for _, truth in frames], axis=0)
    assert np.abs(steps).max() < 0.1
    change = np.abs(frames[0][0].astype(int) - frames[1][0]).mean()
    assert change < 3
