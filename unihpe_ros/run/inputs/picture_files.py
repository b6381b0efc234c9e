"""Pictures: one, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.run.inputs.source import DEFAULT_RATE, frame_stamp, InputError, InputFrame, Source

PICTURE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff', '.ppm', '.pgm')


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
            image = _read(file, intensity)
            if intensity.problem:
                self.notes.append(f'{file.name} has no contrast: {intensity.problem}')
            if image is not None:
                yield InputFrame(number, frame_stamp(number, self.rate), image, file.name)
            elif len(self._files) == 1:
                raise InputError(f'{file}: expected a picture (JPEG, PNG, ...); cannot be read')
            else:
                self.notes.append(f'{file.name} cannot be read as a picture: it is left out')


def _read(file: Path, intensity: IntensityRange) -> NDArray[np.uint8] | None:
    """Return a picture, ``(H, W, 3)`` BGR of 8 bits; None if it is none."""
    # EXIF rotation is applied, so that people are upright.
    image = cv2.imread(str(file), cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH)
    if image is None or image.dtype == np.uint8:
        return None if image is None else np.asarray(image, np.uint8)
    if image.dtype != np.uint16:
        return None
    return intensity.to_eight_bits(np.asarray(image, np.uint16))


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in order of name, without hidden ones."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith('.')
    )
