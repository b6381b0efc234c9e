"""What bodies do to the world around them: they rest on the floor and hold things in the hand."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from scipy.spatial import ConvexHull

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.synthesis.body.balance import resting_direction
from unihpe_ros.synthesis.body.body_shapes import load_bodies
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.postures import sample_posture, UPPER
from unihpe_ros.synthesis.motion.stances import apply_stance
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, Support
from unihpe_ros.synthesis.samples.held_objects import grip, held_mesh, sample_held_object
from unihpe_ros.synthesis.samples.staging import sample_balanced_posture, sample_person

pytest_plugins = ['synthesis_fixtures']


@pytest.mark.parametrize('content', [{}, {'format': np.int64(99)}, b'', b'not bodies'])
def test_a_file_that_holds_no_bodies_is_named(content, tmp_path):
    path = tmp_path / 'bodies.npz'
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        np.savez(path, **content)
    with pytest.raises(ValueError, match=f'{path}: expected body'):
        load_bodies(path)


def test_the_weight_of_who_is_on_the_floor_is_over_what_touches_it(assets):
    postures = [
        sample_balanced_posture(assets, np.random.default_rng([1, n]), n % 3) for n in range(250)
    ]
    there = [(n % 3, p) for n, p in enumerate(postures) if p.support is Support.FLOOR]
    assert len(there) > 15
    for shape, posture in there:
        points, masses = assets.balance.skin_and_masses(shape, posture)
        touching = points[points[:, 2] < points[:, 2].min() + 0.04][:, :2]
        around = ConvexHull(touching).equations
        weight = masses.mean(0)[:2]
        assert (around[:, :2] @ weight + around[:, 2]).max() < 0.05


def test_who_would_topple_leans_and_who_can_not_is_told_so(assets):
    driven, support = apply_stance(
        np.random.default_rng(0), assets.bank.rotations[0], 'on the knees'
    )
    # The hips come first; they face -y where they are not turned.
    x, y, _ = driven[0] @ np.array([0, -1.0, 0])
    axis = np.array([-y, x, 0]) / np.hypot(x, y)

    def bowed(angle):
        bent = driven.copy()
        bent[UPPER] = cv2.Rodrigues(angle * axis)[0].astype('f4') @ bent[UPPER]
        return BodyPosture(bent, 0, 0, np.zeros(3, 'f4'), support=support)

    def roll(posture):
        points, masses = assets.balance.skin_and_masses(0, posture)
        return np.arccos(min(-resting_direction(points, masses.mean(0))[2], 1))

    assert roll(bowed(0.2)) > 0.8
    assert roll(assets.balance.at_rest(0, bowed(0.2))) < 0.05
    assert roll(bowed(0.7)) > 0.8
    assert assets.balance.at_rest(0, bowed(0.7)) is None


def surface(mesh):
    """Sample points all over a mesh's triangles."""
    share = np.random.default_rng(0).dirichlet(np.ones(3), 60)
    return np.einsum('kc,fcd->fkd', share, mesh.vertices[mesh.faces]).reshape(-1, 3)


def test_what_is_held_touches_the_palm_and_is_not_inside_the_hand(assets):
    hangs = 0
    for seed in range(50):
        rng = np.random.default_rng([8, seed])
        held = sample_held_object(rng)
        posture = replace(sample_posture(rng, assets.bank), curl=(held.curl, held.curl))
        dressed = assets.tailor.dress(seed % 3, sample_outfit(rng, True, 0.5))
        figure = assets.pose(dressed, posture, np.full((2, 5, 3), 0.5, 'f4'))
        figure.move(np.array([1.0, 2.0, 0.5]))
        palm, thing = figure.palms[held.hand], held_mesh(rng, held, figure.palms[held.hand])
        assert np.linalg.norm(surface(thing) - palm[0], axis=1).min() < 0.02
        # The palm is on the skin, before the bones, and the thing before the palm.
        place, axes = grip(palm, held.hand)
        assert 0.005 < (place - palm[1:].mean(0)) @ axes[:, 1] < 0.04
        assert np.ptp(thing.vertices, axis=0).max() > 0.05
        hangs += held.hangs
        if not held.hangs:
            assert ((thing.vertices - place) @ axes[:, 1]).min() > -0.005
    assert 0 < hangs < 25


@pytest.mark.parametrize('hand', [0, 1])
def test_fingers_bend_to_the_side_that_a_thing_is_held_on(assets, hand):
    posture = sample_posture(np.random.default_rng(3), assets.bank)
    dressed = assets.tailor.dress(0, sample_outfit(np.random.default_rng(0), True, 0.5))
    spread = np.full((2, 5, 3), 0.5, 'f4')
    curls = ((0.0, 0.0), (0.7, 0.0) if hand == 0 else (0.0, 0.7))
    straight, bent = (assets.pose(dressed, replace(posture, curl=c), spread) for c in curls)
    moved = bent.body - straight.body
    finger = np.linalg.norm(moved, axis=1) > 0.02
    assert finger.sum() > 50
    _, axes = grip(straight.palms[hand], hand)
    assert (moved[finger] @ axes[:, 1]).mean() > 0.02


def test_fingers_close_around_what_is_held(assets):
    people = [sample_person(assets, np.random.default_rng([2, n])) for n in range(60)]
    holding = [person for person in people if person.held is not None]
    assert len(holding) > 5
    for person in holding:
        assert person.posture.curl[person.held.hand] == person.held.curl
        assert not person.posture.carries
