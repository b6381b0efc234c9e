"""A contact sheet of samples: pictures above, the same with their labels below."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.samples.crop_sample import CropSample
from unihpe_ros.synthesis.samples.scene_sample import SceneSample

_COLUMNS, _COLUMNS_OF_SCENES = 8, 3
_SIDES = {'left': (255, 160, 0), 'right': (0, 80, 255), 'middle': (255, 255, 255)}
_VISIBILITY = ((120, 120, 120), (0, 0, 255), (0, 255, 0))


def labelled_sheet(samples: Sequence[CropSample | SceneSample]) -> NDArray[np.uint8]:
    """
    Return samples in rows of eight crops or three scenes, each row repeated with labels.

    Parameters
    ----------
    samples : Sequence[CropSample | SceneSample]
        What to show, all of one kind; keypoints are green where visible, red where occluded.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    rows = []
    columns = _COLUMNS if isinstance(samples[0], CropSample) else _COLUMNS_OF_SCENES
    for first in range(0, len(samples), columns):
        chosen = samples[first : first + columns]
        plain = [_decode(sample.jpeg) for sample in chosen]
        labelled = [_with_labels(image, s) for image, s in zip(plain, chosen, strict=True)]
        empty = [np.zeros_like(plain[0])] * (columns - len(chosen))
        rows += [np.hstack(plain + empty), np.hstack(labelled + empty)]
    return np.vstack(rows)


def _decode(jpeg: bytes) -> NDArray[np.uint8]:
    image: Any = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    return image


def _with_labels(image: NDArray[np.uint8], sample: CropSample | SceneSample) -> NDArray[np.uint8]:
    drawn = image.copy()
    if isinstance(sample, CropSample):
        _label(drawn, sample.keypoints_2d, sample.visibility, sample.aim)
    else:
        people = zip(sample.keypoints_2d, sample.visibility, sample.boxes, strict=True)
        for keypoints, visibility, box in people:
            _label(drawn, keypoints, visibility, box)
    return drawn


def _label(
    drawn: NDArray[np.uint8], keypoints: Array, visibility: NDArray[np.uint8], box: Array
) -> None:
    """Draw a person's bones, keypoints and box, in place."""
    limit = 4 * max(drawn.shape)
    known = np.asarray((np.abs(keypoints) < limit).all(-1))
    places = [(int(x), int(y)) for x, y in np.rint(np.where(known[:, None], keypoints, 0))]
    for parent, child in UNION.bones:
        if known[parent] and known[child]:
            colour = _SIDES[UNION.side(child)]
            cv2.line(drawn, places[parent], places[child], colour, 1, cv2.LINE_AA)
    for index in np.flatnonzero(known):
        cv2.circle(drawn, places[index], 2, _VISIBILITY[visibility[index]], -1)
    x0, y0, x1, y1 = np.rint(box).astype(int).tolist()
    cv2.rectangle(drawn, (x0, y0), (x1, y1), (0, 255, 255), 1)
