"""Shots: who is framed how, and what may be between them and the camera."""

import numpy as np
import pytest

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.primitives.materials import material
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.primitives.scene_types import OWNER_PROP, Support
from unihpe_ros.synthesis.primitives.solids import assemble
from unihpe_ros.synthesis.samples import shots
from unihpe_ros.synthesis.samples.framing import frame
from unihpe_ros.synthesis.samples.labels import Hider
from unihpe_ros.synthesis.samples.shots import sample_shot
from unihpe_ros.synthesis.samples.staging import sample_person, sample_things

pytest_plugins = ['synthesis_fixtures']

SIZE = (96, 128)


@pytest.fixture(scope='module')
def people(assets):
    found = []
    for number in range(160):
        rng = np.random.default_rng([4, number])
        found.append(sample_person(assets, rng))
    return found


def at(person, *names):
    return person.figure.keypoints[UNION.indices(*names)].astype(float)


def board(view, person, distance):
    middle = person.figure.keypoints.mean(0)
    place = view.eye + distance * (middle - view.eye)
    return assemble(
        [('box', (0, 0, 0), (2.0, 2.0, 0.01), 0)], [material(np.ones(3, 'f4'))],
        place, view.rotation.T,
    )  # fmt: skip


def test_what_hides_a_person_is_taken_away_and_the_rest_stays(assets, monkeypatch):
    def things(rng, person, view, ground):
        behind = board(view, person, 3.0)
        return [(behind, OWNER_PROP), *((board(view, person, s), OWNER_PROP) for s in (0.3, 0.5))]

    monkeypatch.setattr(shots, 'sample_things', things)
    for number in range(5):
        shot = sample_shot(assets, np.random.default_rng([8, number]), SIZE)
        assert shot.shows_enough
        stays = shot.layers.depth[shot.layers.owner == OWNER_PROP]
        assert stays.size
        # A hand may be nearer to the camera than the boards were.
        assert stays.max() < 1 / (0.4 * np.linalg.norm(shot.view.eye))


def test_nearly_every_shot_shows_enough_and_some_keypoints_are_hidden(assets):
    found = [sample_shot(assets, np.random.default_rng([3, i]), SIZE) for i in range(60)]
    assert np.mean([shot.shows_enough for shot in found]) > 0.95
    hiders = np.concatenate([shot.hider for shot in found])
    assert {Hider.SELF, Hider.OTHERS, Hider.OBJECT} <= {*hiders.tolist()}


def test_two_in_five_pictures_are_of_upper_bodies(people):
    rng = np.random.default_rng(6)
    upper = []
    for person in people:
        ground = float(bounds(person.figure.body)[0][2])
        view, aim = frame(rng, person.figure, person.posture, ground, SIZE)
        seen = view.project(view.to_camera(at(person, 'nose', 'left_ankle', 'right_ankle')))
        inside = ((seen > aim[:2]) & (seen < aim[2:])).all(1)
        upper.append(inside[0] and not inside[1:].any())
    assert 0.33 < np.mean(upper) < 0.55


def test_who_sits_at_a_table_has_the_hands_above_it_and_faces_the_camera(people):
    seated = [person for person in people if person.posture.at_table]
    assert len(seated) > 5
    for person in seated:
        assert person.posture.support is Support.SEAT
        rng = np.random.default_rng(2)
        ground = float(bounds(person.figure.body)[0][2])
        view, _ = frame(rng, person.figure, person.posture, ground, SIZE)
        things = sample_things(rng, person, view, ground)
        table, _ = things[0]
        top = table.vertices[:8, 2].max()
        assert top > at(person, 'left_knee', 'right_knee')[:, 2].max() + 0.05
        heading = person.figure.heading
        forward = np.array([np.sin(heading), -np.cos(heading)])
        pelvis = at(person, 'pelvis')[0, :2]
        assert ((table.vertices[:8, :2] - pelvis) @ forward).min() > 0.05
    on_top = [at(p, 'left_wrist', 'right_wrist')[:, 2].max() for p in seated]
    knees = [at(p, 'left_knee', 'right_knee')[:, 2].max() for p in seated]
    assert np.mean(np.array(on_top) > np.array(knees) + 0.08) > 0.9


def test_some_are_in_one_dark_colour_from_head_to_toe():
    outfits = [sample_outfit(np.random.default_rng(i), bool(i % 2), 40.0) for i in range(300)]
    dark = [
        max(float(stuff['base'].max()) for stuff in (o.jacket_cloth, o.bottom_cloth, o.shoe)) < 0.1
        for o in outfits
    ]
    assert 0.08 < np.mean(dark) < 0.3
