"""The inputs that accompany a camera's images: calibration, depth images and boxes."""

from __future__ import annotations

from collections import deque
import math
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CompressedImage, Image
from unihpe_ros.core.geometry import Camera
from unihpe_ros.ros.boxes_in import to_boxes
from unihpe_ros.ros.camera_info import CameraSource
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.depth import decode_depth
from unihpe_ros.ros.depth_use import DepthUse
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.timestamp_buffer import TimestampBuffer

_REPEAT_S = 30.0
# Longest period between images, s, half of which is the largest difference to the depth image:
# beyond it, people have moved too far.
_LONGEST_PERIOD_S = 0.1
# Messages in a row that belong to no image, after which something is wrong.
_UNUSED = 5
# Number of steps between images that decide whether these come evenly.
_FEWEST_STEPS = 4


class AuxiliaryInputs:
    """
    Calibration, depth images and boxes of one camera.

    The executor's thread writes, the worker's thread reads.

    Parameters
    ----------
    rectified : bool
        The images are rectified.
    log : CameraLog
        Logs, now and then, what can't be used.
    rotation : int
        By how many degrees the picture is turned clockwise to be upright.

    Attributes
    ----------
    cameras : CameraSource
        The calibration.
    depths : TimestampBuffer[Image | CompressedImage]
        The last depth images.
    boxes : TimestampBuffer[Any]
        The last detections.
    depth_use : DepthUse
        Whether depth images place people.

    """

    def __init__(self, rectified: bool, log: CameraLog, rotation: int = 0) -> None:
        self._log = log
        self._stamps: deque[float] = deque(maxlen=16)
        self._misfit = ''
        self._size: tuple[int, int] | None = None
        self._frame_id = ''
        self._blind_since = math.inf
        self.cameras = CameraSource(rectified, rotation)
        self.depths: TimestampBuffer[Image | CompressedImage] = TimestampBuffer()
        self.boxes: TimestampBuffer[Any] = TimestampBuffer()
        self.depth_use = DepthUse()

    def note_image(self, stamp: float) -> None:
        """Update the time between images."""
        self._stamps.append(stamp)

    def note_frame(self, frame_id: str) -> None:
        """Warn if images come from another frame than before, or than their calibration."""
        if self._frame_id and frame_id != self._frame_id:
            self._log.warning(
                f'images change their frame: it was {self._frame_id!r}, now it is {frame_id!r}; '
                'expected the images of one camera on one topic',
                _REPEAT_S,
            )
        self._frame_id, told = frame_id, self.cameras.frame_id
        if frame_id and told and told != frame_id:
            self._log.warning(
                f'camera_info may be of another camera: its frame is {told!r}, that of the image '
                f'{frame_id!r}; if so, places are wrong'
            )

    @property
    def lost_share(self) -> float:
        """Share of the images that did not arrive, by the gaps between stamps; 0 if unknown."""
        steps = np.diff(list(self._stamps))
        if len(steps) < _FEWEST_STEPS or steps.min() <= 0:
            return 0.0
        # A slow camera takes its images in even steps; where some are lost, steps are multiples.
        # The median: a camera that paused has lost nothing.
        return float(1 - steps.min() / np.median(steps))

    @property
    def period(self) -> float:
        """Time between images, s."""
        # The shortest one: where an image was lost, a step is two periods.
        steps = np.diff(list(self._stamps))
        steps = steps[steps > 0]
        return float(steps.min(initial=_LONGEST_PERIOD_S))

    def camera_of(self, size: tuple[int, int]) -> Camera | None:
        """Return the calibration of an image of (w, h) px; None if there is none."""
        if self._size not in (None, size):
            self._log.warning(
                f'images change their size, now {size[0]}x{size[1]}: tracks begin anew with each '
                'change; expected images of one camera, of one size',
                _REPEAT_S,
            )
        self._size = size
        known, fitted = self.cameras.camera, self.cameras.fitted(size)
        camera, self._misfit = fitted.camera, ''
        if known is not None and camera is None:
            self._misfit = fitted.notes[0]
            self._log.error(f'camera_info does not fit: {self._misfit}', _REPEAT_S)
        elif known is not None and (known.width, known.height) != size:
            self._log.warning(
                f'camera_info is scaled: it is of {known.width}x{known.height}, the image of '
                f'{size[0]}x{size[1]} has the same proportions'
            )
        return camera

    @property
    def calibration(self) -> str:
        """State of the camera's calibration in a few words."""
        camera = self.cameras.camera
        if camera is None:
            return 'none'
        return self._misfit or f'{camera.width}x{camera.height}'

    def depth_of(
        self,
        stamp: float,
        received: float,
        size: tuple[int, int],
        parameters: Parameters,
        frame_id: str = '',
    ) -> NDArray[np.float32] | None:
        """
        Return the depth image that was taken with an image, m; None if there is none.

        Parameters
        ----------
        stamp, received : float
            Of the image: the time in its header, and that of its arrival by `time.monotonic()`, s.
        size : tuple[int, int]
            (w, h) of the image, px.
        parameters : Parameters
            The node's.
        frame_id : str
            The image's; empty if it says none.

        """
        if parameters.root_mode not in ('auto', 'depth'):
            return None
        tolerance = self.period / 2
        msg = self.depths.nearest(stamp, tolerance, received + tolerance)
        if msg is None:
            if self.depths.is_alive:
                self._warn(
                    f'no depth_image within {tolerance * 1e3:.0f} ms of the image: the nearest is '
                    f'{_apart(self.depths.distance(stamp))} the image'
                )
            elif parameters.root_mode == 'depth':
                self._warn('no depth_image comes')
            return None
        try:
            depth = decode_depth(msg)
        except DecodeError as error:
            self._warn(str(error))
            return None
        height, width = depth.shape
        if (width, height) != size:
            self._warn(
                f'depth_image is of {width}x{height}, the image is {size[0]}x{size[1]}: '
                'expected one that is aligned with the image'
            )
            return None
        told = msg.header.frame_id
        if frame_id and told and told != frame_id:
            self._log.warning(
                f'depth_image may not be aligned: its frame is {told!r}, that of the image '
                f'{frame_id!r}; if it is of another camera, places are wrong'
            )
        return depth

    def _warn(self, text: str) -> None:
        self.depth_use.refused = text
        self._log.warning(f'places are found without depth: {text}', _REPEAT_S)

    def boxes_of(self, stamp: float, parameters: Parameters) -> NDArray[np.float32] | None:
        """Return the ``(N, 4)`` given boxes at a time, px; None without a message near it."""
        tolerance = parameters.boxes_tolerance_s
        msg = self.boxes.nearest(stamp, tolerance)
        if msg is not None:
            return to_boxes(msg, parameters.boxes_class)
        if self.boxes.unused >= _UNUSED:
            self._log.warning(
                f'boxes_in are not used: the nearest are {_apart(self.boxes.distance(stamp))} '
                f'the image, boxes_tolerance_s is {tolerance:g}',
                _REPEAT_S,
            )
        elif parameters.detector == 'none' and not self.boxes.ever_came:
            self._note_blindness(parameters.watchdog_s)
        return None

    def _note_blindness(self, patience: float) -> None:
        now = time.monotonic()
        self._blind_since = min(self._blind_since, now)
        if patience and now - self._blind_since >= patience:
            words = 'nobody finds newcomers: detector is none, and no boxes_in have come'
            self._log.warning(words, _REPEAT_S)


def _apart(seconds: float) -> str:
    return f'{abs(seconds):.2f} s {"newer" if seconds > 0 else "older"} than'
