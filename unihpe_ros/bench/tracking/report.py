"""The figures of `unihpe bench tracking` as tables, JSON and a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
import json
from pathlib import Path
from typing import Any

from unihpe_ros.bench.tracking.placement_and_jitter import DISTANCES, MODES, RootError, Steadiness
from unihpe_ros.bench.tracking.tracking_benchmark import TrackingScore
from unihpe_ros.core.files import replacing, write_whole


def tracking_table(scores: Sequence[TrackingScore]) -> list[list[str]]:
    """Return the rows of the table of trackers, the head first."""
    rows = [['tracker', 'MOTA', 'IDF1', 'switches/min', 'missed', 'made up', 'true']]
    for score in scores:
        counts = score.counts
        rows.append(
            [
                score.name,
                f'{counts.mota:.3f}',
                f'{counts.idf1:.3f}',
                f'{score.switches_per_minute:.1f}',
                *(str(n) for n in (counts.misses, counts.extra, counts.truths)),
            ]
        )
    return rows


def root_table(errors: Sequence[RootError]) -> list[list[str]]:
    """Return the rows of the table of root errors: median / p95, % of the distance."""
    cells = {
        (one.mode, one.distance): f'{1e2 * one.median:.1f} / {1e2 * one.p95:.1f}' for one in errors
    }
    head = ['root off by, %', *(f'{distance:g} m' for distance in DISTANCES)]
    return [head] + [
        [mode, *(cells.get((mode, distance), '-') for distance in DISTANCES)] for mode in MODES
    ]


def steadiness_table(figures: Sequence[Steadiness]) -> list[list[str]]:
    """Return the rows of the table of jitter and lag."""
    return [['smoothing', 'jitter, m/s^2', 'lag, ms']] + [
        ['on' if one.smoothing else 'off', f'{one.jitter:.1f}', f'{1e3 * one.lag:.0f}']
        for one in figures
    ]


def write_figures(
    out: Path,
    scores: Sequence[TrackingScore],
    errors: Sequence[RootError],
    figures: Sequence[Steadiness],
) -> None:
    """
    Write tracking.json and tracking.png.

    Parameters
    ----------
    out : Path
        Folder; made if it is not there.
    scores, errors, figures
        What was measured.

    """
    out.mkdir(parents=True, exist_ok=True)
    document: dict[str, Any] = {
        'tracking': [score.record() for score in scores],
        'root': [asdict(one) for one in errors],
        'steadiness': [asdict(one) for one in figures],
    }
    write_whole(out / 'tracking.json', json.dumps(document, indent=1) + '\n')
    _plot(out / 'tracking.png', scores, errors)


def _plot(path: Path, scores: Sequence[TrackingScore], errors: Sequence[RootError]) -> None:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 4), layout='constrained')
    left, middle, right = figure.subplots(1, 3)
    names = [score.name for score in scores]
    left.bar(names, [score.counts.idf1 for score in scores])
    left.set(title='IDF1', ylim=(0, 1))
    middle.bar(names, [score.switches_per_minute for score in scores])
    middle.set_title('id switches per minute')
    for mode in MODES:
        chosen = [one for one in errors if one.mode == mode]
        right.plot(
            [one.distance for one in chosen], [1e2 * one.median for one in chosen], label=mode
        )
    right.set(title='root error, median, % of distance', xlabel='distance, m', ylim=(0, None))
    right.legend()
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)
