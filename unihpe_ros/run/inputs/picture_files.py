"""Pictures: one, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.ros.images import check_size, DecodeError
from unihpe_ros.run.inputs.source import DEFAULT_RATE, frame_stamp, InputError, InputFrame, Source
from unihpe_ros.visualisation.video import silence_opencv

PICTURE_SUFFIXES = (
    *('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm', '.pbm', '.pnm'),
    *('.jp2', '.avif', '.hdr', '.pfm'),
)
# What OpenCV may read as a picture and as a video: the video has all of its frames.
_ANIMATED = ('.gif',)
# Formats of cameras and telephones that OpenCV does not read.
_FOREIGN = ('.heic', '.heif', '.jxl', '.dng', '.cr2', '.nef', '.arw', '.exr')


class PictureFiles(Source):
    """
    Pictures in order of name, each on its own or as frames of a sequence.

    Parameters
    ----------
    path : Path
        A picture, or a folder of them.
    rate : float
        Frames per second of a sequence; 0 for separate pictures.

    Raises
    ------
    InputError
        If there is none.

    """

    def __init__(self, path: Path, rate: float = 0.0) -> None:
        super().__init__(str(path), rate or DEFAULT_RATE)
        self.still = not rate
        self._files = pictures_in(path) if path.is_dir() else [path]
        if not self._files:
            others = sorted({file.suffix for file in path.iterdir() if file.suffix})
            raise InputError(
                f'{path}: expected pictures ({", ".join(PICTURE_SUFFIXES)}) or a recording in '
                f'this folder; it holds {", ".join(others) or "none"}'
            )
        self.count = len(self._files)

    def frames(self, start: int = 0) -> Iterator[InputFrame]:
        """Read the pictures; one of a folder that cannot be read is left out, with a note."""
        intensity = IntensityRange()
        for number, file in enumerate(self._files):
            if number < start:
                continue
            if self.still:
                intensity = IntensityRange()
            image, reason = _read(file, intensity)
            if intensity.problem:
                self.notes.append(f'{file.name} has no contrast: {intensity.problem}')
            if image is not None:
                yield InputFrame(number, frame_stamp(number, self.rate), image, file.name)
            elif len(self._files) == 1:
                raise InputError(f'{file}: expected a picture (JPEG, PNG, ...); {reason}')
            else:
                self.notes.append(f'{file.name} is left out: expected a picture; {reason}')


def is_picture(file: Path) -> bool:
    """Whether a file is a picture, by its suffix or, whatever it is called, by its first bytes."""
    suffix = file.suffix.lower()
    if suffix in (*PICTURE_SUFFIXES, *_FOREIGN):
        return True
    return suffix not in _ANIMATED and bool(cv2.haveImageReader(str(file)))


def _read(file: Path, intensity: IntensityRange) -> tuple[NDArray[np.uint8] | None, str]:
    """Return a picture, ``(H, W, 3)`` BGR of 8 bits, or None and why there is none."""
    silence_opencv()
    try:
        # A grey picture of floating point is not read as colour. The way a camera was held is in
        # EXIF: people stand upright in the picture then.
        image = cv2.imread(str(file), cv2.IMREAD_ANYCOLOR | cv2.IMREAD_ANYDEPTH)
    except cv2.error as error:
        return None, f'cannot be read: {error.err}'
    if image is None:
        return None, f'cannot be read: {_reason(file)}'
    if image.dtype == np.uint16 or image.dtype.kind == 'f':
        image = intensity.to_eight_bits(image)
    if image.dtype != np.uint8:
        return None, f'cannot be read: it is of {image.dtype}'
    try:
        check_size(image.shape[1], image.shape[0], 'it')
    except DecodeError as error:
        return None, f'is too large: {error}'
    if image.ndim == 2:
        image = cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)
    return np.asarray(image, np.uint8), ''


def _reason(file: Path) -> str:
    """Return why OpenCV reads no picture from a file."""
    suffix = file.suffix.lower()
    if suffix in _FOREIGN:
        return f'OpenCV does not read {suffix}, export it as JPEG or PNG'
    try:
        with file.open('rb') as opened:
            head = opened.read(1)
    except OSError as error:
        return str(error.strerror)
    return 'it is damaged, or no picture' if head else 'it is empty'


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in order of name, without hidden ones."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith('.')
    )
