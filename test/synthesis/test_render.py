"""Rendered samples: labels are on the person, pictures are whole, postures are possible."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from tiny_motion import write_clip
from unihpe_ros.core.masks import decode_runs, encode_runs
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.datasets.synthetic import SyntheticShards

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.synthesis.body.balance import resting_direction
from unihpe_ros.synthesis.camera.lens_distortion import LensDistortion
from unihpe_ros.synthesis.motion.joint_limits import bends, clamp_to_limits, JOINT_LIMITS
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions
from unihpe_ros.synthesis.motion.postures import mirrored_turn
from unihpe_ros.synthesis.primitives.scene_types import Light, OWNER_PROP, SceneCamera, Support
from unihpe_ros.synthesis.render.scene_renderer import render_meshes
from unihpe_ros.synthesis.samples import shard_writer
from unihpe_ros.synthesis.samples.crop_sample import render_crop
from unihpe_ros.synthesis.samples.framing import look_at
from unihpe_ros.synthesis.samples.labels import Hider, label_visibility
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.scene_sample import render_scene
from unihpe_ros.synthesis.samples.sequence import robot_camera
from unihpe_ros.synthesis.samples.shard_writer import RenderPlan, write_shards
from unihpe_ros.synthesis.samples.staging import sample_person, seat, seat_height
from unihpe_ros.synthesis.scenery.environment import Environment

pytest_plugins = ['synthesis_fixtures']

SIZE = (96, 128)
SCENE = (208, 128)


def people(assets, count, seed=1):
    """Sample people with their contacts mended."""
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        yield sample_person(assets, rng)


@pytest.fixture(scope='module')
def samples(assets):
    return [render_crop(assets, (11, 0, i), SIZE) for i in range(100)]


@pytest.fixture(scope='module')
def scenes(assets):
    return [render_scene(assets, (5, 0, i), SCENE) for i in range(40)]


class TestLabels:
    def test_visible_keypoints_lie_on_the_mask(self, samples):
        off = []
        for sample in samples:
            mask = decode_runs(sample.mask, (144, 192))
            away = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, 5)
            x, y = np.rint(sample.keypoints_2d[sample.visibility == 2]).astype(int).T
            off += away[y, x].tolist()
        # Half-covered pixels are no part of the mask, and places are rounded: a pixel or two.
        assert len(off) > 1200
        assert np.mean(np.array(off) <= 2) > 0.99
        assert max(off) < 6

    def test_what_hides_is_said_of_hidden_keypoints_alone(self, samples):
        hidden = np.array([s.visibility for s in samples]) == 1
        hider = np.array([s.hider for s in samples])
        assert np.array_equal(hidden, hider > 0)
        assert {*Hider} == set(hider.ravel().tolist())

    def test_labels_reproject_within_float(self, samples):
        for sample in samples:
            seen = sample.keypoints_3d.astype(np.float64) @ sample.K.astype(np.float64).T
            ahead = sample.visibility > 0
            pixels = seen[ahead, :2] / seen[ahead, 2:]
            assert sample.keypoints_2d[ahead] == pytest.approx(pixels, abs=1e-3)

    def test_each_hider_is_told(self, assets):
        front, back = (person.figure for person in people(assets, 2))
        front.move(-front.keypoints[UNION.index('pelvis')])
        back.move(np.array([0, 1.5, 0]) - back.keypoints[UNION.index('pelvis')])
        view = _view()
        light = Light(np.ones((9, 3), 'f4'), np.array([0, 0, 1], 'f4'), np.zeros(3, 'f4'))
        place = Environment('noise', light, -1.0, np.zeros(0), picture=np.ones((8, 8, 3), 'f4'))
        placed = view.to_camera(back.keypoints)
        seen = view.project(placed)
        for owner, hider in ((0, Hider.OTHERS), (OWNER_PROP, Hider.OBJECT)):
            drawing = render_meshes([front.mesh, back.mesh], [owner, 1], place, view, np.zeros(3))
            visibility, found = label_visibility(seen, placed[:, 2], drawing, 1, 1.7)
            assert hider in set(found[visibility == 1].tolist())
        alone = render_meshes([back.mesh], [1], place, view, np.zeros(3))
        visibility, found = label_visibility(seen, placed[:, 2], alone, 1, 1.7)
        assert set(found[visibility == 1].tolist()) <= {Hider.SELF}

    def test_the_flip_is_the_mirrored_scene(self, assets):
        figure = next(people(assets, 1)).figure
        figure.move(-figure.keypoints[UNION.index('pelvis')])
        view = _view()
        around = np.zeros((9, 3), 'f4')
        around[0] = 1.0
        light = Light(around, np.array([0, 0, 1], 'f4'), np.zeros(3, 'f4'))
        place = Environment('noise', light, -1.0, np.zeros(0), picture=np.ones((8, 8, 3), 'f4'))
        mirror = np.array([-1, 1, 1], np.float32)
        twin = replace(
            figure.mesh,
            vertices=figure.mesh.vertices * mirror,
            normals=figure.mesh.normals * mirror,
        )
        one, other = (
            render_meshes([mesh], [0], place, view, np.zeros(3)) for mesh in (figure.mesh, twin)
        )
        points = figure.keypoints[UNION.flip_indices] * mirror
        placed, turned = view.to_camera(figure.keypoints), view.to_camera(points)
        seen, flipped = view.project(placed), view.project(turned)
        expected = seen[UNION.flip_indices] * (-1, 1) + (view.size[0] - 1, 0)
        assert flipped == pytest.approx(expected, abs=1e-4)
        labels = [
            label_visibility(pixels, depth[:, 2], drawing, 0, 1.7)
            for pixels, depth, drawing in ((seen, placed, one), (flipped, turned, other))
        ]
        for first, second in zip(*labels, strict=True):
            # A keypoint on the very edge may fall on either side of it.
            assert (first[UNION.flip_indices] != second).sum() <= 1
        difference = np.abs(one.image[:, ::-1] - other.image)
        assert np.mean(difference > 0.05) < 0.01


def _view():
    K = np.array([[150.0, 0, 71.5], [0, 150.0, 95.5], [0, 0, 1]])
    eye = np.array([0, -3.0, 0.0])
    return SceneCamera(K, (144, 192), look_at(eye, np.zeros(3)), eye)


def test_left_and_right_of_somebody_who_walks(bodies, tmp_path):
    def walking(role, frame):
        swing = 30 * np.sin(0.2 * frame)
        turns = {'left_thigh': -swing, 'right_thigh': swing}
        return (0.0, float(turns.get(role, 0.0)), 0.0)

    write_clip(tmp_path / '01/walk.bvh', walking, frames=60)
    assets = PeopleAssets(
        bodies, load_motions(find_clips(tmp_path, 'train'), 30), bodies.shapes('train')
    )
    bank, stepped = assets.bank, []
    for pose in range(len(bank)):
        k = assets.poser.keypoints(0, 0, bank.rotations[pose], np.zeros(3, np.float32))
        names = ('left_knee', 'right_knee', 'left_hip', 'right_hip')
        left, right, left_hip, right_hip = k[UNION.indices(*names)]
        # It faces -y: its left is +x.
        assert left[0] > right[0]
        assert left_hip[0] > right_hip[0]
        angle = 30 * np.sin(0.2 * bank.frame[pose])
        stepped.append((angle, left[1] - right[1]))
    angles, ahead = np.array(stepped).T
    wide = np.abs(angles) > 10
    assert wide.sum() > 4
    # The left thigh swung by -angle about x goes to -y, ahead.
    assert (np.sign(ahead[wide]) == -np.sign(angles[wide])).all()


class TestPostures:
    def test_arms_are_not_in_the_trunk(self, assets):
        depths = [assets.contact.depths(p.shape, p.posture)[0].max() for p in people(assets, 60)]
        assert np.mean(np.array(depths) > 0.02) < 0.05

    def test_who_lies_rests_on_the_floor(self, assets):
        lying = [p for p in people(assets, 250) if p.posture.support is Support.LYING]
        assert len(lying) >= 4
        heights = []
        for person in lying:
            body = person.figure.body
            low = body[:, 2].min()
            on_floor = body[body[:, 2] < low + 0.04]
            # Not on a toe alone: what touches the floor is spread out.
            assert np.ptp(on_floor[:, :2], axis=0).max() > 0.25
            heights.append(np.median(body[:, 2]) - low)
        assert np.median(heights) < 0.4

    def test_a_slab_comes_to_rest_on_its_side(self, rng):
        corners = np.array(np.meshgrid((-1, 1), (-0.5, 0.5), (-0.1, 0.1))).reshape(3, -1).T
        tilt = look_at(np.zeros(3), np.array([0.2, 1.0, 0.5]))
        down = resting_direction((corners @ tilt).astype(np.float32), np.zeros(3))
        assert np.abs(tilt @ down).max() > 0.999

    def test_seats_reach_who_sits(self, assets, rng):
        seated = [p for p in people(assets, 60) if p.posture.support is Support.SEAT]
        assert seated
        for person in seated:
            ground = float(person.figure.body[:, 2].min())
            chair = seat(rng, person.figure, ground)
            beneath = seat_height(person.figure)
            assert (np.abs(chair.vertices[:, 2] - beneath) < 0.1).any()

    def test_all_supports_come_up(self, assets):
        assert {p.posture.support for p in people(assets, 120, seed=2)} == {*Support}

    def test_the_mirrored_pose_is_the_mirrored_body(self, assets):
        bank = assets.bank
        pose = len(bank) - 3
        clip, root = int(bank.clip[pose]), np.zeros(3, np.float32)
        k = assets.poser.keypoints(0, clip, bank.rotations[pose], root)
        m = assets.poser.keypoints(0, clip, mirrored_turn(bank.rotations[pose]), root)
        assert m[UNION.flip_indices] * (-1, 1, 1) == pytest.approx(k, abs=0.03)

    def test_limits_hold(self, assets, rng):
        wild = np.linalg.qr(rng.normal(size=(len(assets.bank.rotations[0]), 3, 3)))[0]
        wild *= np.sign(np.linalg.det(wild))[:, None, None]
        tamed = clamp_to_limits(wild.astype(np.float32))
        allowed = np.array([limit for *_, limit in JOINT_LIMITS])
        assert (np.linalg.norm(bends(wild.astype('f4')), axis=1) > allowed).any()
        assert (np.linalg.norm(bends(tamed), axis=1) <= allowed + 0.01).all()
        still = assets.bank.rotations[0]
        assert clamp_to_limits(still) == pytest.approx(still, abs=1e-5)


class TestScenes:
    def test_boxes_hold_masks_and_shares_are_shares(self, scenes):
        counts = [len(scene.boxes) for scene in scenes]
        assert 0 in counts
        assert max(counts) > 2
        for scene in scenes:
            assert scene.boxes.shape == (len(scene.masks), 4)
            for box, runs, share in zip(
                scene.boxes, scene.masks, scene.share_visible, strict=True
            ):
                y, x = np.nonzero(decode_runs(runs, SCENE))
                assert 0 <= share <= 1
                assert (share == 0) == (len(x) == 0)
                assert box[0] >= -0.5
                assert box[1] >= -0.5
                assert box[2] <= SCENE[0] - 0.5
                assert box[3] <= SCENE[1] - 0.5
                inside = (x > box[0]) & (x < box[2]) & (y > box[1]) & (y < box[3])
                assert inside.all()

    def test_labels_reproject_through_the_lens(self, scenes):
        bent = 0
        for scene in scenes:
            bent += bool(scene.distortion.any())
            for points, pixels, visibility in zip(
                scene.keypoints_3d, scene.keypoints_2d, scene.visibility, strict=True
            ):
                chosen = visibility > 0
                if chosen.any():
                    expected, _ = cv2.projectPoints(
                        points[chosen].astype(np.float64), np.zeros(3), np.zeros(3),
                        scene.K.astype(np.float64), scene.distortion.astype(np.float64),
                    )  # fmt: skip
                    assert pixels[chosen] == pytest.approx(expected[:, 0], abs=0.01)
        assert 5 < bent < 35

    @pytest.mark.parametrize('strength', [-0.1, 0.05])
    def test_the_picture_is_bent_as_the_keypoints_are(self, strength):
        distortion = LensDistortion(robot_camera((160, 120), fov=1.6), strength)
        straight = distortion.undistorted_view
        points = np.array([[0.5, 0.4, 1.0], [-0.85, 0.2, 1.0], [0.0, -0.6, 1.0]])
        for point in points:
            x, y = straight.project(point)
            columns, rows = np.meshgrid(np.arange(straight.size[0]), np.arange(straight.size[1]))
            spot = np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8).astype(np.float32)
            found = distortion.distort(spot)
            weights = found / found.sum()
            u, v = (weights.sum(0) @ np.arange(160), weights.sum(1) @ np.arange(120))
            assert (u, v) == pytest.approx(distortion.project(point), abs=0.15)

    def test_what_is_read_is_what_was_made(self, assets, scenes, tmp_path, monkeypatch):
        monkeypatch.setattr(shard_writer, 'SHARD_LENGTH', 4)
        list(write_shards(assets, RenderPlan(tmp_path, 'train', 5, 6, SCENE, kind='scenes')))
        read = SceneShards(tmp_path)
        assert len(read) == 6
        for number in range(6):
            made, scene = scenes[number], read[number]
            for name in ('boxes', 'share_visible', 'visibility', 'hider', 'height'):
                assert np.array_equal(getattr(scene, name), getattr(made, name)), name
            expected = [decode_runs(runs, SCENE) for runs in made.masks]
            assert np.array_equal(read.masks(number), np.array(expected).reshape(-1, *SCENE[::-1]))
            assert scene.image.shape == (128, 208, 3)
        with pytest.raises(DatasetError, match='expected crops, got scenes'):
            SyntheticShards(tmp_path)


def test_masks_survive_their_run_lengths(rng):
    for mask in (rng.random((7, 5)) > 0.5, np.ones((4, 3), bool), np.zeros((4, 3), bool)):
        assert np.array_equal(decode_runs(encode_runs(mask), mask.shape[::-1]), mask)
    # COCO's own example: columns first.
    assert encode_runs(np.array([[0, 1], [1, 1]], bool)).tolist() == [1, 3]
    with pytest.raises(ValueError, match='expected 12 px in all, got 5'):
        decode_runs(np.array([2, 3]), (4, 3))
