"""Cameras that are turned: crops show people upright, and all answers are of the picture as is."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera, ROTATIONS
from unihpe_ros.core.rotation import (
    turn_boxes_back,
    turn_image,
    turn_points_back,
    upright_from_camera,
)

W, H = 64, 48
CAMERA = Camera.from_fov(W, H, 1.0)
BOX = np.array([[20.0, 10.0, 30.0, 40.0]])


@pytest.mark.parametrize('degrees', ROTATIONS)
def test_a_box_of_the_turned_image_leads_back(degrees):
    image = np.zeros((H, W, 3), np.uint8)
    image[10:41, 20:31] = 255
    rows, columns = np.nonzero(turn_image(image, degrees)[..., 0])
    box = np.array([[columns.min(), rows.min(), columns.max(), rows.max()]], np.float32)
    np.testing.assert_array_equal(turn_boxes_back(box, degrees, (W, H)), BOX)


def turned(camera: Camera, degrees: int) -> Camera:
    """Return the camera whose picture is turned clockwise, to be turned back by its rotation."""
    w, h = (H, W) if degrees in (90, 270) else (W, H)
    K = camera.K.copy()
    K[:2, 2] = 0.5 * (w - 1), 0.5 * (h - 1)
    return Camera(K, w, h, rotation=(360 - degrees) % 360)


@pytest.mark.parametrize('degrees', ROTATIONS)
def test_a_crop_of_a_turned_picture_is_that_of_the_upright_one(degrees, rng):
    image = cv2.GaussianBlur(rng.integers(0, 256, (H, W, 3), dtype=np.uint8), (0, 0), 3)
    back = (360 - degrees) % 360
    box = turn_boxes_back(BOX, back, turn_image(image, degrees).shape[1::-1])
    upright, _ = Crops.aim(BOX, CAMERA, (36, 48), 1.25)
    camera = turned(CAMERA, degrees)
    crops, _ = Crops.aim(box, camera, (36, 48), 1.25)
    (expected,), (cut,) = upright.cut(image), crops.cut(turn_image(image, degrees))
    assert np.abs(cut[..., :3].astype(int) - expected[..., :3]).max() <= 6
    # 3D comes back into the frame of the turned camera.
    point = np.array([[[0.1, -0.2, 3.0]]])
    angle = np.deg2rad(degrees)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    before, after = upright.to_camera(point)[0, 0], crops.to_camera(point)[0, 0]
    np.testing.assert_allclose(after, [*(spin @ before[:2]), before[2]], atol=1e-6)


@pytest.mark.parametrize('degrees', ROTATIONS)
def test_the_upright_frame_is_that_of_the_turned_picture(degrees):
    points = np.array([[0.3, -0.2, 2.0], [-0.1, 0.4, 3.0]])
    w, h = (H, W) if degrees in (90, 270) else (W, H)
    upright = Camera(np.array([[60.0, 0, (w - 1) / 2], [0, 60, (h - 1) / 2], [0, 0, 1]]), w, h)
    camera = Camera(np.array([[60.0, 0, (W - 1) / 2], [0, 60, (H - 1) / 2], [0, 0, 1]]), W, H)
    seen = upright.project(points @ upright_from_camera(degrees).T)
    back = turn_points_back(seen, degrees, (W, H))
    np.testing.assert_allclose(back, camera.project(points), atol=1e-6)


def test_a_camera_that_is_turned_by_half_a_quarter_is_refused():
    with pytest.raises(ValueError, match='camera rotation: expected 0, 90, 180, 270; got 45'):
        replace(CAMERA, rotation=45)
