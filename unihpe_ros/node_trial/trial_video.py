"""Write a trial as a video and a contact sheet."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.node_trial.trial import Trial
from unihpe_ros.node_trial.trial_report import rate
from unihpe_ros.ros.images import BgrImage
from unihpe_ros.visualisation.floor_plan import annotate
from unihpe_ros.visualisation.video import contact_sheet, VideoFile, write_picture

_SHEET_COLUMNS, _SHEET_ROWS, _SHEET_WIDTH = 3, 4, 512


def write_pictures(
    trial: Trial,
    recording: BagReader,
    video: Path,
    sheet: Path,
    progress: Callable[[Iterator[BgrImage]], Iterator[BgrImage]] = iter,
) -> None:
    """
    Draw the answers into the images, beside the room seen from above.

    An image without an answer of its own, since the node was busy with another one, shows the
    answer before: what a user of the topic would see.

    Parameters
    ----------
    trial : Trial
        What the node answered.
    recording : BagReader
        What the camera played, or recorded.
    video : Path
        The .mp4 to write.
    sheet : Path
        The contact sheet to write.
    progress : Callable[[Iterator[BgrImage]], Iterator[BgrImage]]
        Wraps the loop, for a progress bar.

    Raises
    ------
    BagError
        If the recording is damaged, or no image was sent.
    OSError
        If the files cannot be written.

    """
    if not trial.sent:
        raise BagError(f'{recording.path}: no image was sent')
    chosen = np.linspace(0, len(trial.sent) - 1, _SHEET_COLUMNS * _SHEET_ROWS).round()
    thumbnails = []
    with VideoFile(video, rate(trial.sent) or 30.0) as file:
        for index, picture in enumerate(progress(_pictures(trial, recording))):
            file.write(picture)
            if index in chosen:
                thumbnails.append(picture)
    write_picture(sheet, contact_sheet(thumbnails, _SHEET_COLUMNS, _SHEET_WIDTH))


def _pictures(trial: Trial, recording: BagReader) -> Iterator[BgrImage]:
    truth = recording.truth() or {}
    stamps = {number: stamp for stamp, number in trial.sent.items()}
    poses = Poses.empty(UNION)
    for number, (stamp, picture) in enumerate(recording.frames()):
        if number not in stamps:
            return
        poses = trial.answers.get(stamps[number], poses)
        yield annotate(picture, poses, recording.camera, truth.get(stamp))
