"""The recording that ships, made again in small: what is filmed is where the truth says it is."""

from pathlib import Path

import numpy as np
import pytest
from synthesis_fixtures import bodies_file  # noqa: F401
from tiny_motion import swaying, write_clip
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.cli.main import main
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import UNION

CLIPS = ('09/09_12', '06/06_10', '06/06_14')
SECONDS = 0.1


@pytest.fixture(scope='module')
def motions(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('motions')
    for seed, name in enumerate(CLIPS):
        write_clip(folder / f'{name}.bvh', swaying(seed), frames=360)
    return folder


def make(bag: Path, motions: Path, bodies: Path) -> int:
    return main(
        ['demo', '--make-bag', str(bag), '--seconds', str(SECONDS)]
        + ['--motions', str(motions), '--bodies', str(bodies)]
    )


@pytest.fixture(scope='module')
def bag(tmp_path_factory, motions, bodies_file) -> Path:  # noqa: F811
    path = tmp_path_factory.mktemp('bags') / 'people'
    assert make(path, motions, bodies_file) == 0
    return path


def test_three_people_are_filmed_with_their_truth(bag):
    recording = BagReader(bag)
    truth = recording.truth()
    assert recording.count == len(truth) == 3
    assert np.diff(recording.stamps()).tolist() == pytest.approx([1e9 / 30] * 2, abs=1)
    for stamp, picture in recording.frames():
        people = truth[stamp]
        assert picture.shape == (480, 640, 3)
        assert people.skeleton == UNION
        assert people.track_ids.tolist() == [1, 2, 3]
        assert (people.keypoints_3d[..., 2] > 1).all(), 'in front of the camera'


def test_the_truth_projects_through_the_camera_info(bag):
    recording = BagReader(bag)
    for people in recording.truth().values():
        pixels = recording.camera.project(people.keypoints_3d)
        np.testing.assert_allclose(pixels, people.keypoints_2d, atol=0.05)


def test_keypoints_in_sight_are_in_the_picture(bag):
    for people in BagReader(bag).truth().values():
        seen = (people.flags & KeypointFlag.OBSERVED) > 0
        assert seen.any(axis=1).all()
        x, y = people.keypoints_2d[seen].T
        assert (x > -1).all()
        assert (x < 640).all()
        assert (y > -1).all()
        assert (y < 480).all()
        np.testing.assert_array_equal(people.scores == 1, seen)


def test_the_same_film_is_made_again(bag, motions, bodies_file, tmp_path, capsys):  # noqa: F811
    again = tmp_path / 'people'
    assert make(again, motions, bodies_file) == 0
    assert capsys.readouterr().out.startswith(f'Made {again}: 0.1 s of people before a camera')
    assert (again / 'people.mcap').read_bytes() == (bag / 'people.mcap').read_bytes()


def test_clips_have_to_be_named(tmp_path, capsys):
    assert main(['demo', '--make-bag', str(tmp_path / 'bag')]) == 1
    assert '--make-bag: expected --motions as well' in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
