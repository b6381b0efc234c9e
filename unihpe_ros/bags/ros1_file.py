"""One recording of ROS 1, read as far as it is whole: unfinished, without an index, or cut off."""

from __future__ import annotations

from bz2 import BZ2Decompressor
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
import struct
from typing import BinaryIO

from lz4.frame import LZ4FrameDecompressor  # type: ignore[import-untyped]
from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)
from rosbags.typesys.msg import normalize_msgtype
from unihpe_ros.bags.chunked_file import ChunkedFile, Piece
from unihpe_ros.bags.file_kinds import first_bytes

_MAGIC = b'#ROSBAG V2.0\n'
_MESSAGE, _BAG, _INDEX, _CHUNK, _CHUNK_INFO, _CONNECTION = 2, 3, 4, 5, 6, 7
# Headers hold some numbers and names; what says to be longer is no header.
_MOST_HEADER = 1 << 20
# An open chunk does not say its size; those of rosbag have 768 kB and one message more.
_MOST_CONTENT = 1 << 30
_TIMES = struct.Struct('<III')


class Ros1File(ChunkedFile):
    """
    An open recording of ROS 1.

    A recorder that was killed leaves no index, and its last chunk says to be of length 0.

    Raises
    ------
    ValueError
        If it is of another version, or encrypted.

    """

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._topics: dict[int, Connection] = {}
        # Which topics are in the chunk at a byte, as far as an index says it.
        self._topics_in: dict[int, set[int]] = defaultdict(set)
        self._lost: set[int] = set()
        try:
            self._read(path)
        except BaseException:
            self._file.close()
            raise

    def _read(self, path: Path) -> None:
        if not first_bytes(path).startswith(_MAGIC):
            version = first_bytes(path)[8:12].decode('ascii', 'replace')
            raise ValueError(f'{path.name}: expected version V2.0 of the format; got {version}')
        header = next((one[0] for one in _walk(self._file, len(_MAGIC), self._size)), {})
        if header.get('encryptor'):
            raise ValueError(f'{path.name}: expected a recording that is not encrypted')
        chunks = _number(header, 'chunk_count')
        if not self._read_index(_number(header, 'index_pos'), chunks):
            self._scan(chunks)
        self.connections = [
            self._connection(key) for key in sorted({*self._topics, *self._counts})
        ]

    def _messages_of(
        self, piece: Piece, wanted: Collection[int]
    ) -> Iterator[tuple[int, int, bytes]]:
        topics = self._topics_in.get(piece.offset)
        if topics is not None and not topics & {*wanted}:
            return
        for fields, body in self._records_of(piece):
            topic = _number(fields, 'conn')
            if _code(fields) == _MESSAGE and topic in wanted:
                yield topic, _time(fields, 'time'), bytes(body)

    def _connection(self, key: int) -> Connection:
        unknown = Connection(
            key, f'connection {key}', '', MessageDefinition(MessageDefinitionFormat.NONE, ''), '',
            0, ConnectionExtRosbag2('unknown', []), self,
        )  # fmt: skip
        known = self._topics.get(key, unknown)
        return Connection(*known[:5], self._counts[key], *known[6:])

    def _read_index(self, start: int, chunks: int) -> bool:
        """Read topics, counts and places of chunks at the end; whether all of it is there."""
        if not len(_MAGIC) < start < self._size:
            return False
        for fields, _, offset, length in _walk(self._file, start, self._size):
            body = self._body(offset, length)
            if _code(fields) == _CONNECTION:
                self._note_topic(fields, body)
            elif _code(fields) == _CHUNK_INFO:
                place = _number(fields, 'chunk_pos')
                self._pieces.append(Piece(_time(fields, 'start_time'), place, 0))
                for topic, count in struct.iter_unpack('<II', body[: len(body) // 8 * 8]):
                    self._counts[topic] += count
                    self._topics_in[place].add(topic)
        if len(self._pieces) == chunks and set(self._counts) <= set(self._topics):
            self.ends_whole = True
            return True
        self._pieces.clear()
        self._counts.clear()
        self._topics_in.clear()
        return False

    def _scan(self, chunks: int) -> None:
        """Read all records; chunks without an index, and the last, are opened."""
        found: list[int] = []
        firsts: dict[int, int] = {}
        counts: dict[int, Counter[int]] = defaultdict(Counter)
        for fields, start, offset, length in _walk(self._file, len(_MAGIC), self._size):
            code = _code(fields)
            if code == _CHUNK:
                found.append(start)
            elif code == _MESSAGE:
                self._pieces.append(Piece(_time(fields, 'time'), start, length, is_chunk=False))
                self._counts[_number(fields, 'conn')] += 1
            elif code == _CONNECTION:
                self._note_topic(fields, self._body(offset, length))
            elif code == _INDEX and found:
                times = list(_TIMES.iter_unpack(self._body(offset, length // 12 * 12)))
                counts[found[-1]][_number(fields, 'conn')] += len(times)
                first = min((s * 10**9 + ns for s, ns, _ in times), default=0)
                firsts[found[-1]] = min(firsts.get(found[-1], first), first)
        for start in found:
            # The index behind the last chunk may be cut; topics are named where they begin.
            if start == found[-1] or not set(counts.get(start, {-1: 0})) <= set(self._topics):
                firsts[start], counts[start] = self._open_chunk(start)
            self._topics_in[start] = set(counts[start])
            self._counts += counts[start]
            self._pieces.append(Piece(firsts[start], start, 0))
        # Of a cut chunk nothing may have been readable.
        whole = [start for start in found if counts[start]]
        self.ends_whole = 0 < chunks <= len(whole) and not self.cut_messages
        if whole and chunks > len(whole):
            mean = sum(counts[start].total() for start in whole) / len(whole)
            self.cut_messages += round(mean * (chunks - len(whole)))

    def _open_chunk(self, start: int) -> tuple[int, Counter[int]]:
        """Return time of the first message (ns) and number of messages by topic; note topics."""
        counts: Counter[int] = Counter()
        times = []
        for fields, body in self._records_of(Piece(0, start, 0)):
            if _code(fields) == _CONNECTION:
                self._note_topic(fields, bytes(body))
            elif _code(fields) == _MESSAGE:
                counts[_number(fields, 'conn')] += 1
                times.append(_time(fields, 'time'))
        return min(times, default=0), counts

    def _records_of(self, piece: Piece) -> list[tuple[dict[str, bytes], memoryview]]:
        """Return the whole records of a chunk, or the message that stands outside of chunks."""
        record = next(_walk(self._file, piece.offset, self._size), None)
        code = None if record is None else _code(record[0])
        if record is None or code not in (_CHUNK, _MESSAGE):
            self._lose(piece.offset)
            return []
        fields, _, offset, length = record
        data = self._body(offset, length)
        if code == _MESSAGE:
            return [(fields, memoryview(data))]
        size = _number(fields, 'size')
        try:
            content = _unpacked(data, fields.get('compression', b''), size or _MOST_CONTENT)
        except Exception:  # noqa: BLE001 - decompressors raise what they like.
            self._lose(piece.offset)
            return []
        view = memoryview(content)
        found = [
            (inner, view[place : place + long])
            for inner, _, place, long in _walk(BytesIO(content), 0, len(content))
        ]
        if len(data) < length:
            self._estimate_cut([len(b) for f, b in found if _code(f) == _MESSAGE], size)
        return found

    def _estimate_cut(self, lengths: list[int], size: int) -> None:
        """Estimate the messages behind a cut by the mean size of those before it."""
        if lengths:
            mean = sum(lengths) / len(lengths)
            self.cut_messages = max(round((size - sum(lengths)) / mean), 1)

    def _lose(self, offset: int) -> None:
        self._lost.add(offset)
        self.lost_chunks = len(self._lost)

    def _note_topic(self, fields: dict[str, bytes], body: bytes) -> None:
        about = _fields(body)
        name = '/'.join(filter(None, _text(fields, 'topic').split('/')))
        topic = f'/{name}' if _text(fields, 'topic').startswith('/') else name
        text = MessageDefinition(MessageDefinitionFormat.MSG, _text(about, 'message_definition'))
        key, kind = _number(fields, 'conn'), normalize_msgtype(_text(about, 'type'))
        ext = ConnectionExtRosbag2('ros1', [])
        self._topics[key] = Connection(
            key, topic, kind, text, _text(about, 'md5sum'), 0, ext, self
        )

    def _body(self, offset: int, length: int) -> bytes:
        self._file.seek(offset)
        return self._file.read(min(length, self._size - offset))


def _walk(file: BinaryIO, at: int, end: int) -> Iterator[tuple[dict[str, bytes], int, int, int]]:
    """Yield header, place, and place and length of the content of records; of a cut one, none."""
    while at + 8 <= end:
        file.seek(at)
        size = int.from_bytes(file.read(4), 'little')
        if size > _MOST_HEADER or at + 8 + size > end:
            return
        fields = _fields(file.read(size))
        length = int.from_bytes(file.read(4), 'little')
        start, at = at, at + 8 + size
        is_chunk = _code(fields) == _CHUNK
        if is_chunk and not length and fields.get('compression') != b'none':
            # A chunk that the recorder did not finish: the rest of the file is its content.
            length = end - at
        if at + length > end and not is_chunk:
            return
        yield fields, start, at, length
        at += length


def _fields(data: bytes) -> dict[str, bytes]:
    """Return the values of a header by name, as far as it is whole."""
    found: dict[str, bytes] = {}
    at = 0
    while at + 4 <= len(data):
        size = int.from_bytes(data[at : at + 4], 'little')
        name, _, value = data[at + 4 : at + 4 + size].partition(b'=')
        found[name.decode('ascii', 'replace')] = value
        at += 4 + size
    return found


def _unpacked(data: bytes, compression: bytes, size: int) -> bytes:
    """Return the content of a chunk; of one that is cut off, the part that can be had."""
    if compression == b'bz2':
        return BZ2Decompressor().decompress(data, max_length=size)
    if compression == b'lz4':
        return bytes(LZ4FrameDecompressor().decompress(data, max_length=size))
    if compression != b'none':
        raise ValueError(f'compression {compression!r}')
    return data


def _code(fields: dict[str, bytes]) -> int:
    return _number(fields, 'op')


def _number(fields: dict[str, bytes], name: str) -> int:
    return int.from_bytes(fields.get(name, b''), 'little')


def _time(fields: dict[str, bytes], name: str) -> int:
    """Return a time, ns."""
    value = fields.get(name, b'')
    return int.from_bytes(value[:4], 'little') * 10**9 + int.from_bytes(value[4:8], 'little')


def _text(fields: dict[str, bytes], name: str) -> str:
    return fields.get(name, b'').decode('utf-8', 'replace')
