"""One step of the estimator with a one-stage network, which finds all people of an image."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from time import perf_counter

import numpy as np
from unihpe_ros.camera_stream import CameraStream
from unihpe_ros.core import boxes
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.keypoint_sets import in_union
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.rotation import turn_boxes_back, turn_image, turn_points_back
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.engines.people_model import FoundPeople, PeopleModel
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.image_batch import estimate_images
from unihpe_ros.lifting import lifted_people

# Least overlap (IoU) with a given box of the person whom the box shows.
_GIVEN_IOU = 0.3

Finder = Callable[
    [Sequence[CameraStream], Sequence[CameraImage], EstimatorSettings],
    tuple[list[Poses], dict[str, float]],
]


def finder(model: PoseModel | PeopleModel) -> Finder:
    """
    Return what finds the people of images by a model of either kind.

    It takes streams, an image of each, and settings, see `estimate_images`.

    """
    # Asked once: the check whether an object fulfils a protocol is slow.
    if isinstance(model, PeopleModel):
        return partial(estimate_pictures, model)
    return partial(estimate_images, model)


def estimate_pictures(
    model: PeopleModel,
    streams: Sequence[CameraStream],
    images: Sequence[CameraImage],
    settings: EstimatorSettings,
) -> tuple[list[Poses], dict[str, float]]:
    """
    Find the people in one image of each of several streams, each image as a whole.

    Parameters
    ----------
    model : PeopleModel
        Finds and lifts them.
    streams : Sequence[CameraStream]
        The cameras.
    images : Sequence[CameraImage]
        An image of each; boxes that come with one choose among the people found.
    settings : EstimatorSettings
        See there.

    Returns
    -------
    poses : list[Poses]
        Of each image.
    times : dict[str, float]
        Seconds by stage.

    """
    times = dict.fromkeys(('image_branch', 'lifting_branch', 'track'), 0.0)
    answers = []
    for stream, image in zip(streams, images, strict=True):
        laps = [perf_counter()]
        view = image.view(settings)
        stream.predict(image.stamp, view, settings, image.world_from_camera)
        found = find_upright(model, image, settings)
        laps.append(perf_counter())
        keypoints = in_union(found.keypoints_2d, found.scores, model.skeleton)
        observations = lifted_people(model, *keypoints, view, settings, image)
        laps.append(perf_counter())
        mode = settings.resolve(image.depth is not None)
        given = (observations, image.stamp, mode, settings, image.depth)
        assumed = image.is_view_assumed
        answers.append(stream.update_tracks(*given, lifted=True, assumed_view=assumed))
        laps.append(perf_counter())
        for name, seconds in zip(times, np.diff(laps).tolist(), strict=True):
            times[name] += seconds
    return answers, times


def find_upright(
    model: PeopleModel, image: CameraImage, settings: EstimatorSettings
) -> FoundPeople:
    """Return the people of an image, px of the picture; the model is shown it upright."""
    rotation = image.view(settings).rotation
    size = image.image.shape[1], image.image.shape[0]
    found = model.find_people(turn_image(image.image, rotation), settings.detect_threshold)
    places = turn_boxes_back(found.boxes, rotation, size)
    keypoints = turn_points_back(found.keypoints_2d, rotation, size)
    whole = FoundPeople(
        ((places + 0.5) * image.reduction - 0.5).astype(np.float32),
        found.box_scores,
        ((keypoints + 0.5) * image.reduction - 0.5).astype(np.float32),
        found.scores,
    )
    if image.boxes is None:
        return whole
    return whole.select(boxes.iou(whole.boxes, image.boxes).max(1, initial=0.0) >= _GIVEN_IOU)
