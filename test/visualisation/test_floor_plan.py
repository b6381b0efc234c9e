"""The floor plan: people from above, whichever way the camera is turned."""

from dataclasses import replace

import numpy as np
import pytest
from tiny_bag import CAMERA, truth_at, walker
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.rotation import upright_from_camera
from unihpe_ros.visualisation.floor_plan import draw_room


@pytest.mark.parametrize('degrees', [90, 180, 270])
def test_plan_of_a_turned_camera_is_that_of_the_upright_one(degrees):
    poses, _ = truth_at(walker(0.5))
    upright = draw_room((300, 400), poses, CAMERA, poses)
    spun = replace(poses, keypoints_3d=poses.keypoints_3d @ upright_from_camera(degrees))
    K = CAMERA.K.copy()
    size = CAMERA.width, CAMERA.height
    if degrees != 180:
        size = size[::-1]
        K[:2, 2] = K[[1, 0], 2]
    camera = Camera(K, *size, rotation=degrees)
    turned = draw_room((300, 400), spun, camera, spun, rotation=degrees)
    # Points may be rounded to other sides.
    assert (np.abs(turned.astype(int) - upright) > 40).mean() < 1e-3
    assert (np.abs(draw_room((300, 400), spun, camera, spun).astype(int) - upright) > 40).any()
