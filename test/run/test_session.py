import errno
import threading

import cv2
import numpy as np
import pytest
from tiny_run import open_path, RATE, run_all, walk_image, write_walk_video
from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.rotation import turn_image, turn_points_back, upright_from_camera
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.run.inputs.source import InputError, InputFrame, Source
from unihpe_ros.run.outputs.people_file import PeopleFile, PeopleWriter
from unihpe_ros.run.outputs.trc import read_trc
from unihpe_ros.run.session import Plan

FRAMES = 70
pytestmark = pytest.mark.slow


@pytest.fixture(scope='module')
def video(tmp_path_factory):
    return write_walk_video(tmp_path_factory.mktemp('video') / 'walk.mp4', FRAMES)


def stop_at(number: int):
    def on_frame(done, stop):
        if done >= number:
            stop.set()

    return on_frame


def people_in(path) -> list:
    return list(PeopleFile(path).frames())


def test_video_becomes_files_of_people_and_a_video(tmp_path, video, estimator):
    plan = Plan('walk', (tmp_path / 'a.jsonl', tmp_path / 'a.trc'), tmp_path / 'a.mp4')
    result = run_all(open_path(video), plan, estimator)
    assert (result.frames, result.most, result.is_whole) == (FRAMES, 2, True)
    assert [path.name for path in result.made] == ['a.mp4', 'a.jsonl', 'a_1.trc', 'a_2.trc']
    assert {path.name for path in tmp_path.iterdir()} == {path.name for path in result.made}
    frames = people_in(tmp_path / 'a.jsonl')
    assert [frame.number for frame in frames] == list(range(FRAMES))
    assert all(frame.poses.track_ids.tolist() == [1, 2] for frame in frames[5:])
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(RATE)
    # Skeletons are coloured; the video was not.
    capture.set(cv2.CAP_PROP_POS_FRAMES, FRAMES // 2)
    image = capture.read()[1].astype(int)
    assert np.ptp(image, axis=-1).max() > 100


@pytest.mark.parametrize('degrees', [90, 180, 270])
def test_turned_camera_gives_people_in_the_picture_as_it_came(tmp_path, estimator, degrees):
    for name in ('upright', 'turned'):
        (tmp_path / name).mkdir()
    for frame in range(8):
        image = walk_image(frame / RATE)
        back = turn_image(image, (360 - degrees) % 360)
        cv2.imwrite(str(tmp_path / f'upright/{frame}.png'), image)
        cv2.imwrite(str(tmp_path / f'turned/{frame}.png'), back)
    people = {}
    # The same focal length, whichever side of the picture is the wide one.
    fov = 60.0 if degrees == 180 else 46.83
    for name, rotation, view in (('upright', 0, 60.0), ('turned', degrees, fov)):
        estimator.configure(EstimatorSettings(default_fov_deg=view))
        source = open_path(tmp_path / name, rate=RATE, rotation=rotation)
        settings = {'image_rotation': rotation}
        plan = Plan('a', (tmp_path / f'{name}.jsonl', tmp_path / f'{name}.trc'), settings=settings)
        run_all(source, plan, estimator)
        people[name] = people_in(tmp_path / f'{name}.jsonl')[-1]
    upright, turned = people['upright'], people['turned']
    assert len(upright.poses) == len(turned.poses) == 2
    led_back = turn_points_back(upright.poses.keypoints_2d, degrees, turned.size)
    np.testing.assert_allclose(turned.poses.keypoints_2d, led_back, atol=1.0)
    in_camera = upright.poses.keypoints_3d @ upright_from_camera(degrees)
    np.testing.assert_allclose(turned.poses.keypoints_3d, in_camera, atol=0.05)
    assert (turned.poses.flags & KeypointFlag.ASSUMED_VIEW).all()
    # Motion files have y up: people stand in them.
    for person in (1, 2):
        expected, found = (
            read_trc(tmp_path / f'{name}_{person}.trc') for name in ('upright', 'turned')
        )
        np.testing.assert_allclose(found.points[-1], expected.points[-1], atol=0.05)


def test_run_that_was_stopped_keeps_what_was_done_and_goes_on(tmp_path, video, estimator):
    whole = Plan('walk', (tmp_path / 'whole.jsonl',))
    run_all(open_path(video), whole, estimator)
    plan = Plan('walk', (tmp_path / 'a.jsonl',), tmp_path / 'a.mp4', resume=True)
    first = run_all(open_path(video), plan, estimator, stop_at(40))
    done = first.frames
    assert not first.is_whole
    assert 40 <= done < 50
    assert len(people_in(tmp_path / 'a.jsonl')) == done
    assert not plan.is_done()
    second = run_all(open_path(video), plan, estimator)
    assert (second.frames, second.is_whole) == (FRAMES - done, True)
    assert plan.is_done()
    resumed, straight = people_in(tmp_path / 'a.jsonl'), people_in(tmp_path / 'whole.jsonl')
    assert [frame.number for frame in resumed] == list(range(FRAMES))
    for one, other in zip(resumed[5:], straight[5:], strict=True):
        assert one.poses.track_ids.tolist() == other.poses.track_ids.tolist()
        np.testing.assert_allclose(one.poses.keypoints_2d, other.poses.keypoints_2d, atol=3.0)
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == FRAMES
    assert not list(tmp_path.glob('.*'))


@pytest.mark.parametrize('left', [b'', b'{"unihpe_people": 1, "inp'])
def test_run_that_was_killed_before_its_first_frame_begins_anew(tmp_path, video, estimator, left):
    plan = Plan('walk', (tmp_path / 'a.jsonl',), resume=True)
    plan.unfinished.write_bytes(left)
    assert run_all(open_path(video), plan, estimator, stop_at(3)).frames >= 3
    assert [frame.number for frame in people_in(tmp_path / 'a.jsonl')][:3] == [0, 1, 2]


def test_ids_go_on_although_the_tracker_counts_anew(tmp_path, video, estimator):
    plan = Plan('walk', (tmp_path / 'a.jsonl',), resume=True)
    run_all(open_path(video), plan, estimator, stop_at(40))
    # As if others had been there before: the two people had ids 7 and 4.
    earlier = PeopleFile(plan.unfinished)
    frames = list(earlier.frames())
    with PeopleWriter(plan.unfinished, earlier.header) as writer:
        for frame in frames:
            frame.poses.track_ids[:] = np.array([0, 7, 4])[frame.poses.track_ids]
            writer.write(frame)
    run_all(open_path(video), plan, estimator)
    for frame in people_in(tmp_path / 'a.jsonl')[5:]:
        assert frame.poses.track_ids.tolist() == [7, 4]


def test_run_with_another_model_does_not_go_on(tmp_path, video, estimator):
    plan = Plan('walk', (tmp_path / 'a.csv',), resume=True, settings={'model': 'a'})
    run_all(open_path(video), plan, estimator, stop_at(5))
    other = Plan('walk', plan.outputs, resume=True, settings={'model': 'b'})
    with pytest.raises(InputError, match='expected the same settings as when it was begun'):
        run_all(open_path(video), other, estimator)


def test_pictures_stand_alone(tmp_path, estimator):
    folder = tmp_path / 'in'
    folder.mkdir()
    for second in (0.0, 2.0):
        cv2.imwrite(str(folder / f'{second}.png'), walk_image(second))
    plan = Plan('in', (tmp_path / 'a.jsonl',), pictures=tmp_path / 'drawn')
    result = run_all(open_path(folder), plan, estimator)
    frames = people_in(tmp_path / 'a.jsonl')
    assert [frame.name for frame in frames] == ['0.0.png', '2.0.png']
    assert [len(frame.poses) for frame in frames] == [2, 2]
    assert len(result.people) == 4
    assert sorted(p.name for p in (tmp_path / 'drawn').iterdir()) == [
        '0.0_people.png',
        '2.0_people.png',
    ]


class Broken(Source):
    """Gives three frames, then is damaged."""

    def frames(self, start=0):
        for number in range(3):
            yield InputFrame(number, number * 33_000_000, walk_image(0.0))
        raise InputError('walk.bag: damaged at byte 7')


def test_damage_after_the_first_frames_keeps_them(tmp_path, estimator):
    plan = Plan('walk', (tmp_path / 'a.jsonl',))
    result = run_all(Broken('walk.bag'), plan, estimator)
    assert len(people_in(tmp_path / 'a.jsonl')) == 3
    assert result.notes == ['it ends early: walk.bag: damaged at byte 7']


def test_damage_at_the_beginning_makes_no_file(tmp_path, estimator, monkeypatch):
    monkeypatch.setattr(Broken, 'frames', lambda self, start=0: iter(map(_raise, [0])))
    with pytest.raises(InputError):
        run_all(Broken('walk.bag'), Plan('walk', (tmp_path / 'a.csv',)), estimator)
    assert list(tmp_path.iterdir()) == []


def _raise(_):
    raise InputError('walk.bag: no bag')


def test_full_disk_keeps_what_was_done_for_resume(tmp_path, video, estimator, monkeypatch):
    plan = Plan('walk', (tmp_path / 'a.csv',), tmp_path / 'a.mp4', resume=True)
    count = 0
    write = PeopleWriter.write

    def fill(self, frame):
        nonlocal count
        count += 1
        if count > 20:
            raise OSError(f'{plan.unfinished}: cannot be written: {errno.errorcode[errno.ENOSPC]}')
        write(self, frame)

    monkeypatch.setattr(PeopleWriter, 'write', fill)
    with pytest.raises(OSError, match='cannot be written'):
        run_all(open_path(video), plan, estimator)
    assert [path.name for path in tmp_path.iterdir()] == [plan.unfinished.name]
    monkeypatch.undo()
    result = run_all(open_path(video), plan, estimator)
    assert result.frames == FRAMES - 20
    assert sorted(path.name for path in tmp_path.iterdir()) == ['a.csv', 'a.mp4']


def test_nothing_is_read_any_more_after_an_error(tmp_path, video, estimator, monkeypatch):
    def fail(self, frame):
        raise OSError('people.csv: cannot be written')

    monkeypatch.setattr(PeopleWriter, 'write', fail)
    with pytest.raises(OSError, match='cannot be written'):
        run_all(open_path(video), Plan('walk', (tmp_path / 'a.csv',)), estimator)
    # A thread in OpenCV aborts the process when the interpreter ends.
    assert 'reader' not in {thread.name for thread in threading.enumerate()}


class Camera(Source):
    """A camera of 200 Hz, which is faster than the estimator below."""

    def __init__(self, text, rate):
        super().__init__(text, rate)
        self.live = True

    def frames(self, start=0):
        import time

        for number in range(100):
            time.sleep(0.005)
            yield InputFrame(number, number * 5_000_000, walk_image(0.0))


def test_camera_that_is_too_fast_loses_the_older_frames(tmp_path, estimator, monkeypatch):
    import time

    estimate = estimator.estimate

    def slow(*args):
        time.sleep(0.02)
        return estimate(*args)

    monkeypatch.setattr(estimator, 'estimate', slow)
    plan = Plan('camera', (tmp_path / 'a.jsonl',), tmp_path / 'a.mp4')
    result = run_all(Camera('camera:0', rate=200.0), plan, estimator)
    assert result.dropped > 10
    assert result.frames + result.dropped == 100
    numbers = [frame.number for frame in people_in(tmp_path / 'a.jsonl')]
    assert numbers == sorted(numbers)
    assert numbers[-1] == 99
    # The video shows a frame until the next one comes, and so lasts as long as the camera did.
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == 1 + numbers[-1] - numbers[0]


def test_seconds_end_an_input(tmp_path, video, estimator):
    plan = Plan('walk', (tmp_path / 'a.jsonl',), seconds=0.5)
    assert run_all(open_path(video), plan, estimator).frames == 15
