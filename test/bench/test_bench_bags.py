"""Recordings of every kind are read alike; of those that are damaged it is said where."""

from pathlib import Path
import re
import shutil
import subprocess
import sys

from bench_bags import data_file, KINDS, picture_at, stamp_of, write_bag
from mcap.reader import make_reader
from mcap.writer import CompressionType, Writer
import numpy as np
import pytest
from tiny_bag import CAMERA, truth_at, walker
from unihpe_ros.bags.damage import describe_damage
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError
from unihpe_ros.node_trial.camera_player import bag_camera_info

FRAMES = 3


@pytest.fixture(scope='module')
def bags(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp('bags')
    return {kind: write_bag(folder / kind.replace(' ', '_'), FRAMES, kind=kind) for kind in KINDS}


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_of_recording_gives_the_same(bags, kind):
    reader = BagReader(bags[kind])
    assert (reader.topic, reader.count) == ('/camera/image_raw/compressed', FRAMES)
    np.testing.assert_array_equal(reader.camera.K, CAMERA.K)
    np.testing.assert_array_equal(bag_camera_info(reader).k, CAMERA.K.ravel())
    images = list(reader.images())
    assert [image.stamp for image in images] == [stamp_of(n) for n in range(FRAMES)]
    assert [image.received for image in images] == [image.stamp for image in images]
    assert [image.number for image in images] == list(range(FRAMES))
    for image in images:
        np.testing.assert_array_equal(image.decode(), picture_at(image.number))
        assert image.size > 100
        assert image.read_s > 0
        assert image.parse_s > 0
    truth = reader.truth()
    assert list(truth) == [image.stamp for image in images]
    expected, _ = truth_at(walker(1 / 30))
    np.testing.assert_array_equal(truth[stamp_of(1)].keypoints_3d, expected.keypoints_3d)


def test_mcap_with_lz4_chunks_is_read(bags, tmp_path):
    file = tmp_path / 'chunks.mcap'
    with data_file(bags['mcap']).open('rb') as source, file.open('wb') as target:
        writer = Writer(target, compression=CompressionType.LZ4)
        writer.start(profile='ros2')
        channels = {}
        for schema, channel, message in make_reader(source).iter_messages():
            if channel.topic not in channels:
                known = writer.register_schema(schema.name, schema.encoding, schema.data)
                channels[channel.topic] = writer.register_channel(
                    channel.topic, channel.message_encoding, known
                )
            writer.add_message(
                channels[channel.topic], message.log_time, message.data, message.publish_time
            )
        writer.finish()
    images = list(BagReader(file).images())
    assert [image.stamp for image in images] == [stamp_of(n) for n in range(FRAMES)]
    np.testing.assert_array_equal(images[1].decode(), picture_at(1))


@pytest.mark.parametrize('kind', ['sqlite3', 'ros1'])
def test_raw_images_are_read(tmp_path, kind):
    reader = BagReader(write_bag(tmp_path / 'raw', 2, kind=kind, raw=True))
    images = list(reader.images())
    np.testing.assert_array_equal(images[1].decode(), picture_at(1))
    assert images[0].size > 640 * 480 * 3


def test_nothing_of_ros_is_needed(bags):
    program = (
        'import sys\n'
        'for name in ("rclpy", "sensor_msgs", "std_msgs", "visualization_msgs"):\n'
        '    sys.modules[name] = None\n'
        'from pathlib import Path\n'
        'from unihpe_ros.bags.reader import BagReader\n'
        f'reader = BagReader(Path({str(bags["ros1 lz4"])!r}))\n'
        'print(sum(image.decode().size for image in reader.images()), len(reader.truth()))\n'
    )
    done = subprocess.run(
        [sys.executable, '-c', program],
        capture_output=True,
        text=True,
        cwd=Path(__file__).parents[2],
    )
    assert done.stdout.split() == [str(FRAMES * 640 * 480 * 3), str(FRAMES)], done.stderr


def test_one_of_two_cameras_has_to_be_chosen(tmp_path):
    bag = write_bag(tmp_path / 'two', 2, cameras=('/left', '/right'))
    with pytest.raises(BagError, match=r'two: several image topics; choose one: /left/.*/right/'):
        BagReader(bag)
    reader = BagReader(bag, '/right/image_raw/compressed')
    assert (reader.count, reader.camera.width) == (2, 640)
    with pytest.raises(BagError, match=r'no images on /rear; there are /left/.*, /right/'):
        BagReader(bag, '/rear')


def test_a_recording_without_images_lists_what_it_holds(tmp_path):
    for frames, words in ((1, 'it holds /truth/pose3d'), (0, 'it holds no topics')):
        bag = write_bag(tmp_path / f'blind{frames}', frames, cameras=())
        with pytest.raises(BagError, match=rf'blind{frames}: expected a topic of .*; {words}'):
            BagReader(bag)


def test_truth_that_is_not_there_or_no_truth_is_named(bags, tmp_path):
    assert BagReader(write_bag(tmp_path / 'bag', 1, truth=False)).truth() is None
    reader = BagReader(bags['mcap'])
    with pytest.raises(BagError, match=r'expected the true people on /gt .* there are /truth/'):
        reader.truth('/gt')
    with pytest.raises(BagError, match='on /camera/camera_info as sensor_msgs/msg/PointCloud2'):
        reader.truth('/camera/camera_info')


@pytest.mark.parametrize('kind', ['mcap', 'mcap zstd chunks', 'sqlite3', 'ros1', 'ros1 lz4'])
@pytest.mark.parametrize('share', [0, 0.02, 0.4, 0.8])
def test_a_recording_cut_off_is_named_with_the_place(bags, tmp_path, kind, share):
    source = bags[kind]
    copy = shutil.copy if source.is_file() else shutil.copytree
    bag = Path(copy(source, tmp_path / f'cut{source.suffix}'))
    file = data_file(bag)
    left = int(share * file.stat().st_size)
    with file.open('r+b') as opened:
        opened.truncate(left)
    try:
        reader = BagReader(bag)
        # What is whole is read, and the rest is told.
        assert len([image.decode() for image in reader.images()]) == reader.count <= FRAMES
        message = '; '.join(reader.notes)
    except BagError as error:
        message = str(error)
        assert str(bag) in message
    assert file.name in message
    assert str(left) in message, message
    assert describe_damage(bag) in message


@pytest.mark.parametrize(
    ('kind', 'words'),
    [
        ('mcap', r'ends at byte \d+ without a footer: the recorder was interrupted'),
        (
            'ros1',
            r'has no index \(index_pos is 0 in the bag header at byte 13\): the recorder was '
            'interrupted',
        ),
    ],
)
def test_an_unfinished_index_is_named(bags, tmp_path, kind, words):
    source = bags[kind]
    content = bytearray(data_file(source).read_bytes())
    if kind == 'mcap':
        bag = tmp_path / 'open.mcap'
        # DataEnd is the last record before the summary: opcode 15, 4 bytes long.
        content = content[: content.rindex(b'\x0f' + (4).to_bytes(8, 'little')) + 13]
    else:
        bag = tmp_path / 'open.bag'
        at = content.index(b'index_pos=') + len(b'index_pos=')
        content[at : at + 8] = bytes(8)
    bag.write_bytes(content)
    reader = BagReader(bag)
    assert len(list(reader.images())) == FRAMES
    assert re.search(rf'{bag.name} {words}; the {3 * FRAMES} messages', reader.notes[0])


@pytest.mark.parametrize('name', ['a.mcap', 'a.bag', 'a.db3'])
def test_what_only_has_the_name_of_a_recording_is_named(tmp_path, name):
    path = tmp_path / name
    path.write_text('no recording at all, but long enough for a footer to fit in')
    with pytest.raises(BagError, match=rf"{name}.*begins at byte 0 with '6e 6f 20 72"):
        BagReader(path)


def test_other_files_and_nothing_are_named(tmp_path):
    (tmp_path / 'film.mp4').write_text('film')
    with pytest.raises(BagError, match=r'film.mp4: expected a rosbag2 folder or a file ending'):
        BagReader(tmp_path / 'film.mp4')
    with pytest.raises(BagError, match=r'nowhere: expected a rosbag2 folder or .*; there is none'):
        BagReader(tmp_path / 'nowhere')
    with pytest.raises(BagError, match=r'the folder holds no .mcap or .db3 file'):
        BagReader(tmp_path)
