"""One sqlite3 file of rosbag2, read as far as it is undamaged, with the content of its journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
import shutil
import sqlite3
from tempfile import TemporaryDirectory
from urllib.parse import quote

from rosbags.interfaces import (
    Connection,
    ConnectionExtRosbag2,
    MessageDefinition,
    MessageDefinitionFormat,
)
from rosbags.rosbag2.metadata import parse_qos
from unihpe_ros.bags.damage import describe_damage

# Suffixes of the files beside it, with data that a killed recorder had not yet moved into it.
_JOURNALS = ('-wal', '-journal')
# After so many unreadable messages in a row, the rest of the file counts as cut off.
_MOST_MISSES = 1000
_FORMATS = {'ros2msg': MessageDefinitionFormat.MSG, 'ros2idl': MessageDefinitionFormat.IDL}
_NO_DEFINITION = MessageDefinition(MessageDefinitionFormat.NONE, '')


class SqliteFile:
    """
    An open sqlite3 file of a rosbag2.

    Parameters
    ----------
    path : Path
        The file; it is not written to.

    Attributes
    ----------
    connections : list[Connection]
        Its topics, with the number of messages that can be read.
    is_cut : bool
        Whether messages are missing, since pages of the file are.

    Raises
    ------
    sqlite3.Error
        If it holds no tables of rosbag2 that can be read.

    """

    def __init__(self, path: Path) -> None:
        self.is_cut = bool(describe_damage(path))
        self._open = ExitStack()
        try:
            self._base = self._connect(path)
            self.connections = self._read_topics()
        except BaseException:
            self._open.close()
            raise

    def close(self) -> None:
        """Close the file."""
        self._open.close()

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """Yield topic, time of reception (ns) and bytes of messages, in order of time."""
        marks = ','.join('?' * len(wanted))
        get = 'SELECT topic_id, data FROM messages WHERE id = ?'
        if not self.is_cut:
            query = (
                f'SELECT topic_id, timestamp, data FROM messages WHERE topic_id IN ({marks}) '
                'ORDER BY timestamp'
            )
            # No `yield from`: a reader that stops early would close the rows after the file.
            for topic, time, data in self._base.execute(query, tuple(wanted)):
                yield topic, time, data
            return
        for time, number in sorted((time, number) for number, _, time in self._rows()):
            with suppress(sqlite3.Error):
                ((topic, data),) = self._base.execute(get, (number,))
                if topic in wanted:
                    yield topic, time, data

    def _connect(self, path: Path) -> sqlite3.Connection:
        options = 'mode=ro&immutable=1'
        journals = [Path(f'{path}{ending}') for ending in _JOURNALS]
        if any(file.is_file() and file.stat().st_size for file in journals):
            # SQLite writes when it merges them: into a copy, not into the recording.
            folder = Path(self._open.enter_context(TemporaryDirectory(prefix='unihpe_bag_')))
            for file in (path, *filter(Path.is_file, journals)):
                shutil.copy(file, folder)
            path, options = folder / path.name, 'mode=rw'
        name = f'file:{quote(str(path.resolve()))}?{options}'
        base = sqlite3.connect(name, uri=True)
        self._open.callback(base.close)
        # Otherwise a file that is shorter than its header says is refused as a whole.
        base.execute('PRAGMA writable_schema = ON')
        base.text_factory = lambda data: data.decode('utf-8', 'replace')
        return base

    def _read_topics(self) -> list[Connection]:
        columns = [row[1] for row in self._base.execute('PRAGMA table_info(topics)')]
        if 'name' not in columns:
            raise sqlite3.DatabaseError('expected the table topics of a rosbag2')
        definitions = self._definitions()
        counts = self._count()
        found = []
        for row in self._base.execute('SELECT * FROM topics ORDER BY id'):
            topic = dict(zip(columns, row, strict=True))
            try:
                qos = parse_qos(topic.get('offered_qos_profiles') or [])
            except Exception:  # noqa: BLE001 - any text may be there; a copy then has the default.
                qos = []
            ext = ConnectionExtRosbag2(topic.get('serialization_format') or 'cdr', qos)
            kind, number = topic['type'], topic['id']
            digest = topic.get('type_description_hash') or ''
            definition = definitions.get(kind, _NO_DEFINITION)
            found.append(
                Connection(
                    number, topic['name'], kind, definition, digest, counts[number], ext, self
                )
            )
        return found

    def _definitions(self) -> dict[str, MessageDefinition]:
        query = 'SELECT topic_type, encoding, encoded_message_definition FROM message_definitions'
        try:
            rows = self._base.execute(query).fetchall()
        except sqlite3.Error:
            # Recordings before Iron have none.
            return {}
        return {
            name: MessageDefinition(_FORMATS[kind], text)
            for name, kind, text in rows
            if kind in _FORMATS
        }

    def _count(self) -> Counter[int]:
        if not self.is_cut:
            query = 'SELECT topic_id, count(*) FROM messages GROUP BY topic_id'
            try:
                return Counter(dict(self._base.execute(query).fetchall()))
            except sqlite3.Error:
                self.is_cut = True
        return Counter(topic for _, topic, _ in self._rows())

    def _rows(self) -> Iterator[tuple[int, int, int]]:
        """
        Yield number, topic and time (ns) of the messages whose pages are there.

        They are read one by one: pages are in no order, so that later messages may be undamaged.

        """
        # The data is read too, because it may be incomplete.
        query = 'SELECT topic_id, timestamp, data FROM messages WHERE id = ?'
        number = misses = 0
        while misses < _MOST_MISSES:
            number, row = number + 1, None
            with suppress(sqlite3.Error):
                row = self._base.execute(query, (number,)).fetchone()
            misses = misses + 1 if row is None else 0
            if row is not None:
                yield number, row[0], row[1]
