"""Recordings that are cut, damaged, or left by a killed recorder."""

from __future__ import annotations

from pathlib import Path
import shutil
import sqlite3

from bench_bags import data_file, KINDS, write_bag
from mcap.writer import CompressionType, Writer
import numpy as np
import pytest
from rewritten_recordings import numbers, rewrite
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.recording import Recording

FRAMES = 8


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
