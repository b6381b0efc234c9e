"""OpenSim's TRC: 3D keypoints of one person as markers over time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.run.inputs.source import InputError
from unihpe_ros.run.outputs.resampled_motion import PersonMotion

_HEAD = (
    'DataRate\tCameraRate\tNumFrames\tNumMarkers\tUnits\tOrigDataRate\tOrigDataStartFrame\t'
    'OrigNumFrames'
)


def write_trc(path: Path, motion: PersonMotion, skeleton: Skeleton, name: str) -> None:
    """
    Write a person's markers, m, y up.

    Parameters
    ----------
    path : Path
        Where to.
    motion : PersonMotion
        The person.
    skeleton : Skeleton
        The keypoint set of the motion.
    name : str
        Name of the file that the first line repeats.

    """
    frames, k = motion.points.shape[:2]
    rate = f'{motion.rate:g}'
    axes = [f'{axis}{marker + 1}' for marker in range(k) for axis in 'XYZ']
    with path.open('w', encoding='utf-8') as file:
        file.write(f'PathFileType\t4\t(X/Y/Z)\t{name}\n{_HEAD}\n')
        file.write(f'{rate}\t{rate}\t{frames}\t{k}\tm\t{rate}\t1\t{frames}\n')
        file.write('Frame#\tTime\t' + '\t\t\t'.join(skeleton.keypoints) + '\t\t\n')
        file.write('\t\t' + '\t'.join(axes) + '\n\n')
        for frame, row in enumerate(motion.points.reshape(frames, -1).tolist()):
            cells = '\t'.join(f'{value:.5f}' if value == value else '' for value in row)
            file.write(f'{frame + 1}\t{motion.start + frame / motion.rate:.6f}\t{cells}\n')


@dataclass(frozen=True)
class Trc:
    """
    Markers as a TRC file has them.

    Parameters
    ----------
    markers : tuple[str, ...]
        Names, M of them.
    rate : float
        Frames per second.
    units : str
        Unit of the points.
    times : NDArray[np.float64]
        ``(F,)`` s.
    points : NDArray[np.float64]
        ``(F, M, 3)``; NaN where a marker is not known.

    """

    markers: tuple[str, ...]
    rate: float
    units: str
    times: NDArray[np.float64]
    points: NDArray[np.float64]


def read_trc(path: Path) -> Trc:
    """
    Read a TRC file, of this package or another program.

    Raises
    ------
    InputError
        If the file is malformed; the message names the line.

    """
    lines = path.read_text(encoding='utf-8').splitlines()
    if len(lines) < 5 or not lines[0].startswith('PathFileType'):
        raise InputError(f'{path}: expected a TRC file; it begins with {lines[:1]}')
    settings = dict(zip(lines[1].split('\t'), lines[2].split('\t'), strict=False))
    markers = tuple(name.strip() for name in lines[3].split('\t')[2:] if name.strip())
    columns = 3 * len(markers)
    times, rows = [], []
    for number, line in enumerate(lines[5:], 6):
        if not line.strip():
            continue
        cells = line.split('\t')[1:]
        try:
            values = [float(cell) if cell.strip() else np.nan for cell in cells[: columns + 1]]
        except ValueError as error:
            raise InputError(f'{path}, line {number}: expected numbers; {error}') from error
        times.append(values[0])
        rows.append(values[1:] + [np.nan] * (columns + 1 - len(values)))
    try:
        rate, units = float(settings['DataRate']), settings['Units']
    except (KeyError, ValueError) as error:
        raise InputError(f'{path}, line 3: expected DataRate and Units; {error}') from error
    points = np.array(rows).reshape(len(rows), len(markers), 3)
    return Trc(markers, rate, units, np.array(times), points)
