"""Unpack grey and Bayer images of GenICam cameras, whose 10 or 12 bits lie side by side."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

# ROS names a mosaic by its first two rows from the corner; OpenCV by the second row, from the
# second column.
_CONVERSIONS = {
    'mono': cv2.COLOR_GRAY2BGR,
    'bayer_rggb': cv2.COLOR_BayerBG2BGR,
    'bayer_bggr': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg': cv2.COLOR_BayerGR2BGR,
    'bayer_grbg': cv2.COLOR_BayerGB2BGR,
}


@dataclass(frozen=True)
class BitPacking:
    """
    How pixels of 10 or 12 bits are packed into bytes.

    Parameters
    ----------
    bits : int
        10 or 12.
    is_gige : bool
        As GigE Vision 1 packs them (Mono12Packed): two pixels in three bytes, of which the middle
        one has the low bits of both. Otherwise as PFNC does (Mono12p): the bits follow each other
        without a gap, low ones first.
    conversion : int
        OpenCV's code of the conversion to BGR.

    """

    bits: int
    is_gige: bool
    conversion: int

    @property
    def group(self) -> tuple[int, int]:
        """Pixels, and the bytes that hold them."""
        return (4, 5) if self.bits == 10 and not self.is_gige else (2, 3)

    def unpack(self, groups: NDArray[np.uint8]) -> NDArray[np.uint16]:
        """
        Return pixels in 16 bits, the highest value as 65535 but for the bits that are missing.

        Parameters
        ----------
        groups : NDArray[np.uint8]
            ``(H, G, bytes)`` G groups in a row.

        """
        parts = np.moveaxis(groups.astype(np.uint16), -1, 0)
        if self.is_gige:
            first, low, second = parts
            missing = self.bits - 8
            mask = (1 << missing) - 1
            pixels = [first << missing | low & mask, second << missing | low >> 4 & mask]
        else:
            pixels = []
            for pixel in range(self.group[0]):
                byte, bit = divmod(pixel * self.bits, 8)
                both = parts[byte] >> bit | parts[byte + 1] << (8 - bit)
                pixels.append(both & ((1 << self.bits) - 1))
        unpacked = np.stack(pixels, -1) << (16 - self.bits)
        return np.asarray(unpacked.reshape(len(groups), -1), np.uint16)


# By PFNC's names with those of ROS for mosaics.
BIT_PACKED = {
    f'{name}{bits}{ending}': BitPacking(bits, ending == 'packed', conversion)
    for name, conversion in _CONVERSIONS.items()
    for bits in (10, 12)
    for ending in ('p', 'packed')
}
