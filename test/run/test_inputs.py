from io import BytesIO
import os
import struct
import subprocess
import sys
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
from tiny_bag import write_tiny_bag
from tiny_run import open_path, RATE, walk_image, write_walk_video
from unihpe_ros.bags.topics import BagError
from unihpe_ros.core.rotation import turn_image
from unihpe_ros.run.inputs import live
from unihpe_ros.run.inputs.choose import input_name, InputOptions, open_input
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.inputs.standard_input import split_jpegs, StandardInput


class FakeCapture:
    """A camera that gives so many frames."""

    def __init__(self, frames: int, is_open: bool = True) -> None:
        self.frames, self.is_open, self.released = frames, is_open, False

    def isOpened(self) -> bool:  # noqa: N802
        return self.is_open

    def get(self, key: int) -> float:
        return 25.0 if key == cv2.CAP_PROP_FPS else 0.0

    def set(self, key: int, value: float) -> bool:
        return True

    def read(self):
        self.frames -= 1
        good = self.frames >= 0
        return good, walk_image(0.0) if good else None

    def release(self) -> None:
        self.released = True


def jpeg(value: int, size=(64, 48), quality: int = 90) -> bytes:
    rng = np.random.default_rng(value)
    image = rng.integers(0, 255, (size[1], size[0], 3), np.uint8)
    return cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def test_video_gives_its_frames_with_times_and_from_any_number_on(tmp_path):
    source = open_path(write_walk_video(tmp_path / 'walk.mp4', 12))
    assert (source.count, source.rate, source.live, source.still) == (12, RATE, False, False)
    frames = list(source.frames())
    assert [frame.number for frame in frames] == list(range(12))
    np.testing.assert_allclose([f.stamp for f in frames], 1e9 * np.arange(12) / RATE, atol=2e6)
    later = list(source.frames(7))
    assert [frame.number for frame in later] == list(range(7, 12))
    np.testing.assert_array_equal(later[0].image, frames[7].image)
    assert source.notes == []


def test_video_that_was_cut_off_is_read_to_where_it_ends(tmp_path):
    path = tmp_path / 'walk.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*'MJPG'), RATE, (640, 480))
    for frame in range(30):
        writer.write(walk_image(frame / RATE))
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    source = open_path(path)
    frames = list(source.frames())
    assert 5 < len(frames) < 25
    if source.count is not None:
        assert source.notes == [f'the video ends after {len(frames)} of {source.count} frames']


@pytest.mark.parametrize('content', [b'', b'no video at all' * 100])
def test_file_that_is_no_video_is_refused(tmp_path, content):
    path = tmp_path / 'walk.mp4'
    path.write_bytes(content)
    with pytest.raises(InputError, match=r'walk\.mp4: expected a video that OpenCV can read'):
        open_path(path)


def test_pictures_come_in_order_of_name_and_a_broken_one_is_told(tmp_path):
    for name in ('b.png', 'a.jpg', 'c.PNG'):
        image = np.full((48, 64, 3), ord(name[0]), np.uint8)
        path = tmp_path / name
        path.write_bytes(cv2.imencode(path.suffix.lower(), image)[1].tobytes())
    (tmp_path / 'bad.jpg').write_bytes(b'no picture')
    (tmp_path / '.hidden.jpg').write_bytes(b'')
    (tmp_path / 'notes.txt').write_text('')
    source = open_path(tmp_path)
    frames = list(source.frames())
    assert (source.still, source.count) == (True, 4)
    assert [(frame.number, frame.name) for frame in frames] == [
        (0, 'a.jpg'),
        (1, 'b.png'),
        (3, 'c.PNG'),
    ]
    assert frames[1].image[0, 0, 0] == ord('b')
    assert source.notes == [
        'bad.jpg is left out: expected a picture; cannot be read: it is damaged, or no picture'
    ]
    sequence = open_path(tmp_path, rate=10.0)
    assert not sequence.still
    assert [frame.stamp for frame in sequence.frames(1)] == [100_000_000, 300_000_000]


def tag_rotation(path, degrees: int) -> None:
    """Write into an MP4 by how much a player turns it, as telephones do."""
    sine, cosine = {0: (0, 1), 90: (1, 0), 180: (0, -1), 270: (-1, 0)}[degrees]
    matrix = [cosine << 16, sine << 16, 0, -sine << 16, cosine << 16, 0, 0, 0, 1 << 30]
    data = bytearray(path.read_bytes())
    at = data.index(b'tkhd') + 44
    data[at : at + 36] = struct.pack('>9i', *matrix)
    path.write_bytes(data)


@pytest.mark.parametrize('degrees', [0, 90, 180, 270])
def test_video_of_a_telephone_is_upright(tmp_path, degrees):
    path = write_walk_video(tmp_path / 'walk.mp4', 2)
    plain = [frame.image for frame in open_path(path).frames()]
    tag_rotation(path, degrees)
    shown = [frame.image for frame in open_path(path).frames()]
    assert len(shown) == 2
    for before, after in zip(plain, shown, strict=True):
        np.testing.assert_array_equal(after, turn_image(before, degrees))


def test_folder_without_pictures_says_what_it_holds(tmp_path):
    (tmp_path / 'walk.mp4').write_bytes(b'')
    with pytest.raises(InputError, match=r'expected pictures \(\.jpg, .*; it holds \.mp4'):
        open_path(tmp_path)


@pytest.mark.slow
def test_recording_brings_stamps_and_camera(tmp_path):
    source = open_path(write_tiny_bag(tmp_path / 'bag', 0.5))
    frames = list(source.frames(3))
    assert (source.count, frames[0].number) == (15, 3)
    assert source.rate == pytest.approx(30, rel=0.01)
    assert frames[1].stamp - frames[0].stamp == pytest.approx(1e9 / 30, abs=2)
    assert source.camera_of((640, 480)).width == 640
    # Of another resolution it is scaled, as the node does it, and of other proportions not used.
    assert source.camera_of((320, 240)).K[0, 0] == source.camera_of((640, 480)).K[0, 0] / 2
    assert source.camera_of((640, 100)) is None
    assert source.notes == []
    source = open_path(tmp_path / 'bag', fov_deg=50.0)
    assert source.notes == ['--fov is not used: it is for inputs without a calibration']


@pytest.mark.slow
def test_recording_of_a_killed_recorder_is_read_from_its_folder_and_told(tmp_path):
    bag = write_tiny_bag(tmp_path / 'bag', 0.5)
    (bag / 'metadata.yaml').unlink()
    file = next(bag.glob('*.mcap'))
    content = file.read_bytes()
    file.write_bytes(content[: int(0.7 * len(content))])
    source = open_path(bag)
    assert 0 < len(list(source.frames())) < 15
    assert 'ends at byte' in source.notes[0]
    assert 'messages before are read' in source.notes[0]


def test_folder_that_holds_metadata_alone_is_one_sentence(tmp_path):
    bag = write_tiny_bag(tmp_path / 'bag', 0.2)
    next(bag.glob('*.mcap')).unlink()
    with pytest.raises(BagError, match=r'the folder holds no \.mcap or \.db3 file$'):
        open_path(bag)


def test_missing_file_is_one_sentence():
    with pytest.raises(InputError, match=r'^gone\.mp4: expected a video, .*there is no such file'):
        open_input('gone.mp4', InputOptions())


def test_unset_variable_of_a_shell_is_not_the_current_folder():
    with pytest.raises(InputError, match=r"^'': expected a video, .*there is no such file"):
        open_input('', InputOptions())


@pytest.mark.parametrize('name', ['walk.mp4', 'photos'])
def test_input_without_permission_is_not_taken_for_damaged(tmp_path, monkeypatch, name):
    (tmp_path / 'photos').mkdir()
    write_walk_video(tmp_path / 'walk.mp4', 2)
    # Root may read everything, whatever the mode of a file.
    monkeypatch.setattr(os, 'access', lambda path, mode: False)
    with pytest.raises(InputError, match=f'{name}: cannot be read: Permission denied'):
        open_path(tmp_path / name)


def test_webcam_gives_frames_until_it_is_unplugged(monkeypatch):
    capture = FakeCapture(3)
    monkeypatch.setattr(live, 'open_capture', lambda *args: capture)
    source = open_input('camera:0', InputOptions())
    frames = list(source.frames())
    assert (source.live, source.rate, len(frames)) == (True, 25.0, 3)
    assert frames[0].stamp < frames[2].stamp
    assert source.notes == ['camera:0 gave no more frames']
    source.close()
    assert capture.released


@pytest.mark.parametrize(
    ('capture', 'words'),
    [
        (FakeCapture(0, is_open=False), 'it cannot be opened'),
        (FakeCapture(0), 'it gives no image'),
    ],
)
def test_webcam_that_is_taken_or_missing_is_one_sentence(monkeypatch, capture, words):
    monkeypatch.setattr(live, 'open_capture', lambda *args: capture)
    with pytest.raises(InputError, match=f'camera:3: expected a webcam .*video3.*{words}'):
        list(open_input('camera:3', InputOptions()).frames())


def test_stream_that_does_not_answer_keeps_its_password():
    with pytest.raises(InputError, match=r'^rtsp://127\.0\.0\.1:1/x: expected a video stream'):
        open_input('rtsp://me:secret@127.0.0.1:1/x', InputOptions())


def test_raw_frames_of_a_pipe(tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (3, 48, 64, 3), np.uint8)
    source = StandardInput(BytesIO(images.tobytes() + b'half'), 10.0, (64, 48))
    frames = list(source.frames())
    np.testing.assert_array_equal([frame.image for frame in frames], images)
    assert [frame.stamp for frame in frames] == [0, 100_000_000, 200_000_000]
    assert source.notes[0].startswith('the last frame has 4 of the 9216 bytes of a 64x48')


def test_jpegs_of_a_pipe_come_whole_whatever_the_pieces():
    pictures = [jpeg(n, quality=60 + n) for n in range(4)]
    reader, writer = os.pipe()
    with os.fdopen(writer, 'wb', buffering=0) as target:
        target.write(b''.join(pictures))
    with os.fdopen(reader, 'rb', buffering=0) as stream:
        small = SimpleNamespace(read=lambda count: stream.read(7))
        assert list(split_jpegs(small)) == pictures


def test_thumbnail_in_a_jpeg_does_not_end_it():
    thumbnail, picture = jpeg(1), jpeg(2)
    inside = b'\xff\xe1' + (len(thumbnail) + 2).to_bytes(2, 'big') + thumbnail
    whole = picture[:2] + inside + picture[2:]
    assert list(split_jpegs(BytesIO(whole + picture))) == [whole, picture]


def test_pipe_that_holds_something_else_or_nothing_is_refused():
    with pytest.raises(InputError, match=r'expected JPEGs .*--raw WxH.* got bytes 52 49 46 46'):
        list(StandardInput(BytesIO(b'RIFF'), 30.0).frames())
    with pytest.raises(InputError, match='expected frames; it is empty'):
        list(StandardInput(BytesIO(b''), 30.0).frames())


@pytest.mark.parametrize(
    ('text', 'name'),
    [
        ('-', 'stdin'),
        ('camera:0', 'camera_0'),
        ('rtsp://me:secret@host:554/cam/1', 'host_554_cam_1'),
        ('films/walk.mp4', 'walk'),
    ],
)
def test_names_of_inputs(text, name):
    assert input_name(text) == name


@pytest.mark.parametrize(
    ('options', 'notes'),
    [
        (InputOptions(topic='/image'), ['--topic is not used: it is for recordings']),
        (InputOptions(raw=(4, 4)), ['--raw is not used: it is for frames on standard input']),
        (InputOptions(rate=5.0, fov_deg=50.0), []),
    ],
)
def test_an_option_for_another_kind_of_input_is_told(tmp_path, options, notes):
    path = tmp_path / 'photo.png'
    cv2.imwrite(str(path), np.zeros((8, 8, 3), np.uint8))
    assert open_input(str(path), options).notes == notes


def test_what_opencv_prints_is_kept_back(tmp_path):
    (tmp_path / 'x.mp4').write_bytes(b'nothing')
    program = "from unihpe_ros.run.inputs.video_frames import open_capture; open_capture('x.mp4')"
    done = subprocess.run(
        [sys.executable, '-c', program], cwd=tmp_path, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, '', '')
