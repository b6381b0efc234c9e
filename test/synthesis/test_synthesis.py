"""The pictures and their labels are made from the same numbers: geometry, clothes, drawing."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from unihpe_ros.core.skeleton import UNION

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.camera.effects import encode_jpeg, expose, with_auto_exposure
from unihpe_ros.synthesis.clothing.garments import bottom_cover, top_cover
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.arm_gestures import gesture
from unihpe_ros.synthesis.motion.bvh_reader import read_bvh
from unihpe_ros.synthesis.motion.postures import varied
from unihpe_ros.synthesis.primitives.materials import linear, material
from unihpe_ros.synthesis.primitives.raster import project, rasterise
from unihpe_ros.synthesis.primitives.scene_types import (
    BodyPosture,
    Lens,
    OWNER_PROP,
    SceneCamera,
    Support,
)
from unihpe_ros.synthesis.primitives.solids import assemble
from unihpe_ros.synthesis.render.noise import noise_at
from unihpe_ros.synthesis.render.scene_renderer import render_meshes
from unihpe_ros.synthesis.samples.framing import look_at
from unihpe_ros.synthesis.samples.labels import label_visibility
from unihpe_ros.synthesis.scenery.places import sample_room

pytest_plugins = ['synthesis_fixtures']

SIZE = (96, 128)


def keypoint(keypoints, name):
    return keypoints[UNION.index(name)]


def figure_of(assets, pose=0, seed=0, turn=None):
    """Dress the first shape and give it a pose of the bank."""
    bank = assets.bank
    driven = bank.rotations[pose] if turn is None else (turn @ bank.rotations[pose])
    posture = BodyPosture(
        driven.astype(np.float32), int(bank.clip[pose]), int(bank.frame[pose]), np.zeros(3)
    )
    outfit = sample_outfit(np.random.default_rng(seed), False, 30.0)
    shape = int(assets.shapes[0])
    return assets.pose(assets.tailor.dress(shape, outfit), posture, np.full((2, 5, 3), 0.5, 'f4'))


def room(ground):
    return sample_room(np.random.default_rng(3), ground, np.array([[-3, -5, 0], [3, 3, 2.0]]))


def camera_in_front(distance=3.0, size=(144, 192)):
    K = np.array([[150.0, 0, 71.5], [0, 150.0, 95.5], [0, 0, 1]])
    eye = np.array([0, -distance, 0.0])
    return SceneCamera(K, size, look_at(eye, np.zeros(3)), eye)


class TestBody:
    def test_a_standing_body_is_upright_and_its_left_is_left(self, assets):
        k = figure_of(assets).keypoints
        assert keypoint(k, 'left_wrist')[0] > 0.3 > -0.3 > keypoint(k, 'right_wrist')[0]
        assert keypoint(k, 'nose')[1] < keypoint(k, 'neck')[1] - 0.05
        column = ['head_top', 'head', 'neck', 'spine', 'pelvis', 'left_knee', 'left_ankle']
        heights = [keypoint(k, name)[2] for name in column]
        assert heights == sorted(heights, reverse=True)

    def test_clicked_hips_are_further_apart_than_the_regressors(self, bodies):
        width = np.ptp(figure_keypoints(bodies)[UNION.indices('left_hip', 'right_hip'), 0])
        shoulders = figure_keypoints(bodies)[UNION.indices('left_shoulder', 'right_shoulder'), 0]
        # COCO's annotations of upright people seen from the front: 0.59 to 0.72.
        assert 0.58 < width / np.ptp(shoulders) < 0.76

    def test_limbs_point_where_the_clip_points(self, assets, clips):
        motion = read_bvh(clips / '02/swaying.bvh', 30)
        places = motion.positions()
        bodies, bank = assets.bodies, assets.bank
        shape = int(assets.shapes[1])
        pose = int(np.flatnonzero(bank.clip == 1)[5])
        frame = 5
        turned = assets.poser.rotations(shape, 1, bank.rotations[pose])
        joints, _ = assets.poser.motions(shape, turned, np.zeros(3, np.float32))
        for names, bones in (
            (('lThigh', 'lShin'), ('upperleg01.L', 'lowerleg01.L')),
            (('rShin', 'rFoot'), ('lowerleg01.R', 'foot.R')),
            (('rShldr', 'rForeArm'), ('upperarm01.R', 'lowerarm01.R')),
        ):
            a, b = (places[frame, motion.joints.index(name)] for name in names)
            c, d = (joints[bodies.rig.index[bone]] for bone in bones)
            wanted, found = (b - a) / np.linalg.norm(b - a), (d - c) / np.linalg.norm(d - c)
            assert found == pytest.approx(wanted, abs=2e-3)

    def test_postures_keep_the_bones_lengths(self, assets):
        first, second = figure_of(assets, 0).keypoints, figure_of(assets, 12).keypoints
        for a, b in (('left_hip_joint', 'left_knee'), ('right_elbow', 'right_wrist')):
            lengths = [np.linalg.norm(keypoint(k, a) - keypoint(k, b)) for k in (first, second)]
            assert lengths[0] == pytest.approx(lengths[1], rel=0.08)

    def test_a_gesture_brings_the_hand_there(self, assets):
        shape, bank = int(assets.shapes[0]), assets.bank
        posture = BodyPosture(bank.rotations[0], 0, 0, np.zeros(3, np.float32))
        reach = []
        for seed in range(12):
            k = assets.poser.keypoints(shape, 0, posture.driven, posture.root)
            moved = gesture(np.random.default_rng(seed), posture, k)
            after = assets.poser.keypoints(shape, 0, moved.driven, moved.root)
            for side in ('left', 'right'):
                shift = keypoint(after, f'{side}_wrist') - keypoint(k, f'{side}_wrist')
                reach.append(np.linalg.norm(shift))
            assert keypoint(after, 'left_knee') == pytest.approx(keypoint(k, 'left_knee'))
        # From a T-pose, every gesture is a long way off, and each moves one hand at least.
        assert np.sum(np.array(reach) > 0.2) >= 12

    def test_who_sits_has_level_thighs(self, assets):
        rng = np.random.default_rng(0)
        poses = [varied(rng, assets.bank, int(rng.integers(len(assets.bank)))) for _ in range(40)]
        seated = [posture for posture in poses if posture.support is Support.SEAT]
        assert seated
        for posture in seated:
            k = assets.poser.keypoints(
                int(assets.shapes[0]), posture.clip, posture.driven, posture.root
            )
            thigh = keypoint(k, 'left_knee') - keypoint(k, 'left_hip_joint')
            assert abs(thigh[2]) < 0.7 * np.linalg.norm(thigh)


def figure_keypoints(bodies):
    """Read an average adult's keypoints off the rest pose."""
    from unihpe_ros.synthesis.samples.labels import union_keypoints

    adult = int(np.argmax(bodies.age))
    rest, heads = bodies.rest[adult], bodies.heads[adult]
    return union_keypoints(bodies, rest[bodies.keypoint_vertices], rest[bodies.crown], heads)


class TestClothes:
    def test_nobody_is_bare_between_top_and_bottom(self, assets):
        region = assets.tailor.region.part(BODY)
        z = region.position[:, 2]
        middle = region.is_torso & (z > 0.0) & (z < 0.35)
        for seed in range(60):
            rng = np.random.default_rng(seed)
            outfit = sample_outfit(rng, bool(seed % 2), 30.0)
            if outfit.bare_chest:
                continue
            cover = np.maximum(top_cover(region, outfit), bottom_cover(region, outfit))
            assert (cover[middle] > 0).all(), f'outfit {seed}: bare skin at the waist'

    def test_skin_under_cloth_is_not_drawn(self, assets):
        outfit = replace(
            sample_outfit(np.random.default_rng(1), False, 30.0),
            bare_chest=False, sleeve=1.0, leg=1.0, bottom='trousers',
        )  # fmt: skip
        dressed = assets.tailor.dress(0, outfit)
        bare = dressed.faces[dressed.face_materials == 0]
        at = assets.tailor.region.position[bare].mean(1)
        # Head, hands and feet are left.
        torso = (np.abs(at[:, 0]) < 0.12) & (at[:, 2] > -0.6) & (at[:, 2] < 0.45)
        assert len(bare) > 1000
        assert not torso.any()

    def test_the_same_seed_gives_the_same_clothes(self, assets):
        first, second = (
            assets.tailor.dress(0, sample_outfit(np.random.default_rng(5), True, 40.0))
            for _ in range(2)
        )
        assert np.array_equal(first.rest, second.rest)
        assert np.array_equal(first.materials, second.materials)


class TestDrawing:
    def test_projection_agrees_with_opencv(self, rng):
        view = camera_in_front()
        points = rng.normal(0, 0.6, (50, 3))
        rvec, _ = cv2.Rodrigues(view.rotation)
        expected, _ = cv2.projectPoints(points, rvec, -view.rotation @ view.eye, view.K, None)
        assert view.project(view.to_camera(points)) == pytest.approx(expected[:, 0], abs=1e-6)
        K = view.K
        seen = project(
            points.astype('f4'), view.rotation.astype('f4'),
            (-view.rotation @ view.eye).astype('f4'),
            np.array([K[0, 0], K[1, 1], K[0, 2], K[1, 2]], 'f4'),
        )  # fmt: skip
        assert seen[:, :2] == pytest.approx(expected[:, 0], abs=1e-2)

    def test_a_triangle_covers_its_pixels_at_its_depth(self):
        corners = np.array([[10, 5, 2.0], [40, 12, 4.0], [18, 35, 8.0]], np.float32)
        depth, ids = np.zeros((48, 48), np.float32), np.full((48, 48), -1, np.int32)
        rasterise(corners, np.array([[0, 1, 2]], 'i4'), np.ones((1, 3), 'f4'), depth, ids)
        mask = cv2.fillConvexPoly(np.zeros((48, 48), np.uint8), corners[:, :2].astype(int), 1)
        outline = cv2.polylines(
            np.zeros((48, 48), np.uint8), [corners[:, :2].astype(int)], True, 1
        )
        inside = (mask > 0) & (outline == 0)
        assert (ids[inside] == 0).all()
        assert (ids[mask == 0] == -1).all()
        # 1/z is a plane in the image.
        a = np.linalg.solve(np.c_[corners[:, :2], np.ones(3)], 1 / corners[:, 2])
        y, x = np.nonzero(inside)
        assert depth[inside] == pytest.approx(a[0] * x + a[1] * y + a[2], rel=1e-4)

    def test_noise_is_smooth_and_bounded(self, rng):
        points = rng.uniform(-40, 40, (2000, 3)).astype(np.float32)
        values = noise_at(points)
        assert 0 <= values.min() < 0.2 < 0.8 < values.max() <= 1
        assert np.abs(noise_at(points + np.float32(1e-3)) - values).max() < 0.02

    def test_facing_the_camera_the_left_is_on_the_right(self, assets):
        figure = figure_of(assets)
        view = camera_in_front()
        seen = view.project(view.to_camera(figure.keypoints))
        assert keypoint(seen, 'left_shoulder')[0] > keypoint(seen, 'right_shoulder')[0] + 10
        assert keypoint(seen, 'nose')[1] < keypoint(seen, 'pelvis')[1] - 10

    def test_visible_keypoints_lie_on_the_person_and_a_wall_hides_all(self, assets):
        figure = figure_of(assets)
        view = camera_in_front()
        placed = view.to_camera(figure.keypoints)
        seen = view.project(placed)
        place = room(figure.body[:, 2].min())
        alone = render_meshes([figure.mesh], [0], place, view, np.zeros(3))
        free = label_visibility(seen, placed[:, 2], alone, 0, 1.7)[0]
        x, y = np.rint(2 * seen + 0.5).astype(int).T
        on_person = alone.owner[y, x] == 0
        assert (free == 2).sum() >= 22
        assert on_person[free == 2].mean() > 0.9
        assert free[UNION.index('nose')] == 2
        grey = [material(linear(0, 0, 0.5))]
        slab = [('box', (0, 0, 0), (3, 0.1, 3), 0)]
        wall = assemble(slab, grey, np.array([0, -1, 0]), np.eye(3))
        behind = render_meshes([figure.mesh, wall], [0, OWNER_PROP], place, view, np.zeros(3))
        assert (label_visibility(seen, placed[:, 2], behind, 0, 1.7)[0][free > 0] == 1).all()

    def test_the_face_is_hidden_from_behind(self, assets):
        figure = figure_of(assets, turn=np.diag([-1.0, -1, 1]))
        view = camera_in_front()
        placed = view.to_camera(figure.keypoints)
        drawn = render_meshes([figure.mesh], [0], room(-1.0), view, np.zeros(3))
        seen = label_visibility(view.project(placed), placed[:, 2], drawn, 0, 1.7)[0]
        hidden = UNION.indices('nose', 'left_eye', 'right_eye')
        assert (seen[hidden] == 1).all()
        assert seen[UNION.index('left_shoulder')] == 2

    def test_exposure_is_metered_on_the_subject(self, rng):
        dark = rng.uniform(0, 0.02, (16, 16, 3)).astype(np.float32)
        everywhere = np.ones((16, 16), bool)
        lens = with_auto_exposure(Lens(), dark, everywhere)
        assert lens.exposure > 2
        assert not lens.auto_exposure
        assert expose(dark, lens).mean() > expose(dark, Lens(auto_exposure=False)).mean() + 10
        assert cv2.imdecode(
            np.frombuffer(encode_jpeg(expose(dark, lens), 80), np.uint8), 1
        ).shape == (16, 16, 3)
