"""Recordings as they are found: cut off, without index or metadata, with other people's topics."""

from __future__ import annotations

from collections.abc import Callable
import gc
import io
from pathlib import Path
import shutil
import sqlite3
import sys

from bench_bags import data_file, KINDS, Messages, stamp_of, write_bag
from mcap.reader import make_reader
from mcap.writer import CompressionType, IndexType, Writer
import numpy as np
import pytest
from rosbags.rosbag1 import Reader as Reader1
from rosbags.rosbag2 import StoragePlugin, Writer as Bag2Writer
from rosbags.typesys import get_typestore, Stores
from tiny_detector import write_tiny_detector
from unihpe_ros.bags.copy import check_target
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.recording import Recording
from unihpe_ros.bags.topics import BagError
from unihpe_ros.cli.main import main
from unihpe_ros.ros.cameras import Calibration

FRAMES = 8


def numbers(reader: BagReader) -> list[int]:
    """Return which images are read, after checking that each can be decoded."""
    found = []
    for image in reader.images():
        assert image.decode().shape == (480, 640, 3)
        found.append((image.stamp - stamp_of(0)) // (stamp_of(1) - stamp_of(0)))
    return found


def rewrite(
    source: Path,
    target: Path,
    *,
    compression: CompressionType = CompressionType.ZSTD,
    chunk: int = 4000,
    finish: bool = True,
    index: bool = True,
    chunked: bool = True,
    also: Callable[[Writer, int], object] = lambda writer, number: None,
) -> Path:
    """Write the messages of an mcap file anew, with other options of the recorder."""
    buffer = io.BytesIO()
    writer = Writer(
        buffer, compression=compression, chunk_size=chunk, use_chunking=chunked,
        enable_crcs=True, index_types=IndexType.ALL if index else IndexType.NONE,
    )  # fmt: skip
    writer.start('ros2', 'test')
    channels: dict[str, int] = {}
    with source.open('rb') as file:
        for number, (schema, channel, message) in enumerate(make_reader(file).iter_messages()):
            if channel.topic not in channels:
                kind = writer.register_schema(schema.name, schema.encoding, schema.data)
                channels[channel.topic] = writer.register_channel(
                    channel.topic, channel.message_encoding, kind
                )
            also(writer, message.log_time)
            writer.add_message(
                channels[channel.topic], message.log_time, message.data, message.log_time, number
            )
    unfinished = buffer.getvalue()
    if finish:
        writer.finish()
    target.write_bytes(buffer.getvalue() if finish else unfinished)
    return target


@pytest.fixture(scope='module')
def mcap(tmp_path_factory) -> Path:
    return data_file(write_bag(tmp_path_factory.mktemp('bags') / 'bag', FRAMES))


@pytest.mark.parametrize('kind', [kind for kind in KINDS if not kind.startswith('ros1')])
@pytest.mark.parametrize('metadata', ['missing', 'no storage', 'wrong storage', 'garbage'])
def test_what_metadata_says_of_the_storage_is_not_needed(tmp_path, kind, metadata):
    bag = write_bag(tmp_path / 'bag', 2, kind=kind, truth=False)
    file = bag / 'metadata.yaml'
    text = file.read_text()
    line = next(line for line in text.splitlines() if 'storage_identifier' in line)
    other = 'sqlite3' if 'mcap' in kind else 'mcap'
    name = line.partition(':')[0]
    changed = {
        'no storage': text.replace(line, f'{name}: ""'),
        'wrong storage': text.replace(line, f'{name}: {other}'),
        'garbage': '{{{',
    }
    file.unlink()
    if metadata in changed:
        file.write_text(changed[metadata])
    reader = BagReader(bag)
    assert (reader.count, numbers(reader), reader.notes) == (2, [0, 1], [])


def test_an_mcap_without_summary_and_footer_is_read(mcap, tmp_path):
    path = rewrite(mcap, tmp_path / 'killed.mcap', finish=False)
    reader = BagReader(path)
    found = numbers(reader)
    # What the recorder had not yet written of its last chunk is gone.
    assert found == list(range(len(found)))
    assert len(found) == reader.count >= FRAMES - 2
    assert reader.camera is not None
    (note,) = reader.notes
    assert 'killed.mcap ends at byte' in note
    assert 'the recorder was interrupted; the' in note
    assert note.endswith('messages before are read, how many are lost is not known')


# Of a single compressed chunk that is cut early, nothing may be whole.
@pytest.mark.parametrize(
    ('compression', 'chunk'),
    [
        (CompressionType.NONE, 4000),
        (CompressionType.NONE, 10_000_000),
        (CompressionType.ZSTD, 4000),
        (CompressionType.LZ4, 4000),
    ],
)
@pytest.mark.parametrize('share', [0.3, 0.6, 0.95])
def test_an_mcap_is_read_up_to_where_it_is_cut(mcap, tmp_path, compression, chunk, share):
    path = rewrite(mcap, tmp_path / 'whole.mcap', compression=compression, chunk=chunk)
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    reader = BagReader(path)
    found = numbers(reader)
    assert found == list(range(reader.count))
    assert reader.count >= int(share * FRAMES) - 1
    assert 'whole.mcap ends at byte' in reader.notes[0]


# Random bytes do not compress: every block of a compressed chunk is as long as it was.
@pytest.mark.parametrize(
    'compression', [CompressionType.NONE, CompressionType.LZ4, CompressionType.ZSTD]
)
def test_of_a_chunk_that_is_cut_the_whole_messages_are_read_and_the_rest_is_counted(
    tmp_path, compression
):
    path = tmp_path / 'cut.mcap'
    noise = np.random.default_rng(1).integers(0, 256, (40, 100_000), np.uint8)
    with path.open('wb') as file:
        writer = Writer(file, compression=compression, chunk_size=10**8)
        writer.start('ros2', 'test')
        kind = writer.register_schema('std_msgs/msg/Empty', 'ros2msg', b'')
        channel = writer.register_channel('/noise', 'cdr', kind)
        for number in range(40):
            writer.add_message(channel, number, noise[number].tobytes(), number)
        writer.finish()
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with Recording(path) as recording:
        found = [data for _, _, data in recording.messages()]
        (note,) = recording.notes
    assert 17 <= len(found) <= 20
    assert found == [row.tobytes() for row in noise[: len(found)]]
    assert f'the {len(found)} messages before are read, about {40 - len(found)} more were' in note


def test_metadata_says_how_many_messages_an_unfinished_recording_has_lost(tmp_path):
    bag = write_bag(tmp_path / 'bag', FRAMES, truth=False)
    file = data_file(bag)
    whole = Recording(bag)
    expected = sum(c.msgcount for c in whole.connections)
    assert whole.notes == []
    rewrite(file, file, finish=False)
    with Recording(bag) as recording:
        lost = expected - sum(c.msgcount for c in recording.connections)
        assert (
            recording.notes[-1]
            == (f'{lost} of the {expected} messages that metadata.yaml counts are lost')
            or not lost
        )
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    with Recording(bag) as recording:
        read = sum(c.msgcount for c in recording.connections)
        assert 0 < read < expected
        assert recording.notes[-1].startswith(f'{expected - read} of the {expected} messages')


def test_an_mcap_whose_index_alone_is_cut_has_lost_nothing(mcap, tmp_path):
    path = Path(shutil.copy(mcap, tmp_path / 'index.mcap'))
    content = path.read_bytes()
    path.write_bytes(content[:-60])
    reader = BagReader(path)
    assert numbers(reader) == list(range(FRAMES))
    assert reader.notes[0].endswith('messages before are read, which are all')


def test_messages_outside_of_chunks_come_in_order(mcap, tmp_path):
    path = rewrite(mcap, tmp_path / 'plain.mcap', chunked=False, finish=False)
    assert numbers(BagReader(path)) == list(range(FRAMES))


def test_a_damaged_chunk_is_left_out_and_told(mcap, tmp_path):
    path = rewrite(mcap, tmp_path / 'damaged.mcap')
    content = bytearray(path.read_bytes())
    middle = content.index(b'\x28\xb5\x2f\xfd', len(content) // 3)
    content[middle : middle + 8] = bytes(8)
    path.write_bytes(content)
    reader = BagReader(path)
    found = numbers(reader)
    assert 0 < len(found) < FRAMES
    lost = FRAMES - len(found)
    assert reader.notes[-1] == (
        f'damaged.mcap: 1 damaged chunks with {lost} messages are left out'
    )


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


@pytest.mark.parametrize('share', [0.4, 0.9])
def test_a_sqlite3_file_is_read_up_to_where_it_is_cut(tmp_path, share):
    bag = write_bag(tmp_path / 'bag', FRAMES, kind='sqlite3', raw=True, truth=False)
    file = data_file(bag)
    content = file.read_bytes()
    file.write_bytes(content[: int(share * len(content))])
    reader = BagReader(bag)
    found = numbers(reader)
    assert found == list(range(reader.count))
    assert reader.count >= int(share * FRAMES) - 1
    assert f'ends at byte {file.stat().st_size} of {len(content)}' in reader.notes[0]


@pytest.mark.parametrize('name', ['bag', 'run 3 (Käfig) #2?'])
def test_what_a_killed_recorder_left_in_its_journal_is_read(tmp_path, name):
    bag = write_bag(tmp_path / 'bag', FRAMES, kind='sqlite3', truth=False)
    file = data_file(bag)
    base = sqlite3.connect(file)
    base.execute('PRAGMA journal_mode = WAL')
    rows = base.execute('SELECT topic_id, timestamp, data FROM messages').fetchall()
    base.execute('DELETE FROM messages')
    base.commit()
    base.execute('PRAGMA wal_checkpoint(TRUNCATE)')
    base.executemany('INSERT INTO messages(topic_id, timestamp, data) VALUES (?, ?, ?)', rows)
    base.commit()
    killed = tmp_path / name / 'killed'
    killed.mkdir(parents=True)
    for left in (file, Path(f'{file}-wal')):
        shutil.copy(left, killed)
    base.close()
    before = {path: path.read_bytes() for path in killed.iterdir()}
    assert numbers(BagReader(killed)) == list(range(FRAMES))
    assert {path: path.read_bytes() for path in killed.iterdir()} == before


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
    detector = write_tiny_detector(tmp_path)
    arguments = [
        '--model',
        str(model),
        '--detector',
        str(detector),
        '--out',
        str(tmp_path / 'out'),
    ]
    assert main(['bench', 'bag', str(day), *map(str, arguments)]) == 1
    printed = capsys.readouterr()
    assert 'b.mcap: expected a complete recording' in printed.err
    report = (tmp_path / 'out/report.json').read_text()
    assert '"bag":"a"' in report
    assert '"bag":"c"' in report


def test_a_recording_of_which_no_image_can_be_read_is_a_failure(model, tmp_path, capsys):
    bag = write_bag(tmp_path / 'bag', 2, truth=False)
    file = data_file(bag)
    file.write_bytes(file.read_bytes().replace(b'\x89PNG', b'\x89XXX'))
    detector = write_tiny_detector(tmp_path)
    arguments = [
        '--model',
        str(model),
        '--detector',
        str(detector),
        '--out',
        str(tmp_path / 'out'),
    ]
    assert main(['bench', 'bag', str(bag), *map(str, arguments)]) == 1
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
