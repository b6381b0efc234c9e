"""Paths of the package's own files: weights, configuration and demo input."""

from collections.abc import Sequence
import os
from pathlib import Path
import sys

PACKAGE = 'unihpe_ros'
# The shipped model and the shipped person detector that run unless others are asked for.
MODEL, DETECTOR = 'unihpe_rt_full', 'unihpe_det_full'


def find_resource(relative: str) -> Path:
    """
    Find a file or folder that ships with the package.

    The path is the same in a source checkout and under ``share/unihpe_ros`` of an installation,
    whether pip or colcon made it; ament is not asked, so that the library works without ROS.

    Parameters
    ----------
    relative : str
        Path from the top of the repository, such as ``config/pose.yaml``.

    Returns
    -------
    Path
        Where it is on this machine.

    Raises
    ------
    FileNotFoundError
        If it is nowhere; the message names every place that was looked at.

    """
    places = [place / relative for place in _share_folders()]
    for place in places:
        if place.exists():
            return place
    looked = ', '.join(str(place) for place in places)
    raise FileNotFoundError(
        f'{relative}: expected among the files of {PACKAGE}; looked at {looked}'
    )


def find_model_files(model: str | Path, branches: Sequence[str]) -> dict[str, Path]:
    """
    Find the ONNX files of a model.

    Parameters
    ----------
    model : str or Path
        Any of the files, their path without the ending, or the name of a model that ships.
    branches : Sequence[str]
        What comes before ``.onnx`` in the name of each file, such as 'image'; '' for nothing.

    Returns
    -------
    dict[str, Path]
        By branch.

    Raises
    ------
    FileNotFoundError
        If one is missing; the message is every path that was looked at in vain.

    """
    given = Path(model)
    endings = {branch: f'.{branch}.onnx' if branch else '.onnx' for branch in branches}
    ending = next((end for end in endings.values() if given.name.endswith(end)), '')
    tried: list[Path] = []
    for place in model_places(str(given).removesuffix(ending)):
        files = {branch: Path(f'{place}{end}') for branch, end in endings.items()}
        missing = [file for file in files.values() if not file.is_file()]
        if not missing:
            return files
        tried += missing
    raise FileNotFoundError(', '.join(map(str, tried)))


def model_places(model: str | Path) -> list[Path]:
    """
    Return where a model may be, the first place that counts at the front.

    Parameters
    ----------
    model : str or Path
        The path of its files without the ending, or the name of a model that ships.

    """
    given = Path(model)
    if len(given.parts) > 1:
        return [given]
    return [given, *(folder / 'resource/models' / given for folder in _share_folders())]


def _share_folders() -> list[Path]:
    """Return the folders that may hold the package's files, the nearest first."""
    package = Path(__file__).resolve().parents[1]
    checkout = [package.parent] if (package.parent / 'package.xml').is_file() else []
    # An installation has <prefix>/[local/]lib/python3.x/{site,dist}-packages/unihpe_ros, where the
    # prefix is a virtual environment, /usr, /usr/local, ~/.local or colcon's install folder.
    prefixes = [*package.parents[3:5], Path(sys.prefix)]
    prefixes += [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    shared = [prefix / 'share' / PACKAGE for prefix in prefixes]
    return list(dict.fromkeys(checkout + shared))
