"""Messages about the place where a recording's file is cut off or damaged."""

from __future__ import annotations

from pathlib import Path
import sqlite3
import struct
from typing import BinaryIO

from rosbags.rosbag2 import storage_mcap
from unihpe_ros.bags.file_kinds import MCAP_MAGIC, ROS1_MAGIC, SQLITE_MAGIC
from unihpe_ros.bags.topics import BagError

# Errors of rosbags and its libraries for files that are cut off or damaged.
DAMAGE = (
    *(sqlite3.Error, struct.error),
    # Python's own from 3.14 on, a backport before; rosbags knows which.
    storage_mcap.zstd.ZstdError,
    *(OSError, EOFError, RuntimeError, AssertionError, LookupError, TypeError, ValueError),
    *(AttributeError, NotImplementedError, MemoryError, OverflowError),
)
_ROS1 = ROS1_MAGIC + b'2.0\n'
_MCAP_NAMES = {1: 'header', 3: 'schema', 4: 'channel', 5: 'message', 6: 'chunk', 15: 'data end'}
_MCAP_FOOTER = 2
_ROS1_HEADER, _ROS1_CHUNK = 3, 5
_ROS1_NAMES = {2: 'message', _ROS1_HEADER: 'bag header', 4: 'index', _ROS1_CHUNK: 'chunk'}
_FILES = ('*.mcap', '*.db3', '*.zstd')


def damaged(path: Path, error: BaseException, place: str = '') -> BagError:
    """
    Return an error with the place of the damage in a recording.

    Parameters
    ----------
    path : Path
        The recording.
    error : BaseException
        What was raised while it was read, one of DAMAGE.
    place : str
        The message that was being read, if it is known.

    """
    reason = ' '.join(str(error).split()) or type(error).__name__
    where = describe_damage(path) or reason
    at = f' at {place}' if place else ''
    return BagError(f'{path}: expected a complete recording; broken{at}: {where}')


def describe_damage(path: Path) -> str:
    """
    Return the file and the byte at which a recording ends too early, in words.

    Parameters
    ----------
    path : Path
        Bag that could not be read: a file, or the folder of a rosbag2.

    Returns
    -------
    str
        Empty if all records of all files are whole.

    """
    if not path.is_dir():
        return _describe_file(path)
    files = sorted(file for pattern in _FILES for file in path.glob(pattern))
    if not files:
        return 'the folder holds no .mcap or .db3 file'
    return '; '.join(filter(None, map(_describe_file, files)))


def _describe_file(path: Path) -> str:
    try:
        size = path.stat().st_size
        with path.open('rb') as file:
            found = _walk(path, file, size)
    except OSError as error:
        return str(error)
    return f'{path.name} {found}' if found else ''


def _walk(path: Path, file: BinaryIO, size: int) -> str:
    head = file.read(16)
    if not head:
        return 'is empty (0 bytes)'
    if head.startswith(MCAP_MAGIC):
        return _walk_mcap(file, size)
    if head.startswith(_ROS1):
        return _walk_ros1(file, size)
    if head.startswith(SQLITE_MAGIC):
        return _measure_sqlite(file, size)
    if path.suffix == '.zstd' or head.startswith(ROS1_MAGIC):
        return ''
    return f'begins at byte 0 with {head[:8].hex(" ")!r}, which is no recording'


def _walk_mcap(file: BinaryIO, size: int) -> str:
    at = len(MCAP_MAGIC)
    while at < size:
        file.seek(at)
        head = file.read(9)
        if len(head) < 9:
            return f'ends at byte {size} inside the head of a record'
        code, length = struct.unpack('<BQ', head)
        name = _MCAP_NAMES.get(code, 'record')
        if at + 9 + length > size:
            return f'ends at byte {size} inside the {name} that begins at byte {at}'
        at += 9 + length
        if code == _MCAP_FOOTER:
            return (
                ''
                if size >= at + len(MCAP_MAGIC)
                else f'ends at byte {size} before the last magic'
            )
    return f'ends at byte {size} without a footer: the recorder was interrupted'


def _walk_ros1(file: BinaryIO, size: int) -> str:
    at = len(_ROS1)
    unfinished = False
    while at < size:
        start, fields = at, b''
        for part in range(2):
            file.seek(at)
            head = file.read(4)
            length = struct.unpack('<I', head)[0] if len(head) == 4 else size
            if at + 4 + length > size:
                name = _ROS1_NAMES.get(_ros1_operation(fields), 'record')
                return f'ends at byte {size} inside the {name} that begins at byte {start}'
            fields = file.read(length) if part == 0 else fields
            at += 4 + length
        if _ros1_operation(fields) == _ROS1_HEADER:
            unfinished = b'index_pos=' + bytes(8) in fields
    if unfinished:
        place = f'index_pos is 0 in the bag header at byte {len(_ROS1)}'
        return f'has no index ({place}): the recorder was interrupted'
    return ''


def _ros1_operation(fields: bytes) -> int:
    at = fields.find(b'op=')
    return fields[at + 3] if 0 <= at < len(fields) - 3 else 0


def _measure_sqlite(file: BinaryIO, size: int) -> str:
    file.seek(0)
    head = file.read(32)
    if len(head) < 32:
        return f'ends at byte {size} inside its header'
    page = int.from_bytes(head[16:18], 'big')
    expected = (65536 if page == 1 else page) * int.from_bytes(head[28:32], 'big')
    return f'ends at byte {size} of {expected}' if size < expected else ''
