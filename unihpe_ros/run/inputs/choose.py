"""Opens the source that a text names: a file, a folder, a camera, a stream or ``-``."""

from __future__ import annotations

from dataclasses import dataclass
import errno
import os
from pathlib import Path
import re
import sys

from unihpe_ros.bags.file_kinds import is_bag_file
from unihpe_ros.run.inputs.live import open_stream, open_webcam, STREAM
from unihpe_ros.run.inputs.picture_files import is_picture, PictureFiles
from unihpe_ros.run.inputs.source import DEFAULT_RATE, InputError, Source
from unihpe_ros.run.inputs.standard_input import StandardInput
from unihpe_ros.run.inputs.video_frames import Video

# Which inputs the options of some are for.
_FOR = {
    '--topic': 'recordings',
    '--raw': 'frames on standard input',
    '--fps': 'folders of pictures and frames on standard input',
    '--fov': 'inputs without a calibration',
}
_STORAGES = ('*.mcap', '*.db3', '*.mcap.zstd', '*.db3.zstd')


@dataclass(frozen=True)
class InputOptions:
    """
    Options of an input: topic, size of raw frames, rate, rotation.

    Parameters
    ----------
    topic : str
        Topic of the images in a recording; if empty, the one there is.
    raw : tuple[int, int], optional
        (w, h) px of raw BGR frames on standard input; None for JPEGs.
    rate : float
        Frames per second of pictures and of standard input; 0 is unknown.
    rotation : int
        By how many degrees the frames are turned clockwise to be upright.
    fov_deg : float
        Field of view that is assumed without a calibration; 0 for the default.

    """

    topic: str = ''
    raw: tuple[int, int] | None = None
    rate: float = 0.0
    rotation: int = 0
    fov_deg: float = 0.0


def open_input(text: str, options: InputOptions) -> Source:
    """
    Open an input.

    Parameters
    ----------
    text : str
        A path, ``camera:N``, a URL, or ``-`` for standard input.
    options : InputOptions
        See there.

    Raises
    ------
    InputError, BagError
        If it is not there or cannot be read.

    """
    source = _open(text, options)
    source.rotation = options.rotation
    fov = options.fov_deg if source.is_calibrated else 0.0
    given = {'--topic': options.topic, '--raw': options.raw, '--fps': options.rate, '--fov': fov}
    source.notes += [
        f'{name} is not used: it is for {_FOR[name]}'
        for name, value in given.items()
        if value and name not in _used_options(text, source)
    ]
    return source


def _used_options(text: str, source: Source) -> tuple[str, ...]:
    if isinstance(source, StandardInput):
        return '--raw', '--fps'
    if isinstance(source, PictureFiles):
        return ('--fps',)
    return ('--topic',) if _is_recording(Path(text)) else ()


def _open(text: str, options: InputOptions) -> Source:
    if text == '-':
        return StandardInput(sys.stdin.buffer, options.rate or DEFAULT_RATE, options.raw)
    if camera := re.fullmatch(r'camera:(\d+)', text):
        return open_webcam(int(camera[1]))
    if STREAM.match(text):
        return open_stream(text)
    path = Path(text)
    # An empty text would be the current folder; it usually comes from a shell variable that is not
    # set.
    if not text or not path.exists():
        raise InputError(
            f'{text or repr(text)}: expected a video, a picture, a folder of pictures, a '
            'recording, camera:N, a URL or -; there is no such file'
        )
    if not os.access(path, os.R_OK | (os.X_OK if path.is_dir() else 0)):
        raise InputError(f'{path}: cannot be read: {os.strerror(errno.EACCES)}')
    if _is_recording(path):
        from unihpe_ros.run.inputs.recorded_frames import RecordedFrames

        return RecordedFrames(path, options.topic, options.rotation)
    if path.is_dir() or is_picture(path):
        return PictureFiles(path, options.rate)
    return Video(path)


def _is_recording(path: Path) -> bool:
    if not path.is_dir():
        return is_bag_file(path)
    # A killed recorder leaves no metadata.yaml.
    files = [path / 'metadata.yaml', *(file for end in _STORAGES for file in path.glob(end))]
    return any(file.is_file() for file in files)


def input_name(text: str) -> str:
    """Return the name of an input that is used in the names of its output files."""
    if text == '-':
        return 'stdin'
    if text.startswith('camera:') or STREAM.match(text):
        return re.sub(r'\W+', '_', re.sub(r'^\w+://([^/@]*@)?', '', text)).strip('_')
    path = Path(text)
    return path.resolve().name if path.is_dir() else path.stem
