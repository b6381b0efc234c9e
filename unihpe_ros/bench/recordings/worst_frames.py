"""Keep the images with the worst results."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import cv2
from numpy import uint8
from numpy.typing import NDArray
from unihpe_ros.bench.recordings.frame_table import rounded

PICTURES = 6
# Images less than this apart, s, count as one event, of which only the worst is kept.
_OCCASION_S = 1.0
_WIDTH, _QUALITY = 560, 80


class WorstFrames:
    """The worst images of one recording, at most one a second."""

    def __init__(self) -> None:
        self._kept: dict[int, dict[str, Any]] = {}

    def offer(
        self,
        place: tuple[int, float],
        badness: float,
        caption: str,
        draw: Callable[[], NDArray[uint8]],
    ) -> None:
        """
        Keep an image if it is one of the worst so far.

        Parameters
        ----------
        place : tuple[int, float]
            Number of the image and its time, s.
        badness : float
            How bad it is; what is 0 is not kept.
        caption : str
            What is bad about it.
        draw : Callable[[], NDArray[np.uint8]]
            Makes the picture, ``(H, W, 3)`` BGR; called only if it is kept.

        """
        number, time_s = place
        occasion = int(time_s // _OCCASION_S)
        rival = self._kept.get(occasion)
        if rival is None and len(self._kept) >= PICTURES:
            occasion_out = min(self._kept, key=lambda key: self._kept[key]['badness'])
            rival = self._kept[occasion_out]
        else:
            occasion_out = occasion
        if not badness > (0 if rival is None else rival['badness']):
            return
        self._kept.pop(occasion_out, None)
        self._kept[occasion] = {
            'number': number,
            'time_s': rounded(time_s),
            'badness': rounded(badness),
            'caption': caption,
            'jpeg': _jpeg(draw()),
        }

    def result(self) -> list[dict[str, Any]]:
        """Return the worst images, the worst first."""
        return worst_of(self._kept.values())


def worst_of(pictures: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return the worst images of several recordings."""
    ordered = sorted(
        pictures, key=lambda one: (-one['badness'], one.get('bag', ''), one['number'])
    )
    return [dict(one) for one in ordered[:PICTURES]]


def _jpeg(picture: NDArray[uint8]) -> str:
    height, width = picture.shape[:2]
    if width > _WIDTH:
        size = (_WIDTH, max(round(height * _WIDTH / width), 1))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    _, data = cv2.imencode('.jpg', picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return base64.b64encode(data.tobytes()).decode('ascii')
