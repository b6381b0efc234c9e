"""What pictures look like: what is behind people, what they wear, what cameras do to them."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.synthesis.body.topology import BODY
from unihpe_ros.synthesis.camera.effects import expose
from unihpe_ros.synthesis.camera.lenses import sample_lens
from unihpe_ros.synthesis.camera.photo_border import (
    blacken_outside,
    inside_border,
    outside_border,
    sample_border,
)
from unihpe_ros.synthesis.clothing.accessories import WORN
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.primitives.materials import material
from unihpe_ros.synthesis.primitives.scene_types import Lens, Light, SceneCamera
from unihpe_ros.synthesis.primitives.solids import assemble
from unihpe_ros.synthesis.primitives.texture_atlas import atlas, PRINTED, REPEATED
from unihpe_ros.synthesis.render.scene_renderer import cast_shadows, render_meshes
from unihpe_ros.synthesis.samples.framing import look_at
from unihpe_ros.synthesis.scenery.clutter import CutOut, draw_cut_outs
from unihpe_ros.synthesis.scenery.environment_sampling import add_scenery, sample_environment
from unihpe_ros.synthesis.scenery.sprite_bank import sprite
from unihpe_ros.synthesis.scenery.sprites import SPRITE_KINDS

pytest_plugins = ['synthesis_fixtures']


@pytest.fixture(scope='module')
def view():
    K = np.array([[150.0, 0, 71.5], [0, 150.0, 95.5], [0, 0, 1]])
    eye = np.array([0, -3.0, 0.4])
    return SceneCamera(K, (144, 192), look_at(eye, np.zeros(3)), eye)


def background(environment, view):
    cube = assemble([('box', (0, 0, 0), (0.1, 0.1, 0.1), 0)], [material(np.ones(3, 'f4'))],
                    np.zeros(3), np.eye(3))  # fmt: skip
    return environment.draw(view, cast_shadows(cube, environment.light, np.zeros(3), 1.0, 16))


def test_the_atlas_is_the_same_every_time_and_no_picture_is_empty():
    pictures = atlas()
    assert len(pictures) == REPEATED + PRINTED
    assert (np.ptp(pictures.reshape(len(pictures), -1), axis=1) > 60).all()
    assert np.array_equal(atlas.__wrapped__(), pictures)


@pytest.mark.parametrize('kind', list(SPRITE_KINDS))
def test_cut_outs_have_an_outline_and_no_colour_beyond_it(kind):
    for number in range(SPRITE_KINDS[kind][3]):
        picture = sprite(kind, number, 96)
        assert (picture[..., 3] > 0.5).mean() > 0.03
        assert not picture[picture[..., 3] == 0].any()


def test_the_ground_is_darker_under_what_stands_on_it_and_only_there(view):
    light = Light(np.zeros((9, 3), 'f4'), np.array([0, 0, 1], 'f4'), np.ones(3, 'f4'))
    here = CutOut('furniture', 0, np.array([0, -0.8, -0.5]), 0.8, 0.8, np.ones(3, 'f4'))

    def darkened(thing, on_ground):
        image = np.ones((192, 144, 3), np.float32)
        draw_cut_outs(image, [thing], view, light, 0.0, on_ground)
        # Below its lower edge, where the cut-out itself is not.
        x, y = view.project(view.to_camera(thing.foot + np.array([0, -0.08, -0.02]))).astype(int)
        # In the haze that it would fade into there is nothing; the corners stay as they were.
        assert image[:20].min() == 1
        return 1 - image[y, x].mean()

    assert darkened(here, True) > 0.2
    assert darkened(here, False) == 0
    assert darkened(replace(here, stands=False), True) == 0


def test_furnished_places_have_more_edges_and_hang_on_the_seed(view):
    plain, full = [], []
    for seed in range(12):
        inside = np.array([[-1, -3, -1], [1, 1, 1.0]])
        place = sample_environment(np.random.default_rng(seed), -1.0, inside)
        furnished = [
            background(add_scenery(np.random.default_rng(seed), place, view, np.zeros(3)), view)
            for _ in range(2)
        ]
        assert np.array_equal(*furnished)
        for image, edges in ((background(place, view), plain), (furnished[0], full)):
            assert np.isfinite(image).all()
            edges.append(np.abs(np.diff(image.clip(0, 1), axis=1)).mean())
    assert np.sum(np.array(full) > 1.1 * np.array(plain)) >= 7


def test_a_blurred_background_stays_in_its_place(view):
    cube = assemble([('box', (0, 0, 0), (0.01, 0.01, 0.01), 0)], [material(np.ones(3, 'f4'))],
                    np.zeros(3), np.eye(3))  # fmt: skip
    place = sample_environment(np.random.default_rng(4), -1.0, np.zeros((1, 3)))
    # Drawn at full and at half the resolution.
    sharp, coarse = (
        render_meshes([cube], [0], place, view, np.zeros(3), background_blur=blur).image.clip(0, 2)
        for blur in (1.19, 1.21)
    )
    error = np.abs(sharp - coarse).mean()
    shifted = np.abs(sharp[:, 1:] - coarse[:, :-1]).mean()
    assert error < 0.05 * sharp.mean()
    assert error < shifted


def test_whole_pictures_have_no_passers_by_without_labels(view):
    place = sample_environment(np.random.default_rng(1), -1.0, np.zeros((1, 3)))
    for seed in range(40):
        rng = np.random.default_rng(seed)
        things = add_scenery(rng, place, view, np.zeros(3), crowd=False).cut_outs
        assert all(thing.kind != 'person' for thing in things)


def test_clothes_that_hang_are_wider_than_those_that_cling(assets):
    outfit = replace(sample_outfit(np.random.default_rng(0), False, 30.0), loose_top=0.0,
                     loose_bottom=0.0, drape=0.0, leg_cut=0.0, sleeve_cut=0.0)  # fmt: skip
    tailor, shape = assets.tailor, int(assets.shapes[0])
    tight = tailor.dress(shape, outfit).rest
    wide = tailor.dress(shape, replace(outfit, drape=1.0, leg_cut=0.1, sleeve_cut=0.08)).rest
    moved = np.linalg.norm(wide - tight, axis=1)
    part = tailor.region.part(tailor.top)
    assert moved[tailor.top][part.is_arm & (part.arm > 0.5)].mean() > 0.02
    assert moved[tailor.top][part.is_torso].max() > 0.02
    assert not moved[BODY].any()


@pytest.mark.parametrize('name', WORN)
def test_accessories_are_worn_where_they_belong(assets, name):
    tailor = assets.tailor
    for shape in assets.shapes:
        head = assets.bodies.rest[shape][BODY][tailor.region.is_head[BODY]]
        placed = assets.bodies.rest[shape][tailor.source]
        placed[tailor.worn] = tailor.accessories.fitted(int(shape))
        worn = placed[np.unique(tailor.faces[name])]
        height = assets.bodies.height(int(shape))
        if name == 'backpack':
            assert worn[:, 1].max() > head[:, 1].max() > worn[:, 1].min()
        else:
            assert np.abs(worn.mean(0) - head.mean(0)).max() < 0.12 * height
        assert np.ptp(worn, axis=0).max() < 0.4 * height


def test_nothing_is_seen_beyond_the_photographs_edge():
    aim, cut = np.array([36, 48, 180, 240], np.float32), 0
    for seed in range(60):
        edges = sample_border(np.random.default_rng(seed), aim, (216, 288), aim)
        image = np.full((288, 216, 3), 200, np.uint8)
        blacken_outside(image, edges)
        assert np.array_equal(image[..., 0] > 0, inside_border((288, 216), edges))
        points = np.stack(np.meshgrid(np.arange(216), np.arange(288)), -1).reshape(-1, 2)
        lost = outside_border(points, edges).reshape(288, 216)
        assert np.array_equal(lost, image[..., 0] == 0)
        # The box itself is in the photograph.
        assert not lost[48:240, 36:180].any()
        cut += bool(lost.any())
    assert 4 <= cut <= 20


def test_a_person_far_away_is_soft_and_a_sharpened_edge_overshoots():
    picture = np.full((96, 72, 3), 0.1, np.float32)
    picture[:, 36:] = 0.4
    plain = expose(picture, Lens(highlights=False)).astype(int)
    small = expose(picture, Lens(highlights=False, shrink=0.2)).astype(int)
    sharp = expose(picture, Lens(highlights=False, sharpen=1.0)).astype(int)
    assert np.abs(np.diff(small[48, :, 0])).max() < 0.6 * np.abs(np.diff(plain[48, :, 0])).max()
    assert sharp.max() > plain.max() + 5
    assert sharp.min() < plain.min() - 5


def test_cameras_are_of_every_kind():
    lenses = [sample_lens(np.random.default_rng(seed)) for seed in range(300)]
    for of_a_kind in (
        [lens.saturation == 0 for lens in lenses],
        [lens.shrink < 0.4 for lens in lenses],
        [lens.sharpen > 0 for lens in lenses],
        [lens.veil != (0, 0, 0) for lens in lenses],
        [lens.motion != (0, 0) for lens in lenses],
    ):
        assert 0.01 < np.mean(of_a_kind) < 0.5
