"""Find the package's own files: weights, configuration and demo input."""

import os
from pathlib import Path
import sys

PACKAGE = 'unihpe_ros'


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
