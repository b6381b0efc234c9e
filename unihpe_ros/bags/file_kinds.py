"""Which files are recordings, by their names and first bytes; needs no ROS and no rosbags."""

from __future__ import annotations

from pathlib import Path

MCAP_MAGIC = b'\x89MCAP0\r\n'
SQLITE_MAGIC = b'SQLite format 3\x00'
ROS1_MAGIC = b'#ROSBAG V'
ZSTD_MAGIC = b'\x28\xb5\x2f\xfd'
# The last is what a killed recorder of ROS 1 leaves.
BAG_SUFFIXES = ('.mcap', '.db3', '.bag', '.bag.active')
_PACKED_SUFFIXES = ('.mcap.zstd', '.db3.zstd')
_MAGICS = (MCAP_MAGIC, SQLITE_MAGIC, ROS1_MAGIC)
# Beside a sqlite3 file, not one of its own.
_JOURNAL_SUFFIXES = ('-wal', '-shm', '-journal')


def is_bag_file(path: Path) -> bool:
    """Whether a file is one of a recording, by its name or else its first bytes."""
    if not path.is_file() or path.name.endswith(_JOURNAL_SUFFIXES):
        return False
    return path.name.endswith((*BAG_SUFFIXES, *_PACKED_SUFFIXES)) or is_bag_content(path)


def is_bag_content(path: Path) -> bool:
    """Whether the first bytes of a file are those of a recording."""
    return first_bytes(path).startswith(_MAGICS)


def is_ros1_content(path: Path) -> bool:
    """Whether the first bytes of a file are those of a recording of ROS 1."""
    return first_bytes(path).startswith(ROS1_MAGIC)


def first_bytes(path: Path) -> bytes:
    """Return up to 16 bytes; none if the file cannot be read."""
    try:
        with path.open('rb') as file:
            return file.read(16)
    except OSError:
        return b''
