"""Boxes of people that only a detector found, which complete the labels of photographs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.boxes import area, common_area, iou
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import DatasetError

# Scores above which a box is a person to be found, and below which it is background, because a
# detector has to learn its own errors; in between it is ignored.
_SURE, _UNSURE = 0.4, 0.25
# A box that overlaps a labelled one by this IoU shows the same person.
_SAME = 0.4
# A box of which this share lies in a labelled one may be a part of that person.
_PART = 0.7


class DetectorBoxes:
    """
    Boxes that a detector found in the pictures of a data set.

    Parameters
    ----------
    path : Path
        .npz: `image_id` (M,), `boxes` (M, 4) x0 y0 x1 y1 px of the annotated picture, counted
        from pixel centres, and `scores` (M,).

    Raises
    ------
    DatasetError
        If the file is not readable or the arrays do not fit each other.

    """

    def __init__(self, path: Path) -> None:
        try:
            with np.load(path) as stored:
                ids, boxes, scores = (stored[name] for name in ('image_id', 'boxes', 'scores'))
        except (OSError, ValueError, KeyError) as error:
            raise DatasetError(
                f'{path}: expected arrays image_id, boxes and scores ({error})'
            ) from error
        if boxes.shape != (len(ids), 4) or scores.shape != ids.shape:
            raise DatasetError(
                f'{path}: expected boxes ({len(ids)}, 4) and scores ({len(ids)},), '
                f'got {boxes.shape} and {scores.shape}'
            )
        order = np.argsort(ids, kind='stable')
        self._ids, self._boxes, self._scores = ids[order], boxes[order], scores[order]

    def unlabelled(
        self, image: int, labelled: Array
    ) -> Iterator[tuple[NDArray[np.float64], bool]]:
        """
        Yield the boxes of people without a label in a picture, and whether each is certain.

        Parameters
        ----------
        image : int
            Id of the picture.
        labelled : NDArray
            ``(N, 4)`` boxes of the labelled people, px.

        Yields
        ------
        box : NDArray[np.float64]
            ``(4,)`` px.
        sure : bool
            Whether there is certainly a person; otherwise the box is ignored.

        """
        rows = slice(*np.searchsorted(self._ids, (image, image + 1)))
        found = self._boxes[rows].astype(np.float64)
        for box, score in zip(found, self._scores[rows], strict=True):
            if score < _UNSURE:
                continue
            sure = bool(score >= _SURE)
            if len(labelled):
                if iou(box[None], labelled).max() >= _SAME:
                    continue
                inside = common_area(box[None], labelled).max() / max(area(box[None])[0], 1e-6)
                sure = sure and bool(inside < _PART)
            yield box, sure
