"""Write a recording as a video with skeletons, ids and floor plan."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from unihpe_ros.bags.reader import BagImage, BagReader
from unihpe_ros.bench.recordings.recorder import Answer
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.visualisation.anonymise import anonymise, OFF
from unihpe_ros.visualisation.floor_plan import annotate
from unihpe_ros.visualisation.video import VideoFile

_DEFAULT_RATE = 30.0


def write_video(
    path: Path,
    reader: BagReader,
    answers: Mapping[int, Answer],
    truth: Mapping[int, Poses] | None,
    anonymise_mode: str = OFF,
    progress: Callable[[Iterable[BagImage]], Iterable[BagImage]] = iter,
) -> int:
    """
    Draw skeletons, ids and distances into the images, beside the room seen from above.

    An image without an answer of its own shows the answer before: what a user would see.

    Parameters
    ----------
    path : Path
        The .mp4 to write.
    reader : BagReader
        The recording.
    answers : Mapping[int, Answer]
        What was found, by number of the image; it ends with the last of them.
    truth : Mapping[int, Poses], optional
        The true people by the stamp of their image, ns, for the plan.
    anonymise_mode : str
        See `unihpe_ros.visualisation.anonymise.anonymise`. Images without an answer of their own
        are left out then: people have moved since the one before.
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
    poses, count, last = Poses.empty(UNION), 0, max(answers, default=-1)
    path.parent.mkdir(parents=True, exist_ok=True)
    with VideoFile(path, _rate(reader)) as file:
        for image in progress(reader.images()):
            if image.number > last:
                break
            if image.number in answers:
                poses = answers[image.number].poses
            elif anonymise_mode != OFF:
                continue
            try:
                picture = image.decode()
            except DecodeError:
                continue  # The report counts it.
            known = None if truth is None else truth.get(image.stamp)
            picture = anonymise(picture, poses, anonymise_mode)
            file.write(annotate(picture, poses, reader.camera, known))
            count += 1
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
