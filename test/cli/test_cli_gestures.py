"""`unihpe gestures` on tiny models: galleries that are made, listed, changed and tried."""

import itertools

import pytest
from rclpy.qos import qos_profile_sensor_data
from rclpy.time import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from tiny_detector import write_tiny_detector
from tiny_run import write_walk_video
from topic_publisher import published
from unihpe_ros.cli import main as cli
from unihpe_ros.kinematics.gesture_gallery import read_gallery
from unihpe_ros.kinematics.starter_gestures import STARTER
from unihpe_ros.ros.images import encode_image
from unihpe_ros.run.inputs.video_frames import Video

pytestmark = pytest.mark.slow


@pytest.fixture
def unihpe(model, tmp_path, monkeypatch):
    detector = write_tiny_detector(model.parent)
    write_walk_video(tmp_path / 'walk.mp4', 60)
    monkeypatch.chdir(tmp_path)

    def gestures(*arguments):
        networks = ['--model', str(model), '--detector', str(detector)]
        given = networks if arguments[0] in ('record', 'test') else []
        return cli.main(['gestures', *arguments, *given])

    return gestures


def walk_messages(path):
    """Return the images of a video again and again, stamped 20 a second."""
    images = [frame.image for frame in Video(path).frames()]
    for number in itertools.count(1):
        header = Header(stamp=Time(nanoseconds=number * 5 * 10**7).to_msg())
        yield encode_image(images[number % len(images)], header)


def test_a_gesture_is_recorded_listed_and_removed(unihpe, tmp_path, capsys):
    assert unihpe('record', 'salute', '--from', 'walk.mp4', '--limit', '0.3') == 0
    assert 'salute: a ' in capsys.readouterr().out
    (known,) = read_gallery(tmp_path / 'gestures.npz', STARTER).recorded
    assert (known.name, known.limit, known.source) == ('salute', 0.3, 'walk.mp4')
    assert unihpe('list') == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(':')[0] for line in lines] == [*STARTER, 'salute']
    assert lines[-1].endswith('limit 0.30, from walk.mp4')
    assert unihpe('remove', 'stop') == 0
    assert unihpe('remove', 'salute') == 0
    left = read_gallery(tmp_path / 'gestures.npz', STARTER).names
    assert left == tuple(name for name in STARTER if name != 'stop')


def test_what_is_recorded_is_recognised(unihpe, capsys):
    unihpe('record', 'stroll', '--from', 'walk.mp4', '--kind', 'pose', '--one-sided')
    assert unihpe('test', 'walk.mp4') == 0
    out = capsys.readouterr().out
    assert 'stroll  for' in out
    assert ' a minute.' in out.splitlines()[-1]


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['record', 'Salute!', '--from', 'walk.mp4'], 'expected a name of lower case letters'),
        (['record', 'salute', '--from', '/no/film'], 'there is no such file, and nobody'),
        (['record', 'salute', '--from', '/no/film.mp4'], 'expected a video, a picture'),
        (['remove', 'nod'], 'nod: expected one of left_hand_raised'),
        (['test', '.'], 'expected pictures'),
        (['list', '--gallery', 'walk.mp4'], 'expected a gallery that unihpe gestures record has'),
    ],
)
def test_errors_name_the_cure_and_leave_no_file(
    unihpe, tmp_path, capsys, monkeypatch, arguments, words
):
    # Nobody publishes it, however long one waits.
    monkeypatch.setattr('unihpe_ros.run.inputs.topic_images._DISCOVERY', 0.5)
    assert unihpe(*arguments) == 1
    assert words in ' '.join(capsys.readouterr().err.split())
    assert not (tmp_path / 'gestures.npz').exists()


@pytest.mark.ros
def test_a_gesture_is_recorded_from_a_topic(unihpe, tmp_path, capsys):
    walk = walk_messages(tmp_path / 'walk.mp4')
    with published(Image, walk, '/camera/image_raw', qos_profile_sensor_data):
        assert unihpe('record', 'stroll', '--from', '/camera/image_raw', '--seconds', '2') == 0
    assert 'stroll: a ' in capsys.readouterr().out
    (known,) = read_gallery(tmp_path / 'gestures.npz', STARTER).recorded
    assert (known.name, known.source) == ('stroll', '/camera/image_raw')


def test_a_failed_recording_leaves_the_gallery_as_it_was(unihpe, tmp_path):
    unihpe('record', 'stroll', '--from', 'walk.mp4')
    before = (tmp_path / 'gestures.npz').read_bytes()
    assert unihpe('record', 'stroll', '--from', 'gone.mp4') == 1
    assert (tmp_path / 'gestures.npz').read_bytes() == before
