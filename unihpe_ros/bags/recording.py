"""Reader of a recording of one or many files, as far as they are undamaged."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator
from contextlib import ExitStack
import heapq
from pathlib import Path
import re
from tempfile import TemporaryDirectory
from types import TracebackType
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat
from rosbags.rosbag2.storage_mcap import zstd
from rosbags.serde import SerdeError
from rosbags.typesys import get_types_from_idl, get_types_from_msg, get_typestore, Stores
from rosbags.typesys.store import Typestore
from unihpe_ros.bags.chunked_file import ChunkedFile
from unihpe_ros.bags.damage import DAMAGE, damaged, describe_damage
from unihpe_ros.bags.file_kinds import (
    first_bytes,
    is_bag_file,
    is_ros1_content,
    MCAP_MAGIC,
    ROS1_MAGIC,
    SQLITE_MAGIC,
    ZSTD_MAGIC,
)
from unihpe_ros.bags.mcap_file import McapFile
from unihpe_ros.bags.ros1_file import Ros1File
from unihpe_ros.bags.sqlite_file import SqliteFile
import yaml

_COPY_BYTES = 1 << 20
# Types that we read, and that are alike in all releases: their definition in the recording, which
# may be damaged, is not needed.
_STABLE = (
    *(f'sensor_msgs/msg/{name}' for name in ('Image', 'CompressedImage', 'CameraInfo')),
    *(f'sensor_msgs/msg/{name}' for name in ('RegionOfInterest', 'PointCloud2', 'PointField')),
    *('std_msgs/msg/Header', 'builtin_interfaces/msg/Time'),
)


class Recording:
    """
    An open recording of ROS 2, or of ROS 1.

    Parameters
    ----------
    path : Path
        A file, or a folder of those of ROS 2. The format is read from their first bytes: after a
        crash, metadata.yaml is often missing or wrong, so it is not used.

    Attributes
    ----------
    connections : list[Connection]
        Topics whose messages are CDR, or those of ROS 1, which converters of its bags keep, with
        the number of messages that can be read.
    others : dict[str, str]
        Topics of other encodings, such as JSON or Protobuf, to the encoding.
    notes : list[str]
        The parts that cannot be read, and why.
    typestore : Typestore
        The types of the messages that are known.
    is_ros1 : bool
        Whether the messages are those of ROS 1.

    Raises
    ------
    BagError
        If nothing can be read.

    """

    def __init__(self, path: Path) -> None:
        self.connections: list[Connection] = []
        self.others: dict[str, str] = {}
        self.notes: list[str] = []
        self._path = path
        self._files: dict[Path, ChunkedFile | SqliteFile] = {}
        self._open = ExitStack()
        try:
            self._open_files()
            self.typestore = self._types()
        except BaseException:
            self._open.close()
            raise

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open.close()

    def deserialize(self, data: bytes, kind: str) -> Any:
        """Return the message in some bytes."""
        try:
            if self.is_ros1:
                return self.typestore.deserialize_ros1(data, kind)
            return self.typestore.deserialize_cdr(data, kind)
        except SerdeError as error:
            raise ValueError(f'expected a {kind}; {error}') from error

    def messages(
        self, connections: Collection[Connection] = ()
    ) -> Iterator[tuple[Connection, int, bytes]]:
        """Yield topic, time of reception (ns) and bytes of messages, in order of time."""
        wanted: dict[Any, dict[int, Connection]] = defaultdict(dict)
        for connection in connections or self.connections:
            wanted[connection.owner][connection.id] = connection
        streams = [_read(file, by_id) for file, by_id in wanted.items()]
        yield from heapq.merge(*streams, key=lambda item: item[1])
        for path, file in self._files.items():
            if isinstance(file, ChunkedFile) and file.lost_chunks:
                lost = f' with {file.lost_messages} messages' if file.lost_messages else ''
                self.notes.append(
                    f'{path.name}: {file.lost_chunks} damaged chunks{lost} are left out'
                )
            if isinstance(file, ChunkedFile) and file.doubtful_chunks:
                self.notes.append(
                    f'{path.name}: {file.doubtful_chunks} chunks fail their checksum'
                )

    def _open_files(self) -> None:
        failures: dict[Path, BaseException] = {}
        for path in self._paths():
            try:
                self._files[path] = self._open_file(path)
            except DAMAGE as error:
                failures[path] = error
        found = [c for file in self._files.values() for c in file.connections]
        is_empty = not any(c.msgcount for c in found)
        if not self._files or (is_empty and (failures or self._is_broken())):
            cause = next(iter(failures.values()), ValueError('it holds no messages'))
            raise damaged(self._path, cause)
        used = [c for c in found if c.msgcount] or found
        encodings = Counter(c.ext.serialization_format for c in used)
        self.is_ros1 = encodings['ros1'] > encodings['cdr']
        wanted = 'ros1' if self.is_ros1 else 'cdr'
        self.connections = [c for c in found if c.ext.serialization_format == wanted]
        self.others = {
            c.topic: c.ext.serialization_format for c in found if c not in self.connections
        }
        self.notes += [f'{path.name} can not be read: {cause}' for path, cause in failures.items()]
        expected = expected_messages(self._path)
        for path, file in self._files.items():
            where = describe_damage(path)
            if where or (isinstance(file, SqliteFile) and file.is_cut):
                count = sum(c.msgcount for c in file.connections)
                self.notes.append(
                    f'{where or path.name + " lacks pages"}; the {count} messages before are read'
                    f'{_behind_cut(file, is_counted=expected > 0)}'
                )
        count = sum(c.msgcount for c in found)
        if count < expected:
            self.notes.append(
                f'{expected - count} of the {expected} messages that metadata.yaml counts are lost'
            )

    def _is_broken(self) -> bool:
        return any(describe_damage(path) for path in self._paths())

    def _paths(self) -> list[Path]:
        if self._path.is_file():
            return [self._path]
        files = [file for file in self._path.iterdir() if file.is_file()]
        # In the order of their number, so that 10 is after 9.
        # Those of ROS 1 stand alone.
        of_ros2 = (file for file in files if is_bag_file(file) and not is_ros1_content(file))
        return sorted(of_ros2, key=_order)

    def _open_file(self, path: Path) -> ChunkedFile | SqliteFile:
        head = first_bytes(path)
        if head.startswith(ZSTD_MAGIC):
            packed, path = path, self._unpacked(path)
            head = first_bytes(path)
            if not head:
                raise ValueError(f'{packed.name} is cut off or damaged: nothing can be unpacked')
        if head.startswith(SQLITE_MAGIC):
            opened: ChunkedFile | SqliteFile = SqliteFile(path)
        elif head.startswith(MCAP_MAGIC):
            opened = McapFile(path)
        elif head.startswith(ROS1_MAGIC):
            opened = Ros1File(path)
        else:
            raise ValueError(f'{path.name} is neither MCAP nor sqlite3 nor of ROS 1')
        self._open.callback(opened.close)
        return opened

    def _unpacked(self, path: Path) -> Path:
        """Return an unpacked copy of a file that was compressed as a whole."""
        folder = self._open.enter_context(TemporaryDirectory(prefix='unihpe_bag_'))
        target = Path(folder, path.stem)
        with path.open('rb') as packed, target.open('wb') as file:
            unpacker = zstd.ZstdFile(packed)
            try:
                while part := unpacker.read(_COPY_BYTES):
                    file.write(part)
            except (EOFError, zstd.ZstdError) as error:
                self.notes.append(f'{path.name} is cut off or damaged: {error}')
        return target

    def _types(self) -> Typestore:
        """Return the types of our release, and over them those that the recording defines."""
        # sqlite3 recordings before Iron contain no message definitions.
        release = Stores.ROS1_NOETIC if self.is_ros1 else Stores.ROS2_HUMBLE
        known = dict(get_typestore(release).fielddefs)
        defined = dict(known)
        for connection in self.connections:
            try:
                defined.update(_definitions(connection))
            except Exception:  # noqa: BLE001 - somebody else's type, of which we need nothing.
                self.notes.append(f'{connection.topic}: {connection.msgtype} is not understood')
        defined.update({name: known[name] for name in _STABLE})
        for types in (defined, known):
            store = get_typestore(Stores.EMPTY)
            try:
                store.register(types)
            except Exception:  # noqa: BLE001 - as above.
                continue
            break
        return store


def _read(
    file: ChunkedFile | SqliteFile, by_id: dict[int, Connection]
) -> Iterator[tuple[Connection, int, bytes]]:
    for number, time, data in file.messages(by_id):
        # CDR begins with a zero byte; a message that rosbag2 has compressed does not.
        plain = zstd.decompress(data) if data[:4] == ZSTD_MAGIC else data
        yield by_id[number], time, plain


def _behind_cut(file: ChunkedFile | SqliteFile, *, is_counted: bool) -> str:
    if isinstance(file, ChunkedFile) and file.ends_whole:
        return ', which are all'
    if is_counted:
        return ''
    if isinstance(file, ChunkedFile) and file.cut_messages:
        return f', about {file.cut_messages} more were in the part that is lost'
    return ', how many are lost is not known'


def expected_messages(path: Path) -> int:
    """Return how many messages metadata.yaml counts in a folder; 0 if it does not say."""
    try:
        content = yaml.safe_load((path / 'metadata.yaml').read_text(encoding='utf-8'))
        return int(content['rosbag2_bagfile_information']['message_count'])
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return 0


def _definitions(connection: Connection) -> dict[str, Any]:
    form, text = connection.msgdef.format, connection.msgdef.data
    if form == MessageDefinitionFormat.MSG:
        return dict(get_types_from_msg(text, connection.msgtype))
    if form != MessageDefinitionFormat.IDL:
        return {}
    line = '=' * 80 + '\n'
    if not text.startswith(f'{line}IDL: '):
        return dict(get_types_from_idl(text))
    parts = [part.partition('\n')[2] for part in text.split(line)[1:]]
    return {name: item for part in parts for name, item in get_types_from_idl(part).items()}


def _order(path: Path) -> list[object]:
    parts = re.split(r'(\d+)', path.name)
    return [int(part) if part.isdigit() else part for part in parts]
