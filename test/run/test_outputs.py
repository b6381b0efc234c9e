import csv
import errno
import json
from pathlib import Path

from bvh import Bvh
import numpy as np
from pycocotools.coco import COCO
import pytest
from rosbags.highlevel import AnyReader
from tiny_bag import truth_at, walker
from tiny_run import RATE, write_true_people
from unihpe_ros.bench.recordings.sources import read_truth_file
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.ros.clouds import from_cloud
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.outputs import formats
from unihpe_ros.run.outputs.formats import check_format, OutputError, write_outputs
from unihpe_ros.run.outputs.people_file import PeopleFile, PeopleWriter
from unihpe_ros.run.outputs.resampled_motion import Y_UP
from unihpe_ros.run.outputs.trc import read_trc
from unihpe_ros.synthesis.motion.bvh_reader import read_bvh, WORLD_FROM_BVH

FRAMES = 20


@pytest.fixture
def people(tmp_path) -> PeopleFile:
    return write_true_people(tmp_path / 'true.jsonl', FRAMES)


def true_points(person: int) -> np.ndarray:
    """``(F, 26, 3)`` a person from frame 1 on, m, camera frame."""
    return np.stack([truth_at(walker(f / RATE))[0].keypoints_3d[person] for f in range(1, FRAMES)])


def write(tmp_path, people, suffix, skeleton=UNION):
    return write_outputs([tmp_path / f'walk{suffix}'], people, skeleton)


def test_people_file_gives_back_what_was_written(people):
    frames = list(people.frames())
    assert [frame.number for frame in frames] == list(range(FRAMES))
    truth = truth_at(walker(5 / RATE))[0]
    read = frames[5].poses
    for name in ('boxes', 'keypoints_2d'):
        np.testing.assert_allclose(getattr(read, name), getattr(truth, name), atol=0.006)
    np.testing.assert_allclose(read.keypoints_3d, truth.keypoints_3d, atol=6e-5)
    np.testing.assert_array_equal(read.flags, truth.flags)
    assert np.isnan(read.agreement).all()
    assert len(frames[0].poses) == 0
    assert people.header.rate == RATE


def test_people_file_goes_on_after_the_last_whole_line(tmp_path, people):
    text = people.path.read_text()
    last = list(people.frames())[-1]
    people.path.write_text(text[: text[:-1].rfind('\n') + 1 + 50])
    assert len(list(people.frames())) == FRAMES - 1
    with PeopleWriter(people.path, people.header, append=True) as writer:
        writer.write(last)
    assert people.path.read_text() == text


def test_damaged_line_is_named(tmp_path, people):
    lines = people.path.read_text().splitlines(keepends=True)
    lines[3] = '\0' * 40 + '\n'
    (tmp_path / 'bad.jsonl').write_text(''.join(lines))
    with pytest.raises(InputError, match=r'bad\.jsonl, line 4: expected the people of a frame'):
        list(PeopleFile(tmp_path / 'bad.jsonl').frames())


def test_full_disk_is_told_with_the_file_though_closing_fails_again(people):
    frame = next(people.frames())
    with (
        pytest.raises(OSError, match=r'^/dev/full: cannot be written: No space left on device$'),
        PeopleWriter(Path('/dev/full'), people.header) as writer,
    ):
        writer.write(frame)
    with (
        pytest.raises(OSError, match=r'^/dev/full: cannot be written: No space left on device$'),
        PeopleWriter(Path('/dev/full'), people.header),
    ):
        pass


def test_jsonl_is_json_without_nan(tmp_path, people):
    (path,) = write(tmp_path, people, '.jsonl', COCO_17)
    lines = [
        json.loads(line, parse_constant=lambda name: pytest.fail(name))
        for line in path.read_text().splitlines()
    ]
    assert lines[0]['keypoints'] == list(COCO_17.keypoints)
    assert lines[3]['people'][1]['agreement'] is None
    assert len(lines[3]['people'][1]['keypoints_3d']) == 17


def test_csv_has_a_row_for_each_keypoint(tmp_path, people):
    (path,) = write(tmp_path, people, '.csv', COCO_17)
    with path.open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == (FRAMES - 1) * 2 * 17
    row = rows[17 * 2 * 4 + 17 + COCO_17.index('left_wrist')]
    assert (row['frame'], row['person'], row['keypoint']) == ('5', '2', 'left_wrist')
    truth = truth_at(walker(5 / RATE))[0].to(COCO_17)
    k = COCO_17.index('left_wrist')
    got = [float(row[name]) for name in ('u_px', 'v_px', 'x_m', 'y_m', 'z_m')]
    wanted = [*truth.keypoints_2d[1, k], *truth.keypoints_3d[1, k]]
    np.testing.assert_allclose(got, wanted, atol=0.006)
    assert float(row['time_s']) == pytest.approx(5 / RATE, abs=1e-6)


def test_coco_file_is_read_by_pycocotools(tmp_path, people, capsys):
    (path,) = write(tmp_path, people, '.json')
    coco = COCO(str(path))
    assert len(coco.imgs) == FRAMES
    assert coco.loadCats(1)[0]['keypoints'] == list(COCO_17.keypoints)
    truth = truth_at(walker(5 / RATE))[0].to(COCO_17)
    found = coco.loadAnns(coco.getAnnIds(imgIds=[6]))
    assert [one['track_id'] for one in found] == [1, 2]
    triples = np.array(found[1]['keypoints']).reshape(17, 3)
    np.testing.assert_allclose(triples[:, :2], truth.keypoints_2d[1], atol=0.006)
    assert (triples[:, 2] == 2).all()
    assert found[1]['bbox'][2] == pytest.approx(np.ptp(truth.boxes[1, [0, 2]]), abs=0.02)
    assert coco.getAnnIds(imgIds=[1]) == []


def test_npz_is_what_the_benchmark_takes_for_truth(tmp_path, people):
    (path,) = write(tmp_path, people, '.npz')
    read = read_truth_file(path)
    assert len(read) == FRAMES
    truth = truth_at(walker(5 / RATE))[0]
    poses = read[round(5e9 / RATE)]
    np.testing.assert_allclose(poses.keypoints_3d, truth.keypoints_3d, atol=6e-5)
    assert len(read[0]) == 0


def test_mcap_holds_the_nodes_clouds(tmp_path, people):
    (path,) = write(tmp_path, people, '.mcap', COCO_17)
    with AnyReader([path]) as bag:
        assert {c.topic for c in bag.connections} == {'/unihpe/pose2d', '/unihpe/pose3d'}
        chosen = [c for c in bag.connections if c.topic == '/unihpe/pose3d']
        read = [
            (stamp, bag.deserialize(data, connection.msgtype))
            for connection, stamp, data in bag.messages(chosen)
        ]
    assert len(read) == FRAMES
    stamp, message = read[5]
    assert stamp == round(5e9 / RATE) == message.header.stamp.nanosec
    truth = truth_at(walker(5 / RATE))[0].to(COCO_17)
    np.testing.assert_allclose(from_cloud(message).keypoints_3d, truth.keypoints_3d, atol=6e-5)


def test_trc_has_each_person_in_metres_with_y_up(tmp_path, people):
    paths = write(tmp_path, people, '.trc')
    assert [path.name for path in paths] == ['walk_1.trc', 'walk_2.trc']
    read = read_trc(paths[0])
    assert (read.markers, read.rate, read.units) == (UNION.keypoints, RATE, 'm')
    np.testing.assert_allclose(read.points, true_points(0) * Y_UP, atol=6e-5)
    np.testing.assert_allclose(read.times, np.arange(1, FRAMES) / RATE, atol=1e-6)
    lines = paths[0].read_text().split('\n')
    # OpenSim wants these names and this order.
    assert lines[1].startswith('DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate')
    assert lines[5] == ''


def test_trc_of_damage_is_refused(tmp_path):
    path = tmp_path / 'a.trc'
    path.write_text('nothing')
    with pytest.raises(InputError, match='expected a TRC file'):
        read_trc(path)


def test_bvh_is_read_by_two_readers_and_meets_the_keypoints(tmp_path, people):
    paths = write(tmp_path, people, '.bvh')
    motion = read_bvh(paths[0], rate=RATE, skip=0)
    theirs = Bvh(paths[0].read_text())
    assert theirs.nframes == len(motion.frames) == FRAMES - 1
    assert theirs.frame_time == pytest.approx(1 / RATE)
    named = [index for index, name in enumerate(motion.joints) if not name.startswith('End_')]
    assert theirs.get_joints_names() == [motion.joints[index] for index in named]
    positions = motion.positions()[:, named]
    keypoints = UNION.indices(*(motion.joints[index] for index in named))
    truth = 100 * (true_points(0) * Y_UP)[:, keypoints] @ WORLD_FROM_BVH.T
    # The tiny person is flat and turns nowhere: only what is not rigid in it is missed, cm.
    assert np.linalg.norm(positions - truth, axis=-1).max() < 3
    np.testing.assert_allclose(positions[:, 0], truth[:, 0], atol=0.01)


def test_bones_of_a_bvh_keep_their_lengths_while_joints_turn(tmp_path, people, rng):
    bent = []
    for frame in people.frames():
        points = frame.poses.keypoints_3d
        # Arms swing, and all points are off by 2 cm.
        for name in ('left_wrist', 'right_wrist'):
            points[:, UNION.index(name), 2] -= 0.2 * np.sin(frame.number / 3)
        points += rng.normal(0, 0.02, points.shape).astype(np.float32)
        bent.append(frame)
    with PeopleWriter(people.path, people.header) as writer:
        for frame in bent:
            writer.write(frame)
    path = write(tmp_path, people, '.bvh')[0]
    positions = read_bvh(path, rate=RATE, skip=0).positions()
    parents = read_bvh(path, rate=RATE, skip=0).parents
    lengths = np.linalg.norm(positions[:, 1:] - positions[:, parents[1:]], axis=-1)
    np.testing.assert_allclose(lengths, lengths[:1].repeat(len(lengths), 0), atol=1e-3)


def test_frames_that_were_dropped_are_filled_in_motion_files(tmp_path, people):
    kept = [frame for frame in people.frames() if frame.number not in (6, 7, 8)]
    with PeopleWriter(people.path, people.header) as writer:
        for frame in kept:
            writer.write(frame)
    read = read_trc(write(tmp_path, people, '.trc')[0])
    np.testing.assert_allclose(read.points, true_points(0) * Y_UP, atol=1e-3)


def test_pictures_that_stand_alone_make_no_motion_file(tmp_path):
    people = write_true_people(tmp_path / 'true.jsonl', 3, still=True)
    with pytest.raises(InputError, match='expected a video for a motion file, or --fps'):
        write(tmp_path, people, '.bvh')


@pytest.mark.parametrize('suffix', [*formats.WHOLE, *formats.PER_PERSON])
def test_disk_that_is_full_leaves_no_file_and_the_old_one_stays(
    tmp_path, people, suffix, monkeypatch
):
    made = write(tmp_path, people, suffix)
    before = {path: path.read_bytes() for path in made}
    writer = {'.bvh': 'write_bvh', '.trc': 'write_trc'}.get(suffix)

    def fill(path, *rest):
        path.write_bytes(b'half')
        raise OSError(errno.ENOSPC, 'No space left on device')

    if writer:
        monkeypatch.setattr(formats, writer, fill)
    else:
        monkeypatch.setitem(formats.WHOLE, suffix, fill)
    files = set(tmp_path.iterdir())
    with pytest.raises(OSError, match=rf'walk(_1)?\{suffix}: cannot be written: No space left'):
        write(tmp_path, people, suffix)
    assert set(tmp_path.iterdir()) == files
    assert {path: path.read_bytes() for path in made} == before


def test_unknown_suffix_and_folder_are_refused(tmp_path):
    with pytest.raises(OutputError, match=r'expected a file ending in \.csv, .*; got \.xls'):
        check_format(tmp_path / 'people.xls')
    (tmp_path / 'a.csv').mkdir()
    with pytest.raises(OutputError, match='expected a file to write; it is a folder'):
        check_format(tmp_path / 'a.csv')


def test_file_of_something_else_is_no_people_file(tmp_path):
    (tmp_path / 'a.jsonl').write_text('{"a": 1}\n')
    with pytest.raises(InputError, match='expected people as `unihpe run'):
        PeopleFile(tmp_path / 'a.jsonl')
