"""One step of the estimator: the images of several cameras as one batch of crops."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter

import numpy as np
from unihpe_ros.camera_stream import CameraStream
from unihpe_ros.core.image_input import CameraImage
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.crop_observations import observe_crops
from unihpe_ros.engines.pose_model import MODEL_STAGES, PoseModel
from unihpe_ros.tracking.observations import Observations

# What an image goes through, in order.
STAGES = (*MODEL_STAGES, 'locate', 'track')


def estimate_images(
    model: PoseModel,
    streams: Sequence[CameraStream],
    images: Sequence[CameraImage],
    settings: EstimatorSettings,
) -> tuple[list[Poses], dict[str, float]]:
    """
    Find the people in one image of each of several cameras.

    Parameters
    ----------
    model : PoseModel
        Looks at the crops of all images at once.
    streams : Sequence[CameraStream]
        The cameras, none twice.
    images : Sequence[CameraImage]
        Their next images.
    settings : EstimatorSettings
        See there.

    Returns
    -------
    poses : list[Poses]
        For each image.
    times : dict[str, float]
        Seconds that each of `STAGES` took.

    Raises
    ------
    EngineError
        If the runtime fails.

    """
    times = dict.fromkeys(STAGES, 0.0)
    begun = perf_counter()
    pairs = list(zip(streams, images, strict=True))
    known = [
        stream.predict(image.stamp, image.view(settings), settings, image.world_from_camera)
        for stream, image in pairs
    ]
    beside = any(map(len, known))
    aims = [
        stream.aim(image, places, settings, beside=beside)
        for (stream, image), places in zip(pairs, known, strict=True)
    ]
    views = [
        (image.image, aim[1].reduced(image.reduction))
        for image, aim in zip(images, aims, strict=True)
    ]
    times['crop'] = perf_counter() - begun
    rows = np.cumsum([0, *(len(crops) for _, crops in views)])
    if rows[-1]:
        output = model.infer(views, settings.score_threshold)
        for stage, seconds in model.stage_times.items():
            times[stage] = times.get(stage, 0.0) + seconds
    answers = []
    for number, (stream, image) in enumerate(pairs):
        begun = perf_counter()
        observations = Observations.none(UNION)
        if rows[number] < rows[number + 1]:
            part = output
            if len(pairs) > 1:
                part = output.select(slice(rows[number], rows[number + 1]))
            observations = observe_crops(image, *aims[number], part, settings)
        seen = perf_counter()
        mode = settings.resolve(image.depth is not None)
        given = (observations, image.stamp, mode, settings, image.depth)
        lifted, assumed = model.lifts_only, image.is_view_assumed
        answers.append(stream.update_tracks(*given, lifted=lifted, assumed_view=assumed))
        times['locate'] += seen - begun
        times['track'] += perf_counter() - seen
    return answers, times
