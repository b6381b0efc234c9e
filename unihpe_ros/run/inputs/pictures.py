"""Pictures: one, or a folder of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
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
        Frames per second of a sequence; 0 says that the pictures do not follow each other.

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
        for number, file in enumerate(self._files):
            if number < start:
                continue
            # The way a camera was held is in EXIF: people stand upright in the picture then.
            image = cv2.imread(str(file), cv2.IMREAD_COLOR)
            if image is not None:
                yield InputFrame(number, frame_stamp(number, self.rate), image, file.name)
            elif len(self._files) == 1:
                raise InputError(f'{file}: expected a picture (JPEG, PNG, ...); cannot be read')
            else:
                self.notes.append(f'{file.name} cannot be read as a picture: it is left out')


def pictures_in(folder: Path) -> list[Path]:
    """Return the pictures of a folder in order of name, without hidden ones."""
    return sorted(
        file
        for file in folder.iterdir()
        if file.suffix.lower() in PICTURE_SUFFIXES and not file.name.startswith('.')
    )
