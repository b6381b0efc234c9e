"""Poses of the cameras in the frame in which people are tracked, by TF at the images' stamps."""

from __future__ import annotations

import math
import time

import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import Header
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.transforms import TransformError, Transforms

# Time, s, without waiting for a transform after one did not arrive in time.
_PATIENCE = 1.0


class CameraPoses:
    """
    Positions of cameras from TF; without one the camera is taken to stand still.

    Parameters
    ----------
    transforms : Transforms
        The lookup of transforms.
    frame : str
        The frame that stays still, `tracking_frame`.

    """

    def __init__(self, transforms: Transforms, frame: str) -> None:
        self._transforms, self._frame = transforms, frame
        # time.monotonic() of the last wait in vain, by camera.
        self._missed: dict[str, float] = {}

    def at(
        self, camera: str, header: Header, timeout: float, log: CameraLog
    ) -> NDArray[np.float64] | None:
        """
        Return where a camera was when its image was taken.

        Parameters
        ----------
        camera : str
            Its name.
        header : Header
            The image's.
        timeout : float
            Longest wait for a transform that is not available yet, s.
        log : CameraLog
            Logs once if there is none.

        Returns
        -------
        NDArray[np.float64], optional
            ``(4, 4)`` world_from_camera, m; None if TF does not know it.

        """
        now = time.monotonic()
        if now - self._missed.get(camera, -math.inf) < _PATIENCE:
            # So that a robot without odometry does not wait at every image.
            timeout = 0.0
        try:
            found = self._transforms.at(self._frame, header, timeout)
        except TransformError as error:
            if timeout:
                self._missed[camera] = now
            log.warning(
                f'no ego-motion: TF did not say in time where {header.frame_id!r} was in '
                f'{self._frame!r}; people are tracked as if the camera stood still between such '
                'images',
                details=f'; {error}',
            )
            return None
        self._missed.pop(camera, None)
        return found.matrix
