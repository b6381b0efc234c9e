"""Writers of all output formats by file suffix; each file appears whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from unihpe_ros.core.files import naming, replacing
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.run.outputs.arrays import write_npz
from unihpe_ros.run.outputs.bvh import write_bvh
from unihpe_ros.run.outputs.coco_keypoints import write_coco
from unihpe_ros.run.outputs.csv_table import write_csv
from unihpe_ros.run.outputs.people_file import PeopleFile, write_jsonl
from unihpe_ros.run.outputs.resampled_motion import person_motions
from unihpe_ros.run.outputs.trc import write_trc

Writer = Callable[[Path, PeopleFile, Skeleton], None]


class OutputError(ValueError):
    """A file that cannot be written as asked for."""


def _write_mcap(path: Path, people: PeopleFile, skeleton: Skeleton) -> None:
    # rosbags is not needed for anything else that is written.
    from unihpe_ros.run.outputs.mcap import write_mcap

    write_mcap(path, people, skeleton)


WHOLE: dict[str, Writer] = {
    '.csv': write_csv,
    '.jsonl': write_jsonl,
    '.json': write_coco,
    '.npz': write_npz,
    '.mcap': _write_mcap,
}
# Formats with one file for each person.
PER_PERSON = ('.bvh', '.trc')


def check_format(path: Path) -> None:
    """Raise OutputError if no format has this suffix, or a folder lies there."""
    if path.suffix not in (*WHOLE, *PER_PERSON):
        raise OutputError(
            f'{path}: expected a file ending in {", ".join((*WHOLE, *PER_PERSON))}; '
            f'got {path.suffix or "none"}'
        )
    if path.is_dir():
        raise OutputError(f'{path}: expected a file to write; it is a folder')
    if path.suffix == '.mcap':
        import rosbags  # noqa: F401


def write_outputs(paths: Sequence[Path], people: PeopleFile, skeleton: Skeleton) -> list[Path]:
    """
    Write people in the format of each path's suffix.

    Parameters
    ----------
    paths : Sequence[Path]
        Where to; motion files get the person's id added to their name.
    people : PeopleFile
        The people of all frames, in the UNION skeleton.
    skeleton : Skeleton
        The keypoint set to write, for formats without a fixed one.

    Returns
    -------
    list[Path]
        The files that were made.

    Raises
    ------
    OSError
        If a file cannot be written; none of that format is then.

    """
    made = []
    for path in paths:
        with naming(path):
            if path.suffix in WHOLE:
                with replacing(path) as partial:
                    WHOLE[path.suffix](partial, people, skeleton)
                made.append(path)
            else:
                made += _write_people(path, people)
    return made


def _write_people(path: Path, people: PeopleFile) -> list[Path]:
    """Write a motion file for each person; all are renamed when all are written."""
    made = []
    with ExitStack() as files:
        for motion in person_motions(people, people.header.skeleton):
            target = path.with_name(f'{path.stem}_{motion.track_id}{path.suffix}')
            partial = files.enter_context(replacing(target))
            if path.suffix == '.bvh':
                write_bvh(partial, motion)
            else:
                write_trc(partial, motion, people.header.skeleton, target.name)
            made.append(target)
    return made
