"""Recordings as they are found: cut off, without index or metadata, with other people's topics."""

from __future__ import annotations

import gc
from pathlib import Path
import shutil
import sys

from bench_bags import data_file, Messages, write_bag
from mcap.writer import Writer
import numpy as np
import pytest
from rewritten_recordings import numbers, rewrite
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import StoragePlugin, Writer as Bag2Writer
from rosbags.typesys import get_typestore, Stores
from tiny_detector import write_tiny_detector
from unihpe_ros.bags.copy import check_target
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError
from unihpe_ros.cli.main import main
from unihpe_ros.ros.camera_info import Calibration

FRAMES = 8


def tiny_models(model: Path, folder: Path) -> list[str]:
    """Return the options of `unihpe bench bag` that name tiny networks, and where to write."""
    detector = write_tiny_detector(folder)
    options = {'--model': model, '--detector': detector, '--out': folder / 'out'}
    return [str(part) for option in options.items() for part in option]


@pytest.mark.parametrize(
    'encoding',
    [('json', 'jsonschema', b'{"type": "object"}'), ('protobuf', 'protobuf', b'\xff\xfe\x00'),
     ('cdr', 'ros2msg', b'this is no definition !!'), ('cdr', 'ros2idl', b'module {')],
)  # fmt: skip
def test_topics_of_others_are_passed_over(mcap, tmp_path, encoding):
    message, schema, text = encoding
    channel: list[int] = []

    def also(writer: Writer, time: int) -> None:
        if not channel:
            kind = writer.register_schema('acme_msgs/msg/Thing', schema, text)
            channel.append(writer.register_channel('/thing', message, kind))
        writer.add_message(channel[0], time, b'{"x": 1}', time)

    reader = BagReader(rewrite(mcap, tmp_path / 'mixed.mcap', also=also))
    assert numbers(reader) == list(range(FRAMES))
    assert reader.camera is not None


@pytest.mark.parametrize(
    ('name', 'content', 'words'),
    [
        ('a.mcap', b'', 'a.mcap is empty \\(0 bytes\\)'),
        ('a.db3', b'', 'a.db3 is empty \\(0 bytes\\)'),
        ('a.mcap', b'\x89MCAP0\r\n', 'without a footer: the recorder was interrupted'),
        ('a.mcap', b'\x89MCAP0\r\n\x01', 'inside the head of a record'),
        ('a.db3', b'SQLite format 3\0', 'ends at byte 16 inside its header'),
        ('a.mcap', b'PK\x03\x04 a zip file', 'which is no recording'),
        ('a.mcap.zstd', b'\x28\xb5\x2f\xfd', 'expected a complete recording'),
        ('a.db3-wal', b'what a recorder left', 'the folder holds no .mcap or .db3 file'),
        ('metadata.yaml', b'rosbag2_bagfile_information: {}', 'the folder holds no .mcap'),
        ('notes.txt', b'hello', 'the folder holds no .mcap or .db3 file'),
    ],
)
def test_a_folder_without_a_whole_message_says_why(tmp_path, name, content, words):
    folder = tmp_path / 'bag'
    folder.mkdir()
    (folder / name).write_bytes(content)
    with pytest.raises(BagError, match=words):
        BagReader(folder)


@pytest.mark.parametrize('schema', ['', 'ros2msg', 'flatbuffer', 'omgidl', 'ros1msg'])
def test_schemas_that_are_empty_or_of_others_leave_the_images(mcap, tmp_path, schema):
    channels: list[int] = []

    def also(writer: Writer, time: int) -> None:
        if not channels:
            kind = writer.register_schema('acme/Thing', schema, b'') if schema else 0
            channels.append(writer.register_channel('/thing', schema or 'cdr', kind))
        writer.add_message(channels[0], time, b'\0\1\0\0', time)

    reader = BagReader(rewrite(mcap, tmp_path / 'odd.mcap', also=also, index=False, finish=False))
    found = numbers(reader)
    assert found == list(range(len(found)))
    assert len(found) >= FRAMES - 2


def test_links_that_lead_nowhere_or_in_a_circle_are_one_sentence(tmp_path):
    (tmp_path / 'circle.mcap').symlink_to(tmp_path / 'circle.mcap')
    (tmp_path / 'dead.mcap').symlink_to(tmp_path / 'gone.mcap')
    for name in ('circle', 'dead'):
        with pytest.raises(BagError, match=f'{name}.mcap: expected a rosbag2 folder'):
            BagReader(tmp_path / f'{name}.mcap')


def test_packed_recording_that_is_cut_off_says_so(tmp_path):
    bag = write_bag(tmp_path / 'bag', 1, kind='sqlite3 zstd')
    file = next(bag.glob('*.zstd'))
    file.write_bytes(file.read_bytes()[:200])
    with pytest.raises(BagError, match='is cut off or damaged: nothing can be unpacked'):
        BagReader(bag)


def test_messages_of_ros_1_in_an_mcap_are_read(tmp_path):
    source = write_bag(tmp_path / 'old', 4, kind='ros1', truth=False)
    path = tmp_path / 'converted.mcap'
    with path.open('wb') as file, Reader1(source) as reader:
        writer = Writer(file)
        writer.start('ros1', 'converter')
        channels = {}
        for connection, time, data in reader.messages():
            if connection.topic not in channels:
                name = connection.msgtype.replace('/msg/', '/')
                text = connection.msgdef.data.encode()
                kind = writer.register_schema(name, 'ros1msg', text)
                channels[connection.topic] = writer.register_channel(
                    connection.topic, 'ros1', kind
                )
            writer.add_message(channels[connection.topic], time, bytes(data), time)
        writer.finish()
    reader = BagReader(path)
    assert (numbers(reader), reader.notes) == ([0, 1, 2, 3], [])
    assert reader.camera is not None
    with pytest.raises(BagError, match='expected a rosbag2 to add topics to, not one of ROS 1'):
        check_target(reader, tmp_path / 'copy')


def test_a_recording_of_others_alone_says_what_it_holds(tmp_path):
    path = tmp_path / 'json.mcap'
    with path.open('wb') as file:
        writer = Writer(file)
        writer.start('', 'test')
        kind = writer.register_schema('thing', 'jsonschema', b'{}')
        writer.add_message(writer.register_channel('/thing', 'json', kind), 1, b'{}', 1)
        writer.finish()
    with pytest.raises(BagError, match=r'expected a topic of .*it holds /thing \(json\)'):
        BagReader(path)


def test_a_file_is_known_by_its_content(mcap, tmp_path):
    assert numbers(BagReader(Path(shutil.copy(mcap, tmp_path / 'recording')))) == [*range(FRAMES)]
    sqlite = data_file(write_bag(tmp_path / 'bag', 2, kind='sqlite3', truth=False))
    assert numbers(BagReader(Path(shutil.copy(sqlite, tmp_path / 'odd.mcap')))) == [0, 1]


def test_files_of_a_split_recording_are_read_by_number(mcap, tmp_path):
    folder = tmp_path / 'split'
    folder.mkdir()
    for number in (10, 9):
        source = write_bag(tmp_path / f'part{number}', 2, truth=False)
        shutil.copy(data_file(source), folder / f'split_{number}.mcap')
    (folder / 'split_11.mcap').write_bytes(b'')
    reader = BagReader(folder)
    assert reader.count == 4
    assert any('split_11.mcap' in note for note in reader.notes)


def test_a_calibration_that_is_unusable_is_noted(tmp_path, monkeypatch):
    from unihpe_ros.bags import reader as module

    refused = Calibration(None, ('camera_info: expected another lens',))
    monkeypatch.setattr(module, 'read_calibration', lambda *_, **__: refused)
    reader = BagReader(write_bag(tmp_path / 'bag', 1))
    assert reader.camera is None
    assert reader.notes == [
        '/camera/camera_info is not used: camera_info: expected another lens; '
        'a field of view is assumed instead'
    ]


def test_a_folder_is_measured_though_one_recording_is_broken(model, tmp_path, capsys):
    day = tmp_path / 'day'
    day.mkdir()
    write_bag(day / 'a', 2)
    (day / 'b.mcap').write_bytes(b'nothing that anybody recorded')
    write_bag(day / 'c', 2)
    assert main(['bench', 'bag', str(day), *tiny_models(model, tmp_path)]) == 1
    printed = capsys.readouterr()
    assert 'b.mcap: expected a complete recording' in printed.err
    report = (tmp_path / 'out/report.json').read_text()
    assert '"bag":"a"' in report
    assert '"bag":"c"' in report


def test_a_recording_of_which_no_image_can_be_read_is_a_failure(model, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', 2, truth=False)
    file = data_file(bag)
    file.write_bytes(file.read_bytes().replace(b'\x89PNG', b'\x89XXX'))
    assert main(['bench', 'bag', str(bag), *tiny_models(model, tmp_path)]) == 1
    assert 'none of 2 images on /camera/image_raw/compressed could be read' in (
        capsys.readouterr().err
    )


def test_a_calibration_of_another_size_is_scaled_to_the_images(tmp_path):
    reader = BagReader(write_bag(tmp_path / 'bag', 1))
    half = reader.camera_of((320, 240))
    assert half.K[0, 0] == pytest.approx(reader.camera.K[0, 0] / 2)
    assert reader.camera_of((640, 480)).K.tolist() == reader.camera.K.tolist()
    assert reader.camera_of((640, 100)) is None
    assert len(reader.notes) == 1


def infrared_bag(path: Path, pictures: list[np.ndarray], encoding: str) -> Path:
    """Write a recording of pictures of 16 bits."""
    types = get_typestore(Stores.ROS2_HUMBLE)
    with Bag2Writer(path, version=8, storage_plugin=StoragePlugin.MCAP) as writer:
        ours = Messages(writer, types, ros1=False)
        for number, picture in enumerate(pictures):
            msg = ours.make(
                'sensor_msgs/msg/Image', header=ours.header(number), height=picture.shape[0],
                width=picture.shape[1], encoding=encoding, is_bigendian=0,
                step=2 * picture.shape[1], data=picture.view(np.uint8).ravel(),
            )  # fmt: skip
            ours.write('/infrared/image_raw', number, msg)
    return path


@pytest.mark.parametrize('encoding', ['mono16', '16UC1'])
def test_infrared_of_twelve_bits_is_stretched_in_recordings_as_in_the_node(tmp_path, encoding):
    ramp = np.tile(np.linspace(1000, 3000, 64).astype(np.uint16), (48, 1))
    reader = BagReader(infrared_bag(tmp_path / 'bag', [ramp] * 3, encoding))
    pictures = [image.decode() for image in reader.images()]
    assert [int(pictures[-1].min()), int(pictures[-1].max())] == pytest.approx([11, 244], abs=4)
    taken = '/infrared/image_raw is 16UC1: taken for infrared pictures, not for depth'
    assert reader.notes == ([taken] if encoding == '16UC1' else [])


def test_a_recording_without_contrast_is_told_once(tmp_path):
    flat = np.full((48, 64), 2000, np.uint16)
    reader = BagReader(infrared_bag(tmp_path / 'bag', [flat] * 3, 'mono16'))
    for _ in range(2):
        assert [image.decode().shape for image in reader.images()] == [(48, 64, 3)] * 3
    (note,) = reader.notes
    assert note.startswith('/infrared/image_raw: no contrast in the last image: 99 % of')


def test_a_reader_of_sqlite3_that_stops_early_leaves_nothing_open(tmp_path, monkeypatch):
    found: list[object] = []
    monkeypatch.setattr(sys, 'unraisablehook', found.append)
    bag = write_bag(tmp_path / 'bag', 3, kind='sqlite3', truth=False)
    images = BagReader(bag).images()
    next(images)
    images.close()
    gc.collect()
    assert found == []
