"""Reader of pose banks: 3D poses without pictures, made by `unihpe render --poses-only`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.records import ARCHIVE_DAMAGE, DatasetError


def load_pose_bank(path: Path) -> NDArray[np.float32]:
    """
    Return the positions of a pose bank.

    Parameters
    ----------
    path : Path
        The .npz file; its `keypoints` must be the union set in order.

    Returns
    -------
    NDArray[np.float32]
        ``(M, 26, 3)`` world frame, Z up, m.

    Raises
    ------
    DatasetError
        If the file is missing, no bank, empty, not finite, or of another keypoint set.

    """
    try:
        with np.load(path) as bank:
            positions, names = bank['positions'], tuple(bank['keypoints'].tolist())
    except FileNotFoundError as error:
        hint = 'make it with `unihpe render --poses-only`'
        raise DatasetError(f'{path}: no such pose bank; {hint}') from error
    except (KeyError, ValueError, *ARCHIVE_DAMAGE) as error:
        # What NumPy says of it may be advice to trust the file.
        raise DatasetError(f'{path}: expected arrays positions and keypoints of a bank') from error
    if names != UNION.keypoints or positions.shape[1:] != (len(UNION), 3):
        raise DatasetError(f'{path}: expected keypoints of {UNION.name}; got {names}')
    if not len(positions) or not np.isfinite(positions).all():
        raise DatasetError(f'{path}: positions: expected finite poses; got {len(positions)}')
    return np.ascontiguousarray(positions, np.float32)
