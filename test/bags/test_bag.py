"""Recordings: what is written is read back; what is damaged is said to be."""

from pathlib import Path
import shutil

import numpy as np
import pytest
from rclpy.serialization import serialize_message
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import get_typestore, Stores
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from tiny_bag import CAMERA, RATE, START, truth_at, walker, write_tiny_bag
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError, IMAGE_TOPIC, TRUTH_TOPIC
from unihpe_ros.bags.writer import BagWriter
from unihpe_ros.core.resources import find_resource
from unihpe_ros.ros.camera_info import to_camera_info

FRAMES = 6


@pytest.fixture(scope='module')
def bag(tmp_path_factory) -> Path:
    return write_tiny_bag(tmp_path_factory.mktemp('bags') / 'tiny', FRAMES / RATE)


def write_bag(path: Path, topics: dict[str, object]) -> Path:
    """Write a bag with one message on each topic."""
    types = get_typestore(Stores.ROS2_HUMBLE)
    with Writer(path, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        for topic, msg in topics.items():
            kind = f'sensor_msgs/msg/{type(msg).__name__}'
            connection = writer.add_connection(topic, kind, typestore=types)
            writer.write(connection, START, serialize_message(msg))
    return path


def picture(width: int = 4, height: int = 2) -> Image:
    data = bytes(range(3 * width * height))
    return Image(width=width, height=height, encoding='bgr8', step=3 * width, data=data)


def test_images_come_back_in_order_with_their_stamps(bag):
    recording = BagReader(bag)
    assert (recording.count, recording.topic) == (FRAMES, IMAGE_TOPIC)
    frames = list(recording.frames())
    assert [stamp for stamp, _ in frames] == [START + round(i * 1e9 / RATE) for i in range(FRAMES)]
    assert [stamp for stamp, _ in frames] == recording.stamps()
    for index, (_, image) in enumerate(frames):
        assert image.shape == (480, 640, 3)
        _, boxes = truth_at(walker(index / RATE))
        for x0, y0, x1, y1 in boxes:
            assert image[round((y0 + y1) / 2), round((x0 + x1) / 2)].min() > 240
            assert image[round(y0) - 20, round(x0) - 20].max() < 15


def test_camera_comes_back(bag):
    camera = BagReader(bag).camera
    np.testing.assert_array_equal(camera.K, CAMERA.K)
    assert (camera.width, camera.height, camera.is_distorted) == (640, 480, False)


def test_truth_comes_back_by_stamp(bag):
    truth = BagReader(bag).truth()
    assert list(truth) == BagReader(bag).stamps()
    expected, _ = truth_at(walker(0.0))
    people = truth[START]
    np.testing.assert_array_equal(people.keypoints_3d, expected.keypoints_3d)
    np.testing.assert_array_equal(people.keypoints_2d, expected.keypoints_2d)
    np.testing.assert_array_equal(people.flags, expected.flags)
    assert people.track_ids.tolist() == [1, 2]
    assert people.skeleton == expected.skeleton
    assert people.root_mode == expected.root_mode


def test_one_mcap_file_is_enough(bag):
    assert BagReader(bag / 'tiny.mcap').count == FRAMES


def test_the_same_images_make_the_same_file(bag, tmp_path):
    again = write_tiny_bag(tmp_path / 'tiny', FRAMES / RATE)
    assert (again / 'tiny.mcap').read_bytes() == (bag / 'tiny.mcap').read_bytes()


@pytest.mark.parametrize('keep', [0, 1, 20])
def test_a_bag_of_which_nothing_is_left_is_named(bag, tmp_path, keep):
    damaged = Path(shutil.copytree(bag, tmp_path / 'damaged')) / 'tiny.mcap'
    content = damaged.read_bytes()
    damaged.write_bytes(content[:keep])
    for path in (damaged.parent, damaged):
        with pytest.raises(BagError, match=r'damaged.*a complete recording; broken.*tiny.mcap'):
            BagReader(path)


def test_a_damaged_image_is_named(bag, tmp_path):
    damaged = Path(shutil.copytree(bag, tmp_path / 'damaged')) / 'tiny.mcap'
    content = bytearray(damaged.read_bytes())
    first = content.index(b'\xff\xd8\xff')
    content[first : first + 400] = bytes(400)
    damaged.write_bytes(content)
    with pytest.raises(BagError, match=f'damaged: {IMAGE_TOPIC}: .*expected JPEG, PNG, WebP'):
        list(BagReader(damaged.parent).frames())


def test_truth_of_another_layout_is_named(tmp_path):
    bag = write_bag(tmp_path / 'bag', {'/camera/image': picture(), TRUTH_TOPIC: PointCloud2()})
    with pytest.raises(BagError, match=f'{TRUTH_TOPIC}: cloud: expected the fields of pose3d'):
        BagReader(bag).truth()


@pytest.mark.parametrize('name', ['nowhere', 'empty', 'text.mcap', 'movie.mp4'])
def test_what_is_no_bag_is_named(tmp_path, name):
    path = tmp_path / name
    if name == 'empty':
        path.mkdir()
    elif name != 'nowhere':
        path.write_text('no bag at all, but long enough for a footer to fit in here')
    with pytest.raises(BagError, match=rf'{name}: expected a (rosbag2 folder|complete)'):
        BagReader(path)


def test_images_are_found_by_type_and_calibration_by_namespace(tmp_path):
    info = CameraInfo(width=4, height=2)
    bag = write_bag(
        tmp_path / 'bag', {'/front/rgb/image_color': picture(), '/front/rgb/camera_info': info}
    )
    recording = BagReader(bag)
    assert recording.topic == '/front/rgb/image_color'
    assert (recording.camera_info.width, recording.camera) == (4, None)
    ((stamp, image),) = recording.frames()
    assert stamp == START  # Without a stamp of its own it has the recorder's.
    assert image.ravel().tolist() == list(range(24))
    assert recording.truth() is None


def test_a_camera_without_calibration_is_still_a_camera(tmp_path):
    bag = write_bag(
        tmp_path / 'bag', {'/front/image': picture(), '/rear/camera_info': CameraInfo()}
    )
    assert BagReader(bag).camera_info is None


def test_one_of_several_cameras_has_to_be_chosen(tmp_path):
    bag = write_bag(tmp_path / 'bag', {'/a/image': picture(), '/b/image': picture(8)})
    with pytest.raises(BagError, match=r'several image topics; choose one: /a/image, /b/image'):
        BagReader(bag)
    ((_, image),) = BagReader(bag, '/b/image').frames()
    assert image.shape == (2, 8, 3)
    with pytest.raises(BagError, match=r'no images on /c/image; there are /a/image, /b/image'):
        BagReader(bag, '/c/image')


def test_a_bag_without_images_is_named(tmp_path):
    bag = write_bag(tmp_path / 'bag', {'/a/camera_info': CameraInfo()})
    with pytest.raises(BagError, match=r'expected a topic of .*Image.*; it holds /a/camera_info'):
        BagReader(bag)


def test_nothing_is_left_of_a_bag_whose_writer_fails(tmp_path, bag):
    target = Path(shutil.copytree(bag, tmp_path / 'bag'))
    before = (target / 'tiny.mcap').read_bytes()

    def run_out_of_film() -> None:
        with BagWriter(target) as writer:
            writer.write(START, np.zeros((4, 4, 3), np.uint8))
            raise RuntimeError('out of film')

    with pytest.raises(RuntimeError, match='out of film'):
        run_out_of_film()
    assert [path.name for path in tmp_path.iterdir()] == ['bag']
    assert (target / 'tiny.mcap').read_bytes() == before


def test_a_folder_that_is_no_bag_is_not_overwritten(tmp_path):
    (tmp_path / 'thesis.txt').write_text('years of work')
    with pytest.raises(BagError, match='is no rosbag2; it is not overwritten'):
        BagWriter(tmp_path)
    assert (tmp_path / 'thesis.txt').read_text() == 'years of work'


def test_a_bag_is_replaced_by_a_new_one(tmp_path):
    target = write_tiny_bag(tmp_path / 'bag', 2 / RATE)
    write_tiny_bag(target, 4 / RATE)
    assert BagReader(target).count == 4


def test_the_recording_that_ships_is_small_and_its_truth_fits():
    path = find_resource('resource/demo/people')
    assert sum(file.stat().st_size for file in path.iterdir()) <= 10_000_000
    recording = BagReader(path)
    stamps, truth = recording.stamps(), recording.truth()
    assert recording.count == len(stamps) == len(truth)
    assert 14 <= 1e-9 * (stamps[-1] - stamps[0]) + 1 / RATE <= 15
    assert next(recording.frames())[1].shape == (480, 640, 3)
    for people in truth.values():
        assert people.track_ids.tolist() == [1, 2, 3]
        pixels = recording.camera.project(people.keypoints_3d)
        np.testing.assert_allclose(pixels, people.keypoints_2d, atol=0.05)


def test_a_stamp_that_stays_is_replaced_by_the_time_of_recording(tmp_path):
    types, kind = get_typestore(Stores.ROS2_HUMBLE), 'sensor_msgs/msg/Image'
    path, step = tmp_path / 'stuck', 33_000_000
    with Writer(path, version=8, storage_plugin=StoragePlugin.SQLITE3) as writer:
        connection = writer.add_connection('/image', kind, typestore=types)
        msg = picture()
        msg.header.stamp.sec = 5
        for number in range(9):
            writer.write(connection, START + number * step, serialize_message(msg))
    recording = BagReader(path)
    stamps = recording.stamps()
    assert stamps == [5 * 10**9] * 5 + [START + number * step for number in range(5, 9)]
    assert recording.notes == ['/image: images repeat their stamp: the time of recording is used']


def test_a_calibration_of_another_frame_is_noted(tmp_path):
    image, info = picture(), to_camera_info(CAMERA, Header(frame_id='infra'))
    image.header.frame_id = 'colour'
    recording = BagReader(write_bag(tmp_path / 'bag', {'/a/image': image, '/a/camera_info': info}))
    assert recording.stamps() == [START]
    (note,) = recording.notes
    assert "camera_info may be of another camera: its frame is 'infra', that of the images" in note
