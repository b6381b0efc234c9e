"""A file of chunks of messages, read as far as it is whole: what MCAP and ROS 1 share."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass
import heapq
from pathlib import Path

from rosbags.interfaces import Connection


@dataclass(frozen=True)
class Piece:
    """A chunk, or one message outside of chunks: first time (ns) and place of its content."""

    time: int
    offset: int
    length: int
    is_chunk: bool = True
    # Of ROS 1 alone, where these stand in the record's header.
    compression: str = ''
    size: int = 0


class ChunkedFile(ABC):
    """
    An open file of chunks.

    Parameters
    ----------
    path : Path
        The file; records after the last whole one are left out.

    Attributes
    ----------
    connections : list[Connection]
        Its topics of every encoding, with the number of messages.
    lost_chunks, doubtful_chunks : int
        Number of complete chunks that could not be decompressed, and of those that were read
        although their checksum is wrong.
    lost_messages : int
        Number of messages in the chunks that were left out, of the topics that were read.
    cut_messages : int
        Estimated number of messages behind the cut.
    ends_whole : bool
        Whether the mark that all messages were written is there.

    Raises
    ------
    OSError
        If it can't be opened.

    """

    def __init__(self, path: Path) -> None:
        self.connections: list[Connection] = []
        self.lost_chunks = self.doubtful_chunks = self.lost_messages = self.cut_messages = 0
        self.ends_whole = False
        self._counts: Counter[int] = Counter()
        self._pieces: list[Piece] = []
        self._file = path.open('rb')
        self._size = path.stat().st_size

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def messages(self, wanted: Collection[int]) -> Iterator[tuple[int, int, bytes]]:
        """Yield topic, time of recording (ns) and bytes of messages, in order of time."""
        waiting: list[tuple[int, int, int, bytes]] = []
        number = 0
        expected = sum(self._counts[topic] for topic in wanted)
        for piece in sorted(self._pieces, key=lambda one: one.time):
            while waiting and waiting[0][0] < piece.time:
                time, _, topic, data = heapq.heappop(waiting)
                yield topic, time, data
            for topic, time, data in self._messages_of(piece, wanted):
                # The number keeps the order of the file if times are equal.
                heapq.heappush(waiting, (time, number, topic, data))
                number += 1
        while waiting:
            time, _, topic, data = heapq.heappop(waiting)
            yield topic, time, data
        self.lost_messages = max(expected - number, 0)

    @abstractmethod
    def _messages_of(
        self, piece: Piece, wanted: Collection[int]
    ) -> Iterator[tuple[int, int, bytes]]:
        """Yield topic, time (ns) and bytes of the wanted messages of a piece, as they stand."""
