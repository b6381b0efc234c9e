"""Draw people seen from above, and their distances from the camera."""

from __future__ import annotations

import colorsys
import math
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.rotation import upright_from_camera
from unihpe_ros.visualisation.skeletons import draw_poses

_GROUND = (32, 32, 32)
_LINES = (80, 80, 80)
_TEXT = (190, 190, 190)
_TRUTH = (140, 140, 140)
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_MARGIN = 24
# OpenCV draws at 1/16 px.
_SHIFT = 4
_HEAD_M = 0.12
_RING_M = 0.3
_PANEL_SHARE = 0.8  # Width of the plan over the height of the picture.
# Turns of the colour wheel by the golden ratio set neighbouring ids far apart.
_GOLDEN = 0.618034


def person_colour(track_id: int) -> tuple[float, float, float]:
    """Return the BGR colour of a person, 0 to 255."""
    red, green, blue = colorsys.hsv_to_rgb(track_id * _GOLDEN % 1, 0.6, 1.0)
    return 255 * blue, 255 * green, 255 * red


def centres(poses: Poses) -> NDArray[np.float32]:
    """``(N, 3)`` middle of each person, m, camera frame; NaN where nothing is known."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # All-NaN rows stay NaN.
        return np.asarray(np.nanmedian(poses.keypoints_3d, axis=1), np.float32).reshape(-1, 3)


def draw_room(
    size: tuple[int, int],
    poses: Poses,
    camera: Camera | None = None,
    truth: Poses | None = None,
    reach: float = 7.0,
    rotation: int = 0,
) -> NDArray[np.uint8]:
    """
    Draw people from above, the camera at the bottom.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the picture, px.
    poses : Poses
        N people; those whose place is not known are left out.
    camera : Camera, optional
        Gives the field of view.
    truth : Poses, optional
        The true people, drawn as rings.
    reach : float
        Depth that the picture covers, m.
    rotation : int
        By how many degrees the picture is turned clockwise to be upright.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    width, height = size
    canvas = np.full((height, width, 3), _GROUND, np.uint8)
    plan = _Plan(canvas, (height - 2 * _MARGIN) / reach, rotation)
    plan.rings(reach)
    if camera is not None:
        plan.field_of_view(camera, reach)
    if truth is not None:
        for x, _, z in plan.upright(centres(truth)):
            plan.ring(x, z, _RING_M, _TRUTH)
    title = 'from above'
    if poses.root_mode is RootMode.RELATIVE and len(poses):
        title = 'places are not known'
    else:
        for person in range(len(poses)):
            plan.person(poses, person)
    cv2.putText(canvas, title, (8, 18), _FONT, 0.45, _TEXT, 1, cv2.LINE_AA)
    return canvas


def annotate(
    image: NDArray[np.uint8],
    poses: Poses,
    camera: Camera | None = None,
    truth: Poses | None = None,
    rotation: int = 0,
) -> NDArray[np.uint8]:
    """
    Return an image with people drawn in, and the floor plan beside it.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    poses : Poses
        N people.
    camera : Camera, optional
        Intrinsics of the image.
    truth : Poses, optional
        The true people, for the plan.
    rotation : int
        By how many degrees the image is turned clockwise to be upright; the plan is of the floor
        all the same.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W + 0.8 H, 3)`` BGR, of even width and height as video encoders want it.

    """
    drawn = draw_poses(image, poses)
    height, width = (side - side % 2 for side in drawn.shape[:2])
    panel = 2 * round(0.5 * _PANEL_SHARE * height)
    plan = draw_room((panel, height), poses, camera, truth, rotation=rotation)
    return np.hstack([drawn[:height, :width], plan])


class _Plan:
    """Floor plan that is being drawn; converts metres to pixels."""

    def __init__(self, canvas: NDArray[np.uint8], scale: float, rotation: int) -> None:
        self._canvas = canvas
        self._scale = scale
        self._upright = upright_from_camera(rotation)
        self._origin = np.array([canvas.shape[1] / 2, canvas.shape[0] - _MARGIN])

    def _at(self, x: float, z: float) -> tuple[int, int]:
        pixel = self._origin + self._scale * np.array([x, -z])
        limit = 4 * max(self._canvas.shape)
        fixed = np.rint(np.clip(pixel, -limit, limit) * 2**_SHIFT).astype(int)
        return int(fixed[0]), int(fixed[1])

    def upright(self, points: NDArray[np.floating]) -> NDArray[np.floating]:
        """Return ``(..., 3)`` points of the camera's frame, m, in that of an upright camera."""
        return np.asarray(points @ self._upright.T)

    def ring(self, x: float, z: float, radius: float, colour: tuple[int, ...]) -> None:
        if math.isfinite(x) and math.isfinite(z):
            size = round(radius * self._scale * 2**_SHIFT)
            cv2.circle(self._canvas, self._at(x, z), size, colour, 1, cv2.LINE_AA, _SHIFT)

    def rings(self, reach: float) -> None:
        for metres in range(1, math.ceil(reach)):
            self.ring(0.0, 0.0, metres, _LINES)
            x, y = (value >> _SHIFT for value in self._at(0.0, metres))
            place = (x + 4, y - 4)
            cv2.putText(self._canvas, f'{metres} m', place, _FONT, 0.35, _TEXT, 1, cv2.LINE_AA)

    def field_of_view(self, camera: Camera, reach: float) -> None:
        right, bottom = camera.width - 1, camera.height - 1
        x, y = right / 2, bottom / 2
        edges = np.array([[0, y], [right, y], [x, 0], [x, bottom]])
        rays = self.upright(np.column_stack([camera.rays(edges), np.ones(4)]))
        # The sides of the upright picture: the two rays that are level.
        for x, _, _ in rays[np.argsort(np.abs(rays[:, 1]))[:2]]:
            ends = self._at(0, 0), self._at(x * reach, reach)
            cv2.line(self._canvas, *ends, _LINES, 1, cv2.LINE_AA, _SHIFT)

    def person(self, poses: Poses, person: int) -> None:
        points = self.upright(poses.keypoints_3d[person])
        known = np.isfinite(points).all(-1)
        if not known.any():
            return
        colour = person_colour(int(poses.track_ids[person]))
        for parent, child in poses.skeleton.bones:
            if known[parent] and known[child]:
                ends = [self._at(*points[joint, [0, 2]]) for joint in (parent, child)]
                cv2.line(self._canvas, ends[0], ends[1], colour, 2, cv2.LINE_AA, _SHIFT)
        x, _, z = self.upright(centres(poses)[person])
        size = round(_HEAD_M * self._scale * 2**_SHIFT)
        cv2.circle(self._canvas, self._at(x, z), size, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)
        place = tuple(value >> _SHIFT for value in self._at(x + 0.25, z + 0.2))
        label = str(int(poses.track_ids[person]))
        cv2.putText(self._canvas, label, place, _FONT, 0.5, colour, 1, cv2.LINE_AA)
