"""BagImage: one image message of a recording, decoded when it is asked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.images import BgrImage, decode_image


@dataclass(frozen=True)
class BagImage:
    """
    One image message of a recording.

    Parameters
    ----------
    number : int
        Which image it is, from 0.
    stamp : int
        When it was taken by its header (by the recorder's clock if that is empty), ns.
    received : int
        When it was recorded, ns.
    size : int
        Bytes of the message.
    msg : Any
        The message.
    read_s, parse_s : float
        What it took to read the bytes, and to make a message of them.
    intensity : IntensityRange
        Raw values that become black and white in images of more than 8 bits; they follow the
        images.

    """

    number: int
    stamp: int
    received: int
    size: int
    msg: Any
    read_s: float
    parse_s: float
    intensity: IntensityRange

    def decode(self) -> BgrImage:
        """Return the picture, ``(H, W, 3)`` BGR; DecodeError if there is none."""
        if hasattr(self.msg, 'encoding'):
            return decode_image(self.msg, self.intensity)
        return decode_compressed(self.msg, self.intensity)
