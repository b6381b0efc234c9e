"""One MCAP file, read as far as it is whole: without an index, and cut off inside a chunk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from io import BytesIO
from pathlib import Path
import re
import struct
from typing import BinaryIO
from zlib import crc32

from lz4 import frame as lz4  # type: ignore[import-untyped]
from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)
from rosbags.rosbag2.storage_mcap import DECOMPRESSORS, get_qos, zstd
from unihpe_ros.bags.chunked_file import ChunkedFile, Piece
from unihpe_ros.bags.file_kinds import MCAP_MAGIC

_SCHEMA, _CHANNEL, _MESSAGE, _CHUNK, _INDEX, _CHUNK_INDEX, _STATISTICS = 3, 4, 5, 6, 7, 8, 11
_DATA_END = 15
_FOOTER_BYTES = 9 + 20 + len(MCAP_MAGIC)
# Bytes of a chunk's header: four numbers and the name of the compression.
_CHUNK_HEAD = 64
# Channel, number, time of logging and of publishing.
_MESSAGE_HEAD = 22
_FORMATS = {
    'ros1msg': MessageDefinitionFormat.MSG,
    'ros2msg': MessageDefinitionFormat.MSG,
    'ros2idl': MessageDefinitionFormat.IDL,
    'omgidl': MessageDefinitionFormat.IDL,
}


class McapFile(ChunkedFile):
    """An open MCAP file; its connections are its channels."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._schemas: dict[int, tuple[str, str, str]] = {}
        self._channels: dict[int, tuple[int, str, str, bytes]] = {}
        try:
            if not self._read_summary():
                self._scan()
        except BaseException:
            self._file.close()
            raise
        self.connections = [
            self._connection(key) for key in sorted({*self._channels, *self._counts})
        ]

    def _messages_of(
        self, piece: Piece, wanted: Collection[int]
    ) -> Iterator[tuple[int, int, bytes]]:
        for code, body in self._records_of(piece):
            if code == _MESSAGE and len(body) >= _MESSAGE_HEAD:
                channel, _, time, _ = struct.unpack_from('<HIQQ', body)
                if channel in wanted:
                    yield channel, time, bytes(body[_MESSAGE_HEAD:])

    def _connection(self, key: int) -> Connection:
        schema, topic, encoding, metadata = self._channels.get(key, (0, f'channel {key}', '', b''))
        name, kind, text = self._schemas.get(schema, ('', '', ''))
        if kind == 'ros1msg':
            # ROS 1 has no folder in the names of its types.
            name = re.sub(r'^(\w+)/(\w+)$', r'\1/msg/\2', name)
        form = _FORMATS.get(kind, MessageDefinitionFormat.NONE)
        try:
            qos = get_qos(metadata)
        except Exception:  # noqa: BLE001 - any text may be there; a copy then has the default.
            qos = []
        ext = ConnectionExtRosbag2(encoding or 'unknown', qos)
        definition = MessageDefinition(form, text if form in _FORMATS.values() else '')
        return Connection(key, topic, name, definition, '', self._counts[key], ext, self)

    def _read_summary(self) -> bool:
        """Read channels, counts and places of chunks at the end; whether all of it is there."""
        if self._size < len(MCAP_MAGIC) + _FOOTER_BYTES:
            return False
        self._file.seek(self._size - _FOOTER_BYTES)
        footer = self._file.read(_FOOTER_BYTES)
        start = int.from_bytes(footer[9:17], 'little')
        if footer[0] != 2 or not footer.endswith(MCAP_MAGIC) or not 8 < start < self._size:
            return False
        has_statistics = False
        for code, offset, length in _walk(self._file, start, self._size):
            body = _body(self._file, offset, length)
            if code == _CHUNK_INDEX and length >= 32:
                first, _, place, size = struct.unpack_from('<QQQQ', body)
                self._pieces.append(Piece(first, place + 9, size - 9))
            elif code == _STATISTICS:
                has_statistics = True
                entries = struct.iter_unpack('<HQ', body[46 : len(body) - (len(body) - 46) % 10])
                self._counts = Counter(dict(entries))
            else:
                self._note_channel(code, body)
        if has_statistics and self._pieces and set(self._counts) <= set(self._channels):
            self.ends_whole = True
            return True
        self._pieces.clear()
        self._counts.clear()
        return False

    def _scan(self) -> None:
        """Read all records; chunks without an index are opened."""
        indexed: set[int] = set()
        for code, offset, length in _walk(self._file, len(MCAP_MAGIC), self._size):
            if code == _CHUNK:
                first = int.from_bytes(_body(self._file, offset, 8), 'little')
                self._pieces.append(Piece(first, offset, length))
            elif code == _MESSAGE and length >= _MESSAGE_HEAD:
                channel, _, time = struct.unpack('<HIQ', _body(self._file, offset, 14))
                self._pieces.append(Piece(time, offset, length, is_chunk=False))
                self._counts[channel] += 1
            elif code == _INDEX and self._pieces and length >= 6:
                channel, size = struct.unpack('<HI', _body(self._file, offset, 6))
                self._counts[channel] += size // 16
                indexed.add(self._pieces[-1].offset)
            elif code == _DATA_END:
                self.ends_whole = True
            elif code in (_SCHEMA, _CHANNEL):
                self._note_channel(code, _body(self._file, offset, length))
        for piece in self._pieces:
            is_known = set(self._counts) <= set(self._channels)
            if not piece.is_chunk or (piece.offset in indexed and is_known):
                continue
            for code, body in self._records_of(piece):
                self._note_channel(code, bytes(body))
                if code == _MESSAGE and piece.offset not in indexed and len(body) >= _MESSAGE_HEAD:
                    self._counts[int.from_bytes(body[:2], 'little')] += 1

    def _records_of(self, piece: Piece) -> list[tuple[int, memoryview]]:
        """Return the whole records of a chunk, or the message that stands outside of chunks."""
        body = _body(self._file, piece.offset, piece.length)
        if not piece.is_chunk:
            return [(_MESSAGE, memoryview(body))]
        size = int.from_bytes(body[16:24], 'little')
        name = int.from_bytes(body[28:32], 'little')
        compression = bytes(body[32 : 32 + name]).decode('ascii', 'replace')
        data = body[40 + name :]
        whole = int.from_bytes(body[32 + name : 40 + name], 'little')
        try:
            content = _unpacked(data[:whole], compression, size, is_whole=len(data) >= whole)
        except Exception:  # noqa: BLE001 - decompressors raise what they like.
            self.lost_chunks += 1
            return []
        if len(data) < whole:
            self._estimate_cut(content, size)
        checksum = int.from_bytes(body[24:28], 'little')
        if checksum and len(data) >= whole and crc32(content) != checksum:
            self.doubtful_chunks += 1
        view = memoryview(content)
        walked = _walk(BytesIO(content), 0, len(content))
        return [(code, view[place : place + long]) for code, place, long in walked]

    def _estimate_cut(self, content: bytes, size: int) -> None:
        """Estimate the messages behind a cut by the mean size of those before it."""
        lengths = [
            length
            for code, _, length in _walk(BytesIO(content), 0, len(content))
            if code == _MESSAGE
        ]
        if lengths:
            mean = sum(lengths) / len(lengths) + 9
            self.cut_messages = max(round((size - sum(lengths) - 9 * len(lengths)) / mean), 1)

    def _note_channel(self, code: int, body: bytes) -> None:
        try:
            if code == _SCHEMA:
                name, at = _text(body, 2)
                kind, at = _text(body, at)
                # Protobuf's are bytes that are no text.
                self._schemas[_id(body)] = (name, kind, _text(body, at)[0])
            elif code == _CHANNEL:
                topic, at = _text(body, 4)
                encoding, at = _text(body, at)
                self._channels[_id(body)] = (_id(body[2:]), topic, encoding, body[at + 4 :])
        except (struct.error, IndexError):
            return


def _walk(file: BinaryIO, at: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Yield code, place and length of the content of records; of a chunk that is cut, its rest."""
    while at + 9 <= end:
        file.seek(at)
        code, length = struct.unpack('<BQ', file.read(9))
        at += 9
        if at + length > end:
            if code == _CHUNK and end - at > _CHUNK_HEAD:
                yield code, at, end - at
            return
        yield code, at, length
        at += length


def _unpacked(data: bytes, compression: str, size: int, *, is_whole: bool) -> bytes:
    """Return the content of a chunk; of one that is cut off, the part that can be had."""
    if is_whole:
        content = DECOMPRESSORS[compression](data, size)
        return bytes(content[:size])
    if compression == 'zstd':
        return bytes(zstd.ZstdDecompressor().decompress(data, size))
    if compression == 'lz4':
        return bytes(lz4.LZ4FrameDecompressor().decompress(data, max_length=size))
    return data if not compression else b''


def _body(file: BinaryIO, offset: int, length: int) -> bytes:
    file.seek(offset)
    return file.read(length)


def _id(body: bytes) -> int:
    return int.from_bytes(body[:2], 'little')


def _text(body: bytes, at: int) -> tuple[str, int]:
    """Return a text and where it ends."""
    (length,) = struct.unpack_from('<I', body, at)
    end = at + 4 + int(length)
    return body[at + 4 : end].decode('utf-8', 'replace'), end
