"""Write a recording as a video with skeletons, ids and floor plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from unihpe_ros.bags.bag_image import BagImage
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.visualisation.anonymise import anonymise, OFF
from unihpe_ros.visualisation.floor_plan import annotate
from unihpe_ros.visualisation.video import contact_sheet, VideoFile, write_picture

_DEFAULT_RATE = 30.0
_SHEET_COLUMNS, _SHEET_ROWS, _SHEET_WIDTH = 3, 4, 512


def write_video(
    path: Path,
    reader: BagReader,
    answers: Mapping[int, Poses],
    truth: Mapping[int, Poses] | None,
    anonymise_mode: str = OFF,
    last: int | None = None,
    sheet: Path | None = None,
    progress: Callable[[Iterable[BagImage]], Iterable[BagImage]] = iter,
) -> int:
    """
    Write a video of the images with skeletons, ids and distances, beside the floor plan.

    An image without its own answer shows the one before, as a user would see it.

    Parameters
    ----------
    path : Path
        The .mp4 to write.
    reader : BagReader
        The recording.
    answers : Mapping[int, Poses]
        What was found, by number of the image.
    truth : Mapping[int, Poses], optional
        The true people by the stamp of their image, ns, for the plan.
    anonymise_mode : str
        See `unihpe_ros.visualisation.anonymise.anonymise`. Images without an answer of their own
        are left out then: people have moved since the one before.
    last : int, optional
        Number of the last image; by default the last with an answer.
    sheet : Path, optional
        A picture to write with twelve of the images, evenly spread.
    progress : Callable[[Iterable[BagImage]], Iterable[BagImage]]
        Wraps the loop, for a progress bar.

    Returns
    -------
    int
        Number of pictures in the video.

    Raises
    ------
    OSError
        If the file cannot be written.

    """
    poses, count = Poses.empty(UNION), 0
    last = max(answers, default=-1) if last is None else last
    chosen = set(np.linspace(0, last, _SHEET_COLUMNS * _SHEET_ROWS).round().astype(int).tolist())
    thumbnails = []
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoFile(path, _rate(reader)) as file:
        for image in progress(reader.images()):
            if image.number > last:
                break
            if image.number in answers:
                poses = answers[image.number]
            elif anonymise_mode != OFF:
                continue
            try:
                picture = image.decode()
            except DecodeError:
                continue  # The report counts it.
            known = None if truth is None else truth.get(image.stamp)
            picture = anonymise(picture, poses, anonymise_mode)
            picture = annotate(picture, poses, reader.camera, known, reader.rotation)
            file.write(picture)
            if sheet is not None and image.number in chosen:
                thumbnails.append(picture)
            count += 1
    if sheet is not None and thumbnails:
        write_picture(sheet, contact_sheet(thumbnails, _SHEET_COLUMNS, _SHEET_WIDTH))
    return count


def _rate(reader: BagReader) -> float:
    """Return the pictures per second of a recording by its first second or so."""
    stamps = []
    for image in reader.images():
        stamps.append(image.stamp)
        if stamps[-1] - stamps[0] > 1e9:
            break
    span = stamps[-1] - stamps[0] if stamps else 0
    return 1e9 * (len(stamps) - 1) / span if span > 0 else _DEFAULT_RATE
