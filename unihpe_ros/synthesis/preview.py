"""A sheet of samples to look at: pictures above, the same with their labels below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.crops import Sample

_COLUMNS = 8
_SIDES = {'left': (255, 160, 0), 'right': (0, 80, 255), 'middle': (255, 255, 255)}
_VISIBILITY = ((120, 120, 120), (0, 0, 255), (0, 255, 0))


def contact_sheet(samples: Sequence[Sample]) -> NDArray[np.uint8]:
    """
    Lay samples out in rows of eight, each row followed by the same with labels.

    Parameters
    ----------
    samples : Sequence[Sample]
        What to show; keypoints are green where visible, red where occluded.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    rows = []
    for first in range(0, len(samples), _COLUMNS):
        chosen = samples[first : first + _COLUMNS]
        plain = [_decode(sample.jpeg) for sample in chosen]
        labelled = [_with_labels(image, s) for image, s in zip(plain, chosen, strict=True)]
        empty = [np.zeros_like(plain[0])] * (_COLUMNS - len(chosen))
        rows += [np.hstack(plain + empty), np.hstack(labelled + empty)]
    return np.vstack(rows)


def _decode(jpeg: bytes) -> NDArray[np.uint8]:
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return image


def _with_labels(image: NDArray[np.uint8], sample: Sample) -> NDArray[np.uint8]:
    drawn = image.copy()
    places = [tuple(place) for place in np.rint(sample.keypoints_2d).astype(int).tolist()]
    for parent, child in UNION.bones:
        cv2.line(drawn, places[parent], places[child], _SIDES[UNION.side(child)], 1, cv2.LINE_AA)
    for place, visibility in zip(places, sample.visibility, strict=True):
        cv2.circle(drawn, place, 2, _VISIBILITY[visibility], -1)
    x0, y0, x1, y1 = np.rint(sample.aim).astype(int).tolist()
    cv2.rectangle(drawn, (x0, y0), (x1, y1), (0, 255, 255), 1)
    return drawn
