"""Crops of people from the demo recording, with noise on the boxes, to compare engines."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.resources import find_resource
from unihpe_ros.engines.pose_model import View
from unihpe_ros.metrics.matching import MIN_IN_SIGHT

_RECORDING = 'resource/demo/people'
# Error of a box's corners as a share of the box, about as large as with tracking.
_SHAKE = 0.05
# Number of visible keypoints of a person in full view.
_WELL_SEEN = 20


def demo_views(spec: ModelSpec, count: int) -> list[View]:
    """
    Cut people out of the demo's recording, spread over its whole length.

    Parameters
    ----------
    spec : ModelSpec
        Of the image branch: size and padding of its input.
    count : int
        How many crops.

    Returns
    -------
    list[View]
        Images with their crops, `count` together; the same ones every time.

    Raises
    ------
    BagError
        If the recording is damaged.

    """
    reader, rng = BagReader(find_resource(_RECORDING)), np.random.default_rng(0)
    truth = reader.truth() or {}
    step = max(1, len(truth) // count)
    views: list[View] = []
    missing = count
    while missing:
        before = missing
        for image in reader.images():
            if missing and image.number % step == 0 and image.stamp in truth:
                poses = truth[image.stamp]
                people = poses.keypoints_2d[poses.observed.sum(-1) >= MIN_IN_SIGHT]
                picture = image.decode()
                view = _look(picture, reader.camera, people[:missing], spec, rng)
                missing -= len(view[1])
                views.append(view)
        if missing == before:
            raise ValueError(f'{_RECORDING}: expected people in sight; got none')
    return [view for view in views if len(view[1])]


def demo_group(size: tuple[int, int], count: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """
    Return a picture with copies of one person of the demo's recording side by side.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the picture, px.
    count : int
        How many people.

    Returns
    -------
    picture : NDArray[np.uint8]
        ``(h, w, 3)`` BGR.
    boxes : NDArray[np.float64]
        ``(count, 4)`` around them, px.

    """
    (width, height), (person, box) = size, _largest_person()
    step = width // count
    tall = min(0.8 * height / person.shape[0], step / person.shape[1])
    person = np.asarray(cv2.resize(person, None, fx=tall, fy=tall), np.uint8)
    h, w = person.shape[:2]
    picture = np.full((height, width, 3), 127, np.uint8)
    corners = np.array([(i * step + (step - w) // 2, (height - h) // 2) for i in range(count)])
    for x, y in corners:
        picture[y : y + h, x : x + w] = person
    return picture, np.tile(corners, 2) + tall * box


def _largest_person() -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Return a cut-out around the largest person in full view, and the box in it, px."""
    reader = BagReader(find_resource(_RECORDING))
    best, cut, inside = 0.0, np.zeros((1, 1, 3), np.uint8), np.zeros(4)
    truth = reader.truth() or {}
    for image in reader.images():
        if image.number % 30 or image.stamp not in truth:
            continue
        poses = truth[image.stamp]
        picture = image.decode()
        well_seen = poses.observed.sum(-1) >= _WELL_SEEN
        for x0, y0, x1, y1 in boxes.around(poses.keypoints_2d[well_seen]):
            rim = 0.15 * (y1 - y0)
            left, top, right, bottom = (int(v) for v in (x0 - rim, y0 - rim, x1 + rim, y1 + rim))
            whole = min(left, top) >= 0 and right < picture.shape[1] and bottom < picture.shape[0]
            if whole and y1 - y0 > best:
                best, cut = y1 - y0, picture[top:bottom, left:right].copy()
                inside = np.array([x0 - left, y0 - top, x1 - left, y1 - top], np.float64)
    return cut, inside


def _look(
    picture: NDArray[np.uint8],
    camera: Camera | None,
    people: NDArray[np.float32],
    spec: ModelSpec,
    rng: np.random.Generator,
) -> View:
    """Return an image and crops of its people."""
    height, width = picture.shape[:2]
    camera = camera or Camera.from_fov(width, height, np.deg2rad(60))
    around = boxes.around(people)
    extent = np.tile(around[:, 2:] - around[:, :2], 2)
    shaken = around + rng.normal(0, _SHAKE, around.shape) * extent
    return picture, Crops.aim(shaken, camera, spec.input_size, spec.padding)[0]
