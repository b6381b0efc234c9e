"""Table of all measurements of one model on one recording, a row for each image."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.estimator import STAGES

ANSWERED, DROPPED, BROKEN = range(3)
# Of each image, in order of time; docs/bench_report.md tells what they mean.
COLUMNS = (
    *('number', 'time_s', 'state', 'bytes', 'image_bytes', 'read_ms', 'decode_image_ms'),
    *(f'{stage}_ms' for stage in STAGES),
    *('estimate_ms', 'latency_ms', 'people', 'score', 'agreement', 'doubtful', 'rss_mb'),
    *('error_px', 'mpjpe_mm', 'missed', 'extra'),
)
_DIGITS = 6


@dataclass(frozen=True)
class BagResult:
    """
    Measurements of one model on one recording.

    Parameters
    ----------
    bag : str
        Name of the recording.
    topic : str
        Topic of the images.
    size : Sequence[int]
        (w, h) of the images, px; (0, 0) if none could be decoded.
    images : int
        Number of images in the recording.
    wall_s : float
        How long all of it took, s.
    complete : bool
        Whether all images were looked at.
    ids : int
        How many ids were given.
    first_error : str
        Why the first broken image is broken; empty if there is none.
    frames : Mapping[str, Sequence[float | None]]
        For each of COLUMNS a value for each image; None where unknown.
    node : Mapping[str, float]
        What the live node said about itself, ms and counts; empty if it ran in process.
    truth : Mapping[str, Any], optional
        Sums of `unihpe_ros.metrics.ground_truth.TruthMeter`; None if the true people are not
        known.
    worst : Sequence[Mapping[str, Any]]
        The worst images, see `unihpe_ros.bench.recordings.worst_frames.WorstFrames`.

    """

    bag: str
    topic: str
    size: Sequence[int]
    images: int
    wall_s: float
    complete: bool
    ids: int
    first_error: str
    frames: Mapping[str, Sequence[float | None]]
    node: Mapping[str, float]
    truth: Mapping[str, Any] | None
    worst: Sequence[Mapping[str, Any]]

    def column(self, name: str, state: int | None = ANSWERED) -> NDArray[np.float64]:
        """Return a column of the images in one state (None: of all), NaN where unknown."""
        values = _floats(self.frames[name])
        return values if state is None else values[_floats(self.frames['state']) == state]

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Any, source: str) -> BagResult:
        """
        Read what `to_dict` wrote.

        Raises
        ------
        ValueError
            If something is missing or does not fit; the message names `source`.

        """
        expected = {field.name for field in fields(cls)}
        if not isinstance(values, Mapping) or set(values) != expected:
            given = set(values) if isinstance(values, Mapping) else set()
            wrong = ', '.join(sorted(expected ^ given))
            raise ValueError(f'{source}: bag: fields missing or unknown: {wrong}')
        frames = values['frames']
        lengths = {name: len(frames.get(name, ())) for name in COLUMNS}
        if set(frames) != set(COLUMNS) or len(set(lengths.values())) != 1:
            raise ValueError(
                f'{source}: bag {values["bag"]}: expected frames with {len(COLUMNS)} columns of '
                f'one length; got {lengths}'
            )
        return cls(**values)


class FrameTable:
    """Collects the figures of one image after the other."""

    def __init__(self) -> None:
        self.columns: dict[str, list[float | None]] = {name: [] for name in COLUMNS}

    def add(self, values: Mapping[str, float]) -> None:
        """
        Add an image.

        Raises
        ------
        ValueError
            If a value is of no known column.

        """
        unknown = sorted(set(values) - set(COLUMNS))
        if unknown:
            raise ValueError(f'frame table: unknown columns {", ".join(unknown)}')
        for name, column in self.columns.items():
            column.append(rounded(values.get(name, math.nan)))


def rounded(value: float) -> float | None:
    """Return a number as a report holds it: six digits, None if it is not finite."""
    if not math.isfinite(value):
        return None
    if float(value).is_integer():
        return int(value)
    digits = _DIGITS - 1 - math.floor(math.log10(abs(value)))
    return round(float(value), max(digits, 3))


def _floats(values: Sequence[float | None]) -> NDArray[np.float64]:
    return np.array([math.nan if value is None else value for value in values], np.float64)
