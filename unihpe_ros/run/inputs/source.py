"""A source of frames, whatever it is read from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Camera

# Frames per second of inputs without time stamps.
DEFAULT_RATE = 30.0


class InputError(ValueError):
    """An input that cannot be read; the message names it and says what was expected."""


@dataclass(frozen=True)
class InputFrame:
    """
    One image of a source.

    Parameters
    ----------
    number : int
        Which one it is, from 0.
    stamp : int
        When it was taken, ns: since the first frame of a video, since 1970 of a camera, by the
        header of a recording.
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    name : str
        Name of its file, if it has one of its own.

    """

    number: int
    stamp: int
    image: NDArray[np.uint8]
    name: str = ''


@dataclass
class Source:
    """
    Source of frames.

    Parameters
    ----------
    text : str
        What the user typed, for messages.
    rate : float
        Frames per second, as far as it is known.
    count : int, optional
        Number of frames, if it is known.
    rotation : int
        By how many degrees the frames are turned clockwise to be upright.

    Attributes
    ----------
    live : bool
        Whether it is a live input: frames that are not read in time are lost.
    still : bool
        Whether frames are separate pictures, so that people have no ids over time.
    is_calibrated : bool
        Whether a calibration comes with it.
    notes : list[str]
        Messages for the user at the end.

    """

    text: str
    rate: float = DEFAULT_RATE
    count: int | None = None
    rotation: int = 0
    live: bool = field(default=False, init=False)
    still: bool = field(default=False, init=False)
    is_calibrated: bool = field(default=False, init=False)
    notes: list[str] = field(default_factory=list, init=False)

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """
        Read the frames from number `start` on.

        Raises
        ------
        InputError
            If the input ends in damage.

        """
        raise NotImplementedError

    def camera_of(self, size: tuple[int, int]) -> Camera | None:
        """Return the calibration of images of (w, h) px that comes with the input, if any."""
        del size
        return None

    def close(self) -> None:
        """Release the device or the file."""


def frame_stamp(number: int, rate: float) -> int:
    """Return when frame `number` of a constant rate is taken after frame 0, ns."""
    return round(1e9 * number / rate)
