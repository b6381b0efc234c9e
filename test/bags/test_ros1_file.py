"""Recordings of ROS 1 that are cut off, unfinished, damaged or odd."""

from __future__ import annotations

import bz2
from collections.abc import Iterator
from pathlib import Path
import struct

from bench_bags import write_bag
from lz4 import frame as lz4
import numpy as np
import pytest
from rewritten_recordings import numbers
from rosbags.rosbag1 import Reader
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.recording import Recording
from unihpe_ros.bags.topics import BagError
from unihpe_ros.bench.recordings.sources import find_bags
from unihpe_ros.run.inputs.choose import InputOptions, open_input

FRAMES = 8
# Of random damage.
ROUNDS = 8
PACKERS = {'none': bytes, 'bz2': bz2.compress, 'lz4': lz4.compress}


def record(fields: dict[str, bytes], data: bytes) -> bytes:
    head = b''.join(
        struct.pack('<I', len(name) + 1 + len(value)) + name.encode() + b'=' + value
        for name, value in fields.items()
    )
    return struct.pack('<I', len(head)) + head + struct.pack('<I', len(data)) + data


def recorded(source: Path, per_chunk: int) -> Iterator[tuple[bytes, list[bytes], int]]:
    """Yield connection records and message records of each chunk, and how many messages."""
    with Reader(source) as bag:
        known: set[int] = set()
        connections: list[bytes] = []
        messages: list[bytes] = []
        for connection, time, data in bag.messages():
            if connection.id not in known:
                known.add(connection.id)
                about = {
                    'topic': connection.topic.encode(),
                    'type': connection.msgtype.replace('/msg/', '/').encode(),
                    'md5sum': connection.digest.encode(),
                    'message_definition': connection.msgdef.data.encode(),
                }
                fields = {
                    'op': b'\x07',
                    'conn': struct.pack('<I', connection.id),
                    'topic': connection.topic.encode(),
                }
                connections.append(record(fields, record(about, b'')[4:-4]))
            stamp = struct.pack('<II', *divmod(time, 10**9))
            fields = {'op': b'\x02', 'conn': struct.pack('<I', connection.id), 'time': stamp}
            messages.append(record(fields, data))
            if len(messages) == per_chunk:
                yield b''.join(connections), messages, len(messages)
                connections, messages = [], []
        if messages:
            yield b''.join(connections), messages, len(messages)


def kill_recorder(source: Path, target: Path, compression: str, per_chunk: int = 6) -> Path:
    """Write what a killed recorder leaves: no index, and the last chunk says to be empty."""
    header = {
        'op': b'\x03', 'index_pos': bytes(8), 'conn_count': bytes(4), 'chunk_count': bytes(4)
    }  # fmt: skip
    parts = [b'#ROSBAG V2.0\n', record(header, b' ' * 4000)]
    chunks = list(recorded(source, per_chunk))
    for number, (connections, messages, _) in enumerate(chunks):
        content = connections + b''.join(messages)
        packed = PACKERS[compression](content)
        is_open = number == len(chunks) - 1
        fields = {
            'op': b'\x05',
            'compression': compression.encode(),
            'size': struct.pack('<I', 0 if is_open else len(content)),
        }
        chunk = record(fields, b'' if is_open else packed)
        # Of the open chunk the end was not yet on the disk.
        parts.append(chunk + (packed[: 4 * len(packed) // 5] if is_open else b''))
    target.write_bytes(b''.join(parts))
    return target


@pytest.fixture(scope='module')
def bags(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return recordings of eight raw images in four chunks, by their compression."""
    folder = tmp_path_factory.mktemp('bags')
    return {
        kind: write_bag(folder / kind.replace(' ', '_'), FRAMES, kind=kind, raw=True, truth=False)
        for kind in ('ros1', 'ros1 lz4', 'ros1 bz2')
    }


@pytest.mark.parametrize('kind', ['ros1', 'ros1 lz4', 'ros1 bz2'])
@pytest.mark.parametrize('share', [0.6, 0.9])
def test_a_bag_of_ros_1_is_read_up_to_where_it_is_cut(bags, tmp_path, kind, share):
    content = bags[kind].read_bytes()
    with Reader(bags[kind]) as bag:
        chunks = [info.pos for info in bag.chunk_infos]
    # Between the first and the third quarter, inside a chunk.
    cut = chunks[0] + int(share * (chunks[-1] - chunks[0]))
    path = tmp_path / 'cut.bag'
    path.write_bytes(content[:cut])
    whole = 2 * sum(place < cut for place in chunks[1:])
    reader = BagReader(path)
    found = numbers(reader)
    assert found == list(range(reader.count))
    assert whole <= reader.count <= FRAMES
    assert reader.camera is not None
    with Recording(path) as recording:
        read = sum(c.msgcount for c in recording.connections)
    (note,) = reader.notes
    assert note.startswith(f'cut.bag ends at byte {cut} inside the chunk that begins at byte ')
    assert note.endswith('more were in the part that is lost')
    assert f'; the {read} messages before are read, about ' in note
    assert int(note.rpartition('about ')[2].split()[0]) == pytest.approx(2 * FRAMES - read, abs=2)


@pytest.mark.parametrize('compression', list(PACKERS))
def test_what_a_killed_recorder_of_ros_1_leaves_is_read(bags, tmp_path, compression):
    path = kill_recorder(bags['ros1'], tmp_path / 'walk.bag.active', compression)
    reader = BagReader(path)
    found = numbers(reader)
    # The first two chunks hold six images, the open one two.
    assert found == list(range(reader.count))
    assert reader.count in ((7,) if compression == 'none' else (6, 7))
    assert reader.notes[0].startswith('walk.bag.active ')
    assert reader.notes[0].endswith('messages before are read, how many are lost is not known')
    assert find_bags(tmp_path) == {'walk.bag.active': path}
    frames = list(open_input(str(path), InputOptions()).frames())
    assert len(frames) == reader.count


@pytest.mark.parametrize('kind', ['ros1', 'ros1 lz4', 'ros1 bz2'])
def test_without_an_index_all_is_read_whatever_the_file_is_called(bags, tmp_path, kind):
    content = bytearray(bags[kind].read_bytes())
    at = content.index(b'index_pos=') + len(b'index_pos=')
    end = int.from_bytes(content[at : at + 8], 'little')
    content[at : at + 8] = bytes(8)
    path = tmp_path / 'copied'
    path.write_bytes(content[:end])
    reader = BagReader(path)
    assert numbers(reader) == list(range(FRAMES))
    assert 'copied has no index' in reader.notes[0]
    assert reader.notes[0].endswith(f'the {2 * FRAMES} messages before are read, which are all')


def test_a_damaged_chunk_of_ros_1_is_left_out_and_counted(bags, tmp_path):
    content = bytearray(bags['ros1 bz2'].read_bytes())
    with Reader(bags['ros1 bz2']) as bag:
        place = bag.chunk_infos[1].pos
    at = content.index(b'BZh', place)
    content[at : at + 20] = bytes(20)
    path = tmp_path / 'damaged.bag'
    path.write_bytes(content)
    reader = BagReader(path)
    assert numbers(reader) == [0, 1, 4, 5, 6, 7]
    assert reader.notes == ['damaged.bag: 1 damaged chunks with 2 messages are left out']


def test_behind_a_damaged_header_the_index_still_leads_to_the_rest(bags, tmp_path):
    content = bytearray(bags['ros1'].read_bytes())
    with Reader(bags['ros1']) as bag:
        place = bag.chunk_infos[1].pos
    content[place : place + 4] = b'\xff' * 4
    path = tmp_path / 'damaged.bag'
    path.write_bytes(content)
    assert numbers(BagReader(path)) == [0, 1, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        (b'V2.0', b'V1.2', 'expected version V2.0 of the format; got V1.2'),
        (b'chunk_count=', b'encryptor=ab', 'expected a recording that is not encrypted'),
    ],
)
def test_other_versions_and_encryption_are_named(bags, tmp_path, old, new, words):
    path = tmp_path / 'other.bag'
    path.write_bytes(bags['ros1'].read_bytes().replace(old, new, 1))
    with pytest.raises(BagError, match=f'other.bag: {words}'):
        BagReader(path)


def test_random_damage_of_ros_1_ends_in_images_or_in_a_named_error(bags, tmp_path):
    rng = np.random.default_rng(3)
    content = bags['ros1 bz2'].read_bytes()
    path = tmp_path / 'flipped.bag'
    read, refused = 0, []
    for _ in range(ROUNDS):
        changed = bytearray(content)
        for at in rng.integers(0, len(content), 4):
            changed[at] = rng.integers(0, 256)
        path.write_bytes(changed)
        try:
            read += sum(image.size > 0 for image in BagReader(path).images())
        except BagError as error:
            refused.append(str(error))
    assert read > 2 * ROUNDS
    assert all(str(path) in words for words in refused)
