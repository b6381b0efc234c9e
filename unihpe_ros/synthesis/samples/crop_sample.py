"""Training samples of the pose network: crops of one person with labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.masks import encode_runs
from unihpe_ros.synthesis.camera.effects import encode_jpeg, expose, with_auto_exposure
from unihpe_ros.synthesis.camera.lenses import sample_lens
from unihpe_ros.synthesis.camera.photo_border import blacken_outside, inside_border
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.render.scene_renderer import shade_scene
from unihpe_ros.synthesis.samples.labels import share_of_pixels
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.shots import sample_shot, Shot
from unihpe_ros.synthesis.scenery.environment_sampling import add_scenery, sample_environment

Float32 = NDArray[np.float32]

_TRIES = 3


@dataclass(frozen=True)
class CropSample:
    """
    A crop of one person with its labels; see docs/data_format.md.

    Parameters
    ----------
    jpeg : bytes
        The picture.
    keypoints_2d : Float32
        ``(26, 2)`` px.
    keypoints_3d : Float32
        ``(26, 3)`` m, camera optical frame.
    visibility : NDArray[np.uint8]
        ``(26,)`` 0 outside, 1 occluded, 2 visible.
    hider : NDArray[np.uint8]
        ``(26,)`` What occludes, see labels.Hider.
    mask : NDArray[np.uint32]
        Run lengths of the pixels that show the person, see core.masks.
    K : Float32
        ``(3, 3)`` Intrinsics of the picture.
    box : Float32
        ``(4,)`` x0 y0 x1 y1 of the whole body, px; may reach outside.
    aim : Float32
        ``(4,)`` The box that the picture was framed for: the body, or the part of it in view.
    height : float
        Standing height of the body, m.
    clip, frame, shape : int
        Where pose and body come from.

    """

    jpeg: bytes
    keypoints_2d: Float32
    keypoints_3d: Float32
    visibility: NDArray[np.uint8]
    hider: NDArray[np.uint8]
    mask: NDArray[np.uint32]
    K: Float32
    box: Float32
    aim: Float32
    height: float
    clip: int
    frame: int
    shape: int


def render_crop(
    assets: PeopleAssets,
    key: tuple[int, ...],
    size: tuple[int, int],
    photos: list[Float32] | None = None,
) -> CropSample:
    """
    Return the crop of a key, the same on any machine and in any order.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    key : tuple[int, ...]
        Seed, split and number of the sample.
    size : tuple[int, int]
        (w, h) of the network's crop, px.
    photos : list[Float32] | None
        Linear pictures to use as backgrounds now and then.

    Returns
    -------
    CropSample
        The picture and its labels.

    """
    for attempt in range(_TRIES):
        rng = np.random.default_rng([*key, attempt])
        shot = sample_shot(assets, rng, size)
        if shot.shows_enough:
            break
    return _taken(assets, rng, shot, photos or [])


def _taken(
    assets: PeopleAssets, rng: np.random.Generator, shot: Shot, photos: list[Float32]
) -> CropSample:
    shape, posture, figure, _ = shot.person
    view, edges = shot.view, shot.edges
    low, high = bounds(figure.body)
    around = np.stack([view.eye, low, high])
    environment = sample_environment(rng, float(low[2]), around, photos)
    environment = add_scenery(rng, environment, view, 0.5 * (low + high))
    lens = sample_lens(rng)
    drawing = shade_scene(
        shot.layers,
        environment,
        view,
        focus=0.5 * (low + high),
        background_blur=lens.background_blur,
    )
    lens = with_auto_exposure(lens, drawing.image, drawing.owner[::2, ::2] == 0)
    image = expose(drawing.image, lens)
    blacken_outside(image, edges)
    placed = view.to_camera(figure.keypoints)
    mask = (share_of_pixels(drawing, 0) >= 0.5) & inside_border(image.shape[:2], edges)
    return CropSample(
        jpeg=encode_jpeg(image, lens.jpeg_quality),
        keypoints_2d=view.project(placed).astype(np.float32),
        keypoints_3d=placed.astype(np.float32),
        visibility=shot.visibility,
        hider=shot.hider,
        mask=encode_runs(mask),
        K=view.K.astype(np.float32),
        box=view.box_of(figure.body),
        aim=shot.aim,
        height=assets.bodies.height(shape),
        clip=posture.clip,
        frame=posture.frame,
        shape=shape,
    )
