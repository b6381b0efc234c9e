"""Compute the figures of a report from the measurements of all images."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.recordings.frame_table import (
    ANSWERED,
    BagResult,
    BROKEN,
    COLUMNS,
    DROPPED,
    rounded,
)
from unihpe_ros.bench.recordings.worst_frames import worst_of
from unihpe_ros.estimator import STAGES
from unihpe_ros.metrics.ground_truth import accuracy

_BLOCKS = 10
_MIN_BLOCK = 3
# Student's t for a 95 % interval from ten blocks.
_T = 2.262
_NOISY = (
    *('latency_ms', 'read_ms', 'decode_image_ms', 'estimate_ms'),
    *('score', 'agreement', 'people', 'error_px', 'mpjpe_mm'),
)
# In order of time; only a live node waits and publishes.
_PARTS = ('read', 'wait', 'decode_image', *STAGES, 'publish')


def summarise(bags: Sequence[BagResult]) -> dict[str, Any]:
    """
    Return the figures of one model over all its recordings.

    Parameters
    ----------
    bags : Sequence[BagResult]
        In any order: the figures do not depend on it.

    Returns
    -------
    dict[str, Any]
        As docs/bench_report.md describes it; None where something is unknown.

    """
    bags = sorted(bags, key=lambda bag: bag.bag)
    latency = joined(bags, 'latency_ms')
    truths = [bag.truth for bag in bags if bag.truth is not None]
    figures = {
        'frames': _counts(bags),
        'throughput': _throughput(bags),
        'latency_ms': spread(latency),
        'stages_ms': _stages(bags),
        'people': {
            'mean': _mean(joined(bags, 'people')),
            'most': _extreme(joined(bags, 'people')),
            'ids': sum(bag.ids for bag in bags),
        },
        'confidence': {
            'score': _mean(joined(bags, 'score')),
            'agreement': _mean(joined(bags, 'agreement')),
            'doubtful': _ratio(joined(bags, 'doubtful'), joined(bags, 'people')),
        },
        'memory_mb': {
            'start': _first(joined(bags, 'rss_mb')),
            'most': _extreme(joined(bags, 'rss_mb')),
        },
        'accuracy': accuracy(truths) if truths else None,
        'noise': _noise(bags),
    }
    plain: dict[str, Any] = _plain(figures)
    return plain


def worst_pictures(bags: Sequence[BagResult]) -> list[dict[str, Any]]:
    """Return the worst images of all recordings, with the name of theirs."""
    return worst_of({**picture, 'bag': bag.bag} for bag in bags for picture in bag.worst)


def joined(
    bags: Sequence[BagResult], column: str, state: int | None = ANSWERED
) -> NDArray[np.float64]:
    """Return a column of all images in one state (None: of all), NaN where unknown."""
    return np.concatenate([np.zeros(0), *(bag.column(column, state) for bag in bags)])


def spread(values: NDArray[np.float64]) -> dict[str, float]:
    """Return mean, percentiles and maximum of all finite values."""
    known = values[np.isfinite(values)]
    if not len(known):
        return dict.fromkeys(('mean', 'p50', 'p95', 'p99', 'most'), math.nan)
    p50, p95, p99 = np.percentile(known, (50, 95, 99)).tolist()
    return {'mean': float(known.mean()), 'p50': p50, 'p95': p95, 'p99': p99, 'most': known.max()}


def noise_band(
    values: NDArray[np.float64], statistic: Callable[[NDArray[np.float64]], float] = np.mean
) -> float:
    """
    Return half the 95 % interval of a figure, as a share of it; NaN for too few values.

    Images that follow each other are alike, so the interval is that of ten consecutive blocks.

    Parameters
    ----------
    values : NDArray[np.float64]
        ``(N,)`` in order of time; NaN where unknown.
    statistic : Callable[[NDArray[np.float64]], float]
        Makes the figure.

    """
    known = values[np.isfinite(values)]
    if len(known) < _BLOCKS * _MIN_BLOCK or not statistic(known):
        return math.nan
    blocks = np.array([statistic(block) for block in np.array_split(known, _BLOCKS)])
    error = blocks.std(ddof=1) / math.sqrt(_BLOCKS)
    return float(_T * error / abs(statistic(known)))


def _counts(bags: Sequence[BagResult]) -> dict[str, float]:
    every = joined(bags, 'state', None)
    return {
        'in_recordings': sum(bag.images for bag in bags),
        'seen': len(every),
        'answered': int((every == ANSWERED).sum()),
        'dropped': int((every == DROPPED).sum()),
        'broken': int((every == BROKEN).sum()),
        'bags': len(bags),
        'seconds': sum(_duration(bag) for bag in bags),
    }


def _duration(bag: BagResult) -> float:
    times = bag.column('time_s', None)
    return float(times[-1] - times[0]) if len(times) else 0.0


def _throughput(bags: Sequence[BagResult]) -> dict[str, float]:
    wall_s = sum(bag.wall_s for bag in bags)
    figures = {'overall_fps': len(joined(bags, 'number')) / wall_s if wall_s else math.nan}
    decoded = joined(bags, 'image_bytes')
    parts = {
        'reader': (joined(bags, 'read_ms', None), joined(bags, 'bytes', None)),
        'decoder': (joined(bags, 'decode_image_ms'), decoded),
        'estimator': (joined(bags, 'estimate_ms'), decoded),
    }
    for name, (times_ms, sizes) in parts.items():
        known = np.isfinite(times_ms)
        seconds = 1e-3 * float(times_ms[known].sum())
        figures[f'{name}_fps'] = float(known.sum()) / seconds if seconds else math.nan
        megabytes = 1e-6 * float(np.nansum(sizes[known]))
        figures[f'{name}_mb_s'] = megabytes / seconds if seconds else math.nan
    return figures


def _stages(bags: Sequence[BagResult]) -> dict[str, dict[str, float]]:
    stages = {}
    for part in _PARTS:
        known = f'{part}_ms' in COLUMNS
        figures = spread(joined(bags, f'{part}_ms')) if known else {}
        if not math.isfinite(figures.get('mean', math.nan)):
            figures = _node_stage(bags, part)
        if figures:
            stages[part] = figures
    return stages


def _node_stage(bags: Sequence[BagResult], part: str) -> dict[str, float]:
    """Return what the live nodes said of a stage: the mean of their percentiles."""
    found = {}
    for figure in ('p50', 'p95', 'p99'):
        known = [b.node[f'{part}_ms_{figure}'] for b in bags if f'{part}_ms_{figure}' in b.node]
        if known:
            found[figure] = sum(known) / len(known)
    return found


def _noise(bags: Sequence[BagResult]) -> dict[str, float]:
    latency = joined(bags, 'latency_ms')
    noise = {name: noise_band(joined(bags, name)) for name in _NOISY}
    for percent in (50, 95, 99):
        noise[f'latency_ms_p{percent}'] = noise_band(latency, partial(np.percentile, q=percent))
    return noise


def _mean(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else math.nan


def _extreme(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known.max()) if len(known) else math.nan


def _first(values: NDArray[np.float64]) -> float:
    known = values[np.isfinite(values)]
    return float(known[0]) if len(known) else math.nan


def _ratio(part: NDArray[np.float64], whole: NDArray[np.float64]) -> float:
    total = float(np.nansum(whole))
    return float(np.nansum(part)) / total if total else math.nan


def _plain(value: Any) -> Any:
    """Return figures as JSON holds them: no NaN, six digits."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (float, np.floating)):
        return rounded(float(value))
    return value
