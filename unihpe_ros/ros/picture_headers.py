"""Read the size of a packed picture from its header, before anything is allocated for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
import re
from typing import Literal

Size = tuple[int, int]
SizeReader = Callable[[memoryview], Size | None]

# Markers of a JPEG that start a frame header (SOF0..15 without DHT, JPG and DAC).
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
# Markers that no length follows: TEM and RST0..7.
_JPEG_BARE = frozenset([0x01, *range(0xD0, 0xD8)])
_PNG_DEPTHS = (1, 2, 4, 8, 16)
PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by the header's colour type
_TIFF_SIDES, _TIFF_TILES, _TIFF_ORIENTATION = (256, 257), (322, 323), 274
_TIFF_TYPES = {3: 2, 4: 4}  # bytes of SHORT and LONG
# A tile is allocated whole, even for a small picture.
_LARGEST_TILE = 4096
_PNM = re.compile(rb'P[1-6]\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s+(?:#[^\n]*\n\s*)*(\d{1,9})\s')

_PFM = re.compile(rb'P[Ff]\s+(\d{1,9})\s+(\d{1,9})\s')
_HDR = re.compile(rb'\n-Y (\d{1,9}) \+X (\d{1,9})\n')


def kind_of(data: memoryview) -> str:
    """Return which format packed bytes are in: a key of `SIZE_READERS`, or '' if none is known."""
    head = bytes(data[:12])
    if head[:4] == b'RIFF' and head[8:] == b'WEBP':
        return 'WebP'
    if head[4:] in (b'ftypavif', b'ftypavis'):
        return 'AVIF'
    return next((name for start, name in _STARTS.items() if head.startswith(start)), '')


def jpeg_size(data: memoryview) -> Size | None:
    """Return (w, h) from the frame header of a JPEG; None if there is none."""
    at = 2
    while at + 9 <= len(data):
        if data[at] != 0xFF:
            return None
        if data[at + 1] == 0xFF:  # A fill byte.
            at += 1
        elif data[at + 1] in _JPEG_BARE:
            at += 2
        elif data[at + 1] in _JPEG_FRAMES:
            height, width = data[at + 5 : at + 7], data[at + 7 : at + 9]
            return int.from_bytes(width, 'big'), int.from_bytes(height, 'big')
        else:
            at += 2 + int.from_bytes(data[at + 2 : at + 4], 'big')
    return None


def png_size(data: memoryview) -> Size | None:
    """Return (w, h) from the header of a PNG; None if depth or colour type is invalid."""
    # With another depth or colour type, a decoder allocates memory before it fails.
    if len(data) < 26 or data[24] not in _PNG_DEPTHS or data[25] not in PNG_CHANNELS:
        return None
    return int.from_bytes(data[16:20], 'big'), int.from_bytes(data[20:24], 'big')


def _webp_size(data: memoryview) -> Size | None:
    kind = bytes(data[12:16])
    if len(data) < 30:
        return None
    if kind == b'VP8X':
        return tuple(1 + int.from_bytes(data[at : at + 3], 'little') for at in (24, 27))  # type: ignore[return-value]
    if kind == b'VP8L' and data[20] == 0x2F:
        bits = int.from_bytes(data[21:25], 'little')
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    if kind == b'VP8 ' and bytes(data[23:26]) == b'\x9d\x01\x2a':
        width, height = data[26:28], data[28:30]
        return (
            int.from_bytes(width, 'little') & 0x3FFF,
            int.from_bytes(height, 'little') & 0x3FFF,
        )
    return None


def _bmp_size(data: memoryview) -> Size | None:
    if len(data) < 26:
        return None
    if data[14] == 12:
        return int.from_bytes(data[18:20], 'little'), int.from_bytes(data[20:22], 'little')
    width, height = (int.from_bytes(data[at : at + 4], 'little', signed=True) for at in (18, 22))
    # A negative height says that the first row is the top one.
    return width, abs(height)


def as_sensor_took_it(data: memoryview) -> memoryview:
    """Return a TIFF that does not say how the camera was held: OpenCV would turn the picture."""
    turned = [
        (at, length)
        for tag, value, at, length in _tiff_entries(data)
        if tag == _TIFF_ORIENTATION and value != 1
    ]
    if not turned:
        return data
    changed = bytearray(data)
    for at, length in turned:
        changed[at : at + length] = (1).to_bytes(length, _tiff_order(data))
    return memoryview(changed)


def _tiff_order(data: memoryview) -> Literal['little', 'big']:
    return 'little' if data[0] == ord('I') else 'big'


def _tiff_entries(data: memoryview) -> Iterator[tuple[int, int, int, int]]:
    """Yield tag, number, place and length of the numbers in the first header of a TIFF."""
    order = _tiff_order(data)

    def number(at: int, length: int) -> int:
        return int.from_bytes(data[at : at + length], order)

    first = number(4, 4)
    for at in range(first + 2, first + 2 + 12 * min(number(first, 2), 512), 12):
        length = _TIFF_TYPES.get(number(at + 2, 2))
        if at + 12 <= len(data) and length is not None:
            yield number(at, 2), number(at + 8, length), at + 8, length


def _tiff_size(data: memoryview) -> Size | None:
    sides = {tag: value for tag, value, _, _ in _tiff_entries(data)}
    if any(sides.get(tag, 0) > _LARGEST_TILE for tag in _TIFF_TILES):
        return None
    width, height = (sides.get(tag, 0) for tag in _TIFF_SIDES)
    return (width, height) if width and height else None


def _jp2_size(data: memoryview) -> Size | None:
    start = bytes(data[:4096]).find(b'\xff\x4f\xff\x51')
    if start < 0 or start + 24 > len(data):
        return None
    x, y, x_offset, y_offset = (
        int.from_bytes(data[at : at + 4], 'big') for at in range(start + 8, start + 24, 4)
    )
    return x - x_offset, y - y_offset


def _pnm_size(data: memoryview) -> Size | None:
    found = _PNM.match(bytes(data[:512]))
    return (int(found[1]), int(found[2])) if found else None


def _pfm_size(data: memoryview) -> Size | None:
    found = _PFM.match(bytes(data[:512]))
    return (int(found[1]), int(found[2])) if found else None


def _hdr_size(data: memoryview) -> Size | None:
    found = _HDR.search(bytes(data[:4096]))
    return (int(found[2]), int(found[1])) if found else None


def _gif_size(data: memoryview) -> Size | None:
    if len(data) < 10:
        return None
    return int.from_bytes(data[6:8], 'little'), int.from_bytes(data[8:10], 'little')


def _avif_size(data: memoryview) -> Size | None:
    """Return the largest extent that is declared: a picture in tiles has one for each."""
    head, found = bytes(data[:4096]), []
    at = head.find(b'ispe')
    while at >= 0 and at + 16 <= len(head):
        width, height = head[at + 8 : at + 12], head[at + 12 : at + 16]
        found.append((int.from_bytes(width, 'big'), int.from_bytes(height, 'big')))
        at = head.find(b'ispe', at + 4)
    return max(found, key=lambda size: size[0] * size[1], default=None)


_STARTS = {
    b'\xff\xd8\xff': 'JPEG',
    b'\x89PNG\r\n\x1a\n': 'PNG',
    b'II*\x00': 'TIFF',
    b'MM\x00*': 'TIFF',
    b'BM': 'BMP',
    b'GIF87a': 'GIF',
    b'GIF89a': 'GIF',
    b'\x00\x00\x00\x0cjP  \r\n\x87\n': 'JPEG 2000',
    b'\xff\x4f\xff\x51': 'JPEG 2000',
    **{f'P{kind}'.encode(): 'PNM' for kind in range(1, 7)},
    b'PF': 'PFM',
    b'Pf': 'PFM',
    b'#?RADIANCE': 'Radiance HDR',
    b'#?RGBE': 'Radiance HDR',
}
SIZE_READERS: dict[str, SizeReader] = {
    'JPEG': jpeg_size,
    'PNG': png_size,
    'WebP': _webp_size,
    'TIFF': _tiff_size,
    'BMP': _bmp_size,
    'JPEG 2000': _jp2_size,
    'PNM': _pnm_size,
    'PFM': _pfm_size,
    'Radiance HDR': _hdr_size,
    'GIF': _gif_size,
    'AVIF': _avif_size,
}
