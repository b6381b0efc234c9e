"""The benchmark on rendered films: walkers are where they should be, and who is counted how."""

from dataclasses import replace
import json
from pathlib import Path

import numpy as np
import pytest
import ros_fixtures
from scipy.spatial.transform import Rotation
from synthesis_fixtures import bodies, bodies_file  # noqa: F401
from tiny_motion import still, write_clip
from unihpe_ros.bags.camera_tf import read_camera_poses
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.tracking.films import FILM_RATE, FilmScore, follow_film, whole_bodies
from unihpe_ros.bench.tracking.ground_velocity import ground_velocities, velocity_errors
from unihpe_ros.bench.tracking.simulated_people import ways_about
from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA, people_of
from unihpe_ros.bench.tracking.tracking_report import draw_ids, film_table, write_film_figures
from unihpe_ros.cli.main import main
from unihpe_ros.cli.rendered_films import find_films
from unihpe_ros.core import boxes
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.motion.bvh_reader import MotionError
from unihpe_ros.synthesis.samples.walkers import find_walks, Trajectory, Walker

SECONDS = 0.2


@pytest.fixture(scope='module')
def walks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give clips: three walks, one of somebody who stands."""
    folder = tmp_path_factory.mktemp('walks')
    for number in range(3):
        # 120 frames/s at 0.5 cm: 0.6 m/s.
        clip = write_clip(folder / f'03/walk_{number}.bvh', swinging, frames=480)
        quicken(clip)
    standing = write_clip(folder / '06/still.bvh', still, frames=48)
    assert standing.is_file()
    return folder


def swinging(role: str, frame: int) -> tuple[float, float, float]:
    """Swing the legs once a second."""
    side = {'left_thigh': 1.0, 'right_thigh': -1.0}.get(role, 0.0)
    return 0.0, 25.0 * side * float(np.sin(2 * np.pi * frame / 120)), 0.0


def quicken(clip: Path) -> None:
    """Double the speed of a clip's walk."""
    head, _, rows = clip.read_text().partition('Frame Time: 0.0083333\n')
    moved = []
    for row in rows.splitlines():
        x, y, z, *angles = row.split()
        moved.append(' '.join([x, y, str(2 * float(z)), *angles]))
    clip.write_text(f'{head}Frame Time: 0.0083333\n' + '\n'.join(moved) + '\n')


@pytest.fixture(scope='module')
def films(tmp_path_factory, walks, bodies_file) -> list[Path]:  # noqa: F811
    folder = tmp_path_factory.mktemp('films')
    return find_films(folder, [0], SECONDS, walks, bodies_file)


def test_walks_are_told_from_other_clips(walks, clips_of_nobody):
    assert [clip.stem for clip in find_walks(walks)] == ['walk_0', 'walk_1', 'walk_2']
    with pytest.raises(MotionError, match='expected a clip of somebody who walks; 1 do not'):
        find_walks(clips_of_nobody)


@pytest.fixture
def clips_of_nobody(tmp_path: Path) -> Path:
    write_clip(tmp_path / '03/still.bvh', frames=48)
    return tmp_path


def test_walkers_keep_to_their_way_and_face_along_it(walks, bodies):  # noqa: F811
    moments = np.linspace(0, 3, 31, dtype=np.float32)
    places = np.stack([1 + moments, 4 + 0 * moments], -1)
    way = Trajectory(places, 0 * moments, moments, 10.0)
    walker = Walker(bodies, walks / '03/walk_0.bvh', int(bodies.shapes('test')[0]), 1, way, 0.0)
    pelvis = UNION.index('pelvis')
    for stamp in (0.0, 1.25, 2.9):
        figure = walker.at(stamp)
        np.testing.assert_allclose(figure.keypoints[pelvis, :2], [1 + stamp, 4], atol=0.15)
        assert abs(figure.body[:, 2].min()) < 0.1, 'feet on the floor'
        # 0 is towards -y, so +x is a quarter turn to the left.
        assert figure.heading == pytest.approx(np.pi / 2, abs=0.3)


def test_films_show_the_simulated_walkers_ways(films):
    film = BagReader(films[0])
    truth = film.truth()
    ways = ways_about(people_of(0), SECONDS, FILM_RATE, 0)
    assert film.count == len(truth) == round(SECONDS * FILM_RATE)
    for moment, people in enumerate(truth.values()):
        roots = people.keypoints_3d[:, UNION.index('pelvis')]
        np.testing.assert_allclose(roots[:, [0, 2]], ways.places[moment], atol=0.2)


def test_a_film_that_is_there_is_not_rendered_again(films):
    before = (films[0] / 'metadata.yaml').stat().st_mtime_ns
    assert find_films(films[0].parent, [0], SECONDS, None, None) == films
    assert (films[0] / 'metadata.yaml').stat().st_mtime_ns == before
    with pytest.raises(ValueError, match='is not rendered; expected --motions'):
        find_films(films[0].parent, [0, 1], SECONDS, None, None)


class Oracle:
    """Knows the truth of a film; changes everybody's id, and sees a ghost, from a picture on."""

    velocities = {}  # noqa: RUF012

    def __init__(self, film: Path, late: int = 0, change: int = 99) -> None:
        self.people = list(BagReader(film).truth().values())
        self.late, self.change, self.number = late, change, -1

    def __call__(self, image, camera, stamp):
        self.number += 1
        people = self.people[self.number]
        places = whole_bodies(boxes.around(people.keypoints_2d), camera)
        ids = people.track_ids + (10 if self.number >= self.change else 0)
        if self.number >= self.change:
            ids = np.append(ids, 99)
            places = np.append(places, [[0, 0, 30, 30]], axis=0)
        seen = slice(None if self.number >= self.late else 0)
        return ids[seen], places[seen]


def followed(watcher: Oracle, film: Path) -> FilmScore:
    score = FilmScore('oracle')
    follow_film(watcher, film, score)
    return score


def test_who_knows_everybody_scores_best(films):
    score = followed(Oracle(films[0]), films[0])
    assert score.counts.mota == score.counts.idf1 == score.found == 1
    assert score.nobody == 0
    assert set(score.delays) == {0.0}
    assert score.minutes == pytest.approx(SECONDS / 60, rel=1e-6)


def test_switches_ghosts_and_delays_are_counted(films):
    people = int((Oracle(films[0]).people[0].observed.mean(-1) >= 0.25).sum())
    score = followed(Oracle(films[0], change=2), films[0])
    assert score.counts.switches == people
    assert score.nobody == 1
    late = followed(Oracle(films[0], late=1), films[0])
    np.testing.assert_allclose(late.delays, [1 / FILM_RATE] * people, atol=1e-6)
    assert late.found == pytest.approx(2 / 3, abs=0.01)


@pytest.fixture(scope='module')
def moving(films, walks, bodies_file) -> Path:  # noqa: F811
    (path,) = find_films(films[0].parent, [0], SECONDS, walks, bodies_file, is_moving=True)
    return path


def test_a_moving_camera_is_where_its_film_says(films, moving):
    """People who are seen from different places are at the same place of the world."""
    still, driven = (BagReader(path) for path in (films[0], moving))
    seen, seen_moving = (
        list(zip(film.truth().values(), read_camera_poses(film).values(), strict=True))
        for film in (still, driven)
    )
    assert len({pose.tobytes() for _, pose in seen}) == 1
    assert len({pose.tobytes() for _, pose in seen_moving}) == len(seen)
    for (people, pose), (others, other_pose) in zip(seen, seen_moving, strict=True):
        placed, placed_too = (
            one.keypoints_3d @ at[:3, :3].T + at[:3, 3]
            for one, at in ((people, pose), (others, other_pose))
        )
        np.testing.assert_allclose(placed, placed_too, atol=1e-3)


def test_true_velocities_are_over_the_ground():
    truth, poses = {}, {}
    for number in range(7):
        yaw, drive = 0.1 * number, np.array([0.05 * number, 0, 0.1 * number])
        pose = np.eye(4)
        pose[:3, :3], pose[:3, 3] = Rotation.from_euler('y', yaw).as_matrix(), drive
        world = np.zeros((2, 26, 3)) + [[[0, 0, 4.0]], [[0.06 * number, 0, 5.0]]]
        seen = (world - drive) @ pose[:3, :3]
        stamp = number * 66_666_667
        truth[stamp] = replace(ros_fixtures.people(2), keypoints_3d=seen.astype(np.float32))
        poses[stamp] = pose
    found = ground_velocities(truth, poses)
    assert sorted(found) == sorted(truth)[2:-2]
    for stamp, speeds in found.items():
        np.testing.assert_allclose(speeds[7], 0, atol=1e-4)
        np.testing.assert_allclose(poses[stamp][:3, :3] @ speeds[8], (0.9, 0, 0), atol=1e-4)


def test_errors_of_velocities_are_those_of_whom_was_found(films):
    knowing = Oracle(films[0])
    truth = BagReader(films[0]).truth()
    knowing.velocities = {i: np.zeros(3) for i in truth[next(iter(truth))].track_ids.tolist()}
    assert followed(knowing, films[0]).velocity_errors == []  # Three pictures are too few.
    true = {1: np.array([1.0, 0, 0]), 2: np.array([0.0, 0, 1])}
    told = {11: np.array([1.0, 0, 0.5]), 12: np.full(3, np.nan)}
    ids = np.array([1, 2, 3])
    assert velocity_errors(true, told, ids, {0: 11, 1: 12, 2: 13}) == [0.5]


def test_report_of_films(tmp_path, films):
    score = followed(Oracle(films[0], change=2), films[0])
    picture = next(iter(BagReader(films[0]).frames()))[1]
    ids, places = Oracle(films[0])(picture, CAMERA, 0.0)
    drawn = draw_ids(picture, places, (ids, places))
    assert (drawn != picture).any()
    write_film_figures(tmp_path, [score], [drawn] * 5)
    assert json.loads((tmp_path / 'films.json').read_text())[0]['switches'] > 0
    assert (tmp_path / 'films.png').stat().st_size > 1000
    assert film_table([score])[1][0] == 'oracle'


@pytest.mark.usefixtures('moving')
def test_command_follows_a_film(tmp_path, films, capsys):
    command = ['bench', 'films', '--films', str(films[0].parent), '--seconds', str(SECONDS)]
    assert main([*command, '--sequences', '1', '--out', str(tmp_path)]) == 0
    assert 'unihpe_ros' in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {'films.json', 'films.png'}
    assert main([*command, '--sequences', '1', '--moving-camera', '--out', str(tmp_path)]) == 0
    out = capsys.readouterr().out
    assert all(words in out for words in ('standing camera', 'poses known', 'not known'))
    assert len(json.loads((tmp_path / 'films.json').read_text())) == 3
    assert main([*command, '--sequences', '2', '--out', str(tmp_path)]) == 1
    assert 'expected --motions' in capsys.readouterr().err
