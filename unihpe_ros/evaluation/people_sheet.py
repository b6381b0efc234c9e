"""Pictures of people with true (green) and found (orange) keypoints."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import Records

TRUE_COLOUR, FOUND_COLOUR = (80, 220, 80), (30, 140, 255)
# A keypoint below this score is not drawn.
LEAST_SCORE = 0.3
_COLUMNS = 12
_TILE = (144, 192)
# The part of a tile's width and height that a person's box fills.
_FILLED = 0.8
# OpenCV draws at 1/16 px.
_SHIFT = 4


def people_sheet(
    records: Records, rows: Sequence[int], truth: Array, found: Array, scores: Array
) -> NDArray[np.uint8]:
    """
    Draw people of a data set, twelve beside each other.

    Parameters
    ----------
    records : Records
        The data set, with pictures.
    rows : Sequence[int]
        Numbers of the N records to draw.
    truth, found : NDArray
        ``(N, K, 2)`` true and found keypoints, px of the picture; NaN where unknown.
    scores : NDArray
        ``(N, K)`` of the found ones.

    Returns
    -------
    NDArray[np.uint8]
        ``(h, w, 3)`` BGR.

    """
    w, h = _TILE
    lines = -(-len(rows) // _COLUMNS)
    sheet = np.full((max(lines, 1) * h, _COLUMNS * w, 3), 255, np.uint8)
    for place, row in enumerate(rows):
        record = records[row]
        if record.image is None:
            continue
        x0, y0, x1, y1 = (float(edge) for edge in record.box)
        scale = _FILLED * min(w / max(x1 - x0, 1), h / max(y1 - y0, 1))
        shift = np.array([w - scale * (x0 + x1), h - scale * (y0 + y1)]) / 2
        matrix = np.array([[scale, 0, shift[0]], [0, scale, shift[1]]])
        tile = cv2.warpAffine(record.image, matrix, _TILE, flags=cv2.INTER_LINEAR)
        draw_keypoints(tile, truth[place] * scale + shift, TRUE_COLOUR)
        sure = np.where(scores[place, :, None] < LEAST_SCORE, np.nan, found[place])
        draw_keypoints(tile, sure * scale + shift, FOUND_COLOUR)
        line, column = divmod(place, _COLUMNS)
        sheet[line * h : (line + 1) * h, column * w : (column + 1) * w] = tile
    return sheet


def draw_keypoints(
    image: NDArray[np.uint8], keypoints: Array, colour: tuple[int, int, int]
) -> None:
    """
    Draw the bones and keypoints of a person, in place.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(h, w, 3)`` BGR.
    keypoints : NDArray
        ``(K, 2)`` px, in the order of UNION; NaN where unknown.
    colour : tuple[int, int, int]
        BGR.

    """
    limit = 4 * max(image.shape)
    known = np.asarray(np.isfinite(keypoints).all(-1))
    places = np.clip(np.nan_to_num(keypoints), -limit, limit)
    points = [(int(x), int(y)) for x, y in np.rint(places * 2**_SHIFT)]
    for one, other in UNION.bones:
        if known[one] and known[other]:
            cv2.line(image, points[one], points[other], colour, 1, cv2.LINE_AA, _SHIFT)
    for index in np.flatnonzero(known):
        cv2.circle(image, points[index], 2 << _SHIFT, colour, -1, cv2.LINE_AA, _SHIFT)
