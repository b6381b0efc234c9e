"""The newest image and people of one camera, for viewers in a browser."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
import json
import threading

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import KeypointFlag, person_scores, Poses, RootMode
from unihpe_ros.core.rotation import upright_from_camera
from unihpe_ros.visualisation.skeletons import draw_poses

_QUALITY = 80
_WIDEST = 960


@dataclass(frozen=True)
class _Offer:
    """The newest image and people."""

    number: int
    image: NDArray[np.uint8] | None
    poses: Poses
    figures: Mapping[str, float]


class Feed:
    """
    Holder of the newest image and people for viewers; the producer never waits.

    Pictures are drawn and encoded in a viewer's thread, once for all viewers, and not at all
    without a viewer.

    Attributes
    ----------
    rotation : int
        By how many degrees the camera's picture is turned clockwise to be upright: people stand
        upright in the room of the page, while the picture is shown as it came.

    """

    def __init__(self) -> None:
        self.rotation = 0
        self._changed = threading.Condition()
        self._encoding = threading.Lock()
        self._viewers = 0
        self._closed = False
        self._offer: _Offer | None = None
        self._jpeg: tuple[int, bytes] = (0, b'')

    @property
    def is_watched(self) -> bool:
        """Whether there is a viewer."""
        return self._viewers > 0

    @property
    def is_closed(self) -> bool:
        """Whether the feed was closed."""
        return self._closed

    def offer(
        self, image: NDArray[np.uint8] | None, poses: Poses, figures: Mapping[str, float]
    ) -> None:
        """
        Replace the newest image and people; without a viewer it does nothing.

        Parameters
        ----------
        image : NDArray[np.uint8], optional
            ``(H, W, 3)`` BGR that will not be changed any more.
        poses : Poses
            N people, 3D in the camera's frame.
        figures : Mapping[str, float]
            Numbers to show, by name.

        """
        if not self._viewers:
            return
        with self._changed:
            number = self._offer.number + 1 if self._offer else 1
            self._offer = _Offer(number, image, poses, dict(figures))
            self._changed.notify_all()

    def close(self) -> None:
        """End all streams to viewers."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Count as a viewer in the block."""
        with self._changed:
            self._viewers += 1
        try:
            yield
        finally:
            with self._changed:
                self._viewers -= 1

    def next_people(self, after: int, timeout: float) -> tuple[int, str]:
        """Return number and JSON of newer people; `after` and '' after a timeout."""
        offer = self._next(after, timeout)
        return (after, '') if offer is None else (offer.number, people_json(offer, self.rotation))

    def next_picture(self, after: int, timeout: float) -> tuple[int, bytes]:
        """Return number and JPEG of a newer image; `after` and b'' after a timeout."""
        offer = self._next(after, timeout)
        if offer is None or offer.image is None:
            return (after if offer is None else offer.number), b''
        with self._encoding:
            if self._jpeg[0] != offer.number:
                self._jpeg = offer.number, encoded(draw_poses(offer.image, offer.poses))
            return self._jpeg

    def _next(self, after: int, timeout: float) -> _Offer | None:
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_newer(after), timeout)
            return self._offer if self._is_newer(after) else None

    def _is_newer(self, after: int) -> bool:
        return self._offer is not None and self._offer.number > after


def encoded(image: NDArray[np.uint8]) -> bytes:
    """Return a JPEG of the image, made smaller if it is large."""
    height, width = image.shape[:2]
    if width > _WIDEST:
        size = (_WIDEST, round(height * _WIDEST / width))
        image = np.asarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA))
    _, jpeg = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])
    return bytes(jpeg.tobytes())


def people_json(offer: _Offer, rotation: int = 0) -> str:
    """Return people as the page reads them: points in m before an upright camera, null unknown."""
    poses = offer.poses
    points = (poses.keypoints_3d.astype(np.float64) @ upright_from_camera(rotation).T).round(3)
    seen = (poses.flags & KeypointFlag.OBSERVED).astype(bool)
    people = []
    for person in range(len(poses)):
        rows = [row if np.isfinite(row).all() else None for row in points[person]]
        people.append(
            {
                'id': int(poses.track_ids[person]),
                'points': [None if row is None else row.tolist() for row in rows],
                'score': round(float(person_scores(poses.scores[person])), 2),
                'seen': int(seen[person].sum()),
            }
        )
    content = {
        'skeleton': poses.skeleton.name,
        'bones': poses.skeleton.bones,
        'relative': poses.root_mode is RootMode.RELATIVE,
        'assumed': poses.is_view_assumed,
        'people': people,
        'figures': offer.figures,
    }
    return json.dumps(content, separators=(',', ':'))
