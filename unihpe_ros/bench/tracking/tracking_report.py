"""Reports of `unihpe bench tracking` and `unihpe bench films`: tables, JSON and pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.films import FilmScore
from unihpe_ros.bench.tracking.placement_and_jitter import (
    DISTANCES,
    PLACEMENTS,
    RootError,
    Steadiness,
)
from unihpe_ros.bench.tracking.tracking_benchmark import Tracked, TrackingScore
from unihpe_ros.core.files import replacing, write_whole
from unihpe_ros.visualisation.video import contact_sheet, write_picture

_COLUMNS, _WIDTH = 4, 480
_TRUE, _FOUND = (60, 200, 60), (40, 40, 230)


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
        [mode, *(cells.get((mode, distance), '-') for distance in DISTANCES)]
        for mode in PLACEMENTS
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
    for mode in PLACEMENTS:
        chosen = [one for one in errors if one.mode == mode]
        right.plot(
            [one.distance for one in chosen], [1e2 * one.median for one in chosen], label=mode
        )
    right.set(title='root error, median, % of distance', xlabel='distance, m', ylim=(0, None))
    right.legend()
    with replacing(path) as partial:
        figure.savefig(partial, dpi=110)


def film_table(scores: Sequence[FilmScore]) -> list[list[str]]:
    """Return the rows of the table, the head first."""
    rows = [
        ['from the picture on', 'MOTA', 'IDF1', 'HOTA', 'switches/min', 'found', 'nobody/min']
        + ['first seen after, s', 'velocity off by, m/s', 'ms/image']
    ]
    for score in scores:
        rows.append(
            [
                score.name,
                f'{score.counts.mota:.3f}',
                f'{score.counts.idf1:.3f}',
                f'{score.hota:.3f}',
                f'{score.switches_per_minute:.1f}',
                f'{score.found:.1%}',
                f'{score.nobody_per_minute:.1f}',
                f'{score.delay:.2f}',
                f'{score.velocity_error(50):.2f} / {score.velocity_error(95):.2f}'
                if score.velocity_errors
                else '-',
                f'{score.milliseconds:.0f}',
            ]
        )
    return rows


def write_film_figures(
    out: Path, scores: Sequence[FilmScore], pictures: Sequence[NDArray[np.uint8]]
) -> None:
    """
    Write films.json and films.png.

    Parameters
    ----------
    out : Path
        Folder.
    scores : Sequence[FilmScore]
        What was measured.
    pictures : Sequence[NDArray[np.uint8]]
        What the sheet shows, at least one.

    """
    document = [score.record() for score in scores]
    write_whole(out / 'films.json', json.dumps(document, indent=1) + '\n')
    write_picture(out / 'films.png', contact_sheet(pictures, _COLUMNS, _WIDTH))


def draw_ids(
    image: NDArray[np.uint8], true: NDArray[np.floating], found: Tracked
) -> NDArray[np.uint8]:
    """
    Return a copy of a picture with the true and the tracked people drawn in.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    true : NDArray
        ``(M, 4)`` boxes, px: green.
    found : Tracked
        Ids and boxes, px: red.

    """
    canvas = np.array(image, order='C')
    for box in np.rint(true).astype(int).tolist():
        cv2.rectangle(canvas, box[:2], box[2:], _TRUE, 1)
    ids, places = found
    for number, box in zip(ids.tolist(), np.rint(places).astype(int).tolist(), strict=True):
        cv2.rectangle(canvas, box[:2], box[2:], _FOUND, 2)
        corner = (box[0] + 4, box[1] + 18)
        cv2.putText(canvas, str(number), corner, cv2.FONT_HERSHEY_SIMPLEX, 0.6, _FOUND, 2)
    return canvas
