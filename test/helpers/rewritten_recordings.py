"""Recordings that are changed byte by byte, and the images that are still read."""

from __future__ import annotations

from collections.abc import Callable
import io
from pathlib import Path

from bench_bags import stamp_of
from mcap.reader import make_reader
from mcap.writer import CompressionType, IndexType, Writer
from unihpe_ros.bags.reader import BagReader


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
