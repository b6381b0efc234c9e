"""The figures of `unihpe bench films` as a table, JSON and a sheet of pictures."""

from __future__ import annotations

from collections.abc import Sequence
import json
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.films import FilmScore
from unihpe_ros.bench.tracking.tracking_benchmark import Tracked
from unihpe_ros.core.files import write_whole
from unihpe_ros.visualisation.video import contact_sheet, write_picture

_COLUMNS, _WIDTH = 4, 480
_TRUE, _FOUND = (60, 200, 60), (40, 40, 230)


def film_table(scores: Sequence[FilmScore]) -> list[list[str]]:
    """Return the rows of the table, the head first."""
    rows = [
        ['from the picture on', 'MOTA', 'IDF1', 'switches/min', 'found', 'nobody/min']
        + ['first seen after, s', 'ms/image']
    ]
    for score in scores:
        rows.append(
            [
                score.name,
                f'{score.counts.mota:.3f}',
                f'{score.counts.idf1:.3f}',
                f'{score.switches_per_minute:.1f}',
                f'{score.found:.1%}',
                f'{score.nobody_per_minute:.1f}',
                f'{score.delay:.2f}',
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
    Draw who is there and who was found into a copy of a picture.

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
