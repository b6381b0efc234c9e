"""Training samples of the detector: whole pictures of nobody to six people."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.geometry import in_image
from unihpe_ros.core.masks import encode_runs
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.camera.effects import encode_jpeg, expose, with_auto_exposure
from unihpe_ros.synthesis.camera.lens_distortion import LensDistortion
from unihpe_ros.synthesis.camera.lenses import sample_lens
from unihpe_ros.synthesis.primitives.raster import project, rasterise
from unihpe_ros.synthesis.primitives.scene_types import Drawing, Mesh
from unihpe_ros.synthesis.render.scene_renderer import render_meshes
from unihpe_ros.synthesis.samples.labels import label_visibility, share_of_pixels
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.scene_contents import (
    sample_camera,
    sample_contents,
    SceneContents,
)
from unihpe_ros.synthesis.scenery.environment_sampling import add_scenery, sample_environment

Float32 = NDArray[np.float32]

_BENT = 0.4
_SHADOW_SIZE = 512
_METERED_ON_PEOPLE = 0.5


@dataclass(frozen=True)
class SceneSample:
    """
    A whole picture and all N people in it; see docs/data_format.md.

    Parameters
    ----------
    jpeg : bytes
        The picture.
    K : Float32
        ``(3, 3)`` Intrinsics.
    distortion : Float32
        ``(5,)`` OpenCV's coefficients.
    boxes : Float32
        ``(N, 4)`` x0 y0 x1 y1 of what the person would cover in the picture if nothing hid them.
    share_visible : Float32
        ``(N,)`` How much of that can be seen.
    keypoints_2d, keypoints_3d : Float32
        ``(N, 26, 2)`` px; NaN where the lens can't see. ``(N, 26, 3)`` m, camera optical frame.
    visibility, hider : NDArray[np.uint8]
        ``(N, 26)`` 0 outside, 1 hidden, 2 visible; and what hides, see labels.Hider.
    masks : tuple[NDArray[np.uint32], ...]
        N times the run lengths of what can be seen, see core.masks.
    height : Float32
        ``(N,)`` Standing heights, m.
    clip, frame, shape : NDArray[np.int32]
        ``(N,)`` Where poses and bodies come from.

    """

    jpeg: bytes
    K: Float32
    distortion: Float32
    boxes: Float32
    share_visible: Float32
    keypoints_2d: Float32
    keypoints_3d: Float32
    visibility: NDArray[np.uint8]
    hider: NDArray[np.uint8]
    masks: tuple[NDArray[np.uint32], ...]
    height: Float32
    clip: NDArray[np.int32]
    frame: NDArray[np.int32]
    shape: NDArray[np.int32]


def render_scene(
    assets: PeopleAssets,
    key: tuple[int, ...],
    size: tuple[int, int],
    photos: list[Float32] | None = None,
) -> SceneSample:
    """
    Return the picture of a key, the same on any machine and in any order.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions.
    key : tuple[int, ...]
        Seed, split and number of the picture.
    size : tuple[int, int]
        (w, h) of the picture, px.
    photos : list[Float32] | None
        Linear pictures to use as backgrounds now and then.

    Returns
    -------
    SceneSample
        The picture and its labels.

    """
    rng = np.random.default_rng([*key])
    bent = float(rng.uniform(-0.1, 0.05)) if rng.random() < _BENT else 0.0
    stage = sample_camera(rng, size)
    distortion = LensDistortion(stage.view, bent)
    view = distortion.undistorted_view
    contents = sample_contents(assets, rng, stage)
    people = [figure.mesh for figure in contents.figures]
    pelvis = UNION.index('pelvis')
    places = np.array([f.keypoints[pelvis] for f in contents.figures]).reshape(-1, 3)
    inside = np.stack([view.eye, *places, view.eye + (1, 4, 0), view.eye + (-1, 4, 0)])
    environment = sample_environment(rng, 0.0, inside, photos or [])
    middle = places.mean(0) if len(places) else np.array([0, 4.0, 0])
    environment = add_scenery(rng, environment, view, middle, crowd=False)
    reach = 1.6 + float(np.abs(places - middle).max(initial=0))
    lens = sample_lens(rng)
    drawing = render_meshes(
        [*people, *(mesh for mesh, _ in contents.things)],
        [*range(len(people)), *(owner for _, owner in contents.things)],
        environment,
        view,
        focus=middle,
        reach=reach,
        background_blur=lens.background_blur,
        shadow_size=_SHADOW_SIZE,
    )
    picture = distortion.distort(drawing.image)
    subject = np.ones(picture.shape[:2], bool)
    seen = [_cover(distortion, drawing, number) for number in range(len(people))]
    if people and rng.random() < _METERED_ON_PEOPLE:
        subject = np.any(seen, axis=0)
    image = expose(picture, with_auto_exposure(lens, picture, subject))
    jpeg = encode_jpeg(image, lens.jpeg_quality)
    return _labelled(assets, jpeg, distortion, contents, drawing, seen)


def _cover(distortion: LensDistortion, drawing: Drawing, person: int) -> NDArray[np.bool_]:
    """``(H, W)`` Mask of pixels at least half of which shows a person."""
    return np.asarray(distortion.distort(share_of_pixels(drawing, person)) >= 0.5)


def _alone(distortion: LensDistortion, mesh: Mesh) -> NDArray[np.bool_]:
    """``(H, W)`` Mask of pixels that a person would cover if nothing hid them."""
    view = distortion.undistorted_view
    rotation = view.rotation.astype(np.float32)
    K = np.array([view.K[0, 0], view.K[1, 1], view.K[0, 2], view.K[1, 2]], np.float32)
    seen = project(mesh.vertices, rotation, (-rotation @ view.eye).astype(np.float32), K)
    depth = np.zeros(view.size[::-1], np.float32)
    rasterise(seen, mesh.faces, mesh.cover, depth, np.full(depth.shape, -1, np.int32))
    return np.asarray(distortion.distort((depth > 0).astype(np.float32)) >= 0.5)


def _box(mask: NDArray[np.bool_]) -> Float32:
    """``(4,)`` The outer edges of a mask's pixels."""
    x, y, width, height = cv2.boundingRect(mask.astype(np.uint8))
    return np.array([x, y, x + width, y + height], np.float32) - np.float32(0.5)


def _labelled(
    assets: PeopleAssets,
    jpeg: bytes,
    distortion: LensDistortion,
    contents: SceneContents,
    drawing: Drawing,
    seen: list[NDArray[np.bool_]],
) -> SceneSample:
    whole = [_alone(distortion, figure.mesh) | own
             for figure, own in zip(contents.figures, seen, strict=True)]  # fmt: skip
    kept = [number for number, mask in enumerate(whole) if mask.any()]
    count, points = len(kept), len(UNION)
    placed = np.zeros((count, points, 3))
    visibility = np.zeros((2, count, points), np.uint8)
    heights = np.array([assets.bodies.height(contents.shapes[n]) for n in kept], np.float32)
    for row, number in enumerate(kept):
        placed[row] = distortion.view.to_camera(contents.figures[number].keypoints)
        straight = distortion.undistorted_view.project(placed[row])
        found = label_visibility(straight, placed[row, :, 2], drawing, number, float(heights[row]))
        inside = in_image(distortion.project(placed[row]), distortion.view.size)
        visibility[:, row] = np.stack(found) * inside
    return SceneSample(
        jpeg=jpeg,
        K=distortion.view.K.astype(np.float32),
        distortion=distortion.coefficients,
        boxes=np.array([_box(whole[n]) for n in kept], np.float32).reshape(-1, 4),
        share_visible=np.array([seen[n].sum() / whole[n].sum() for n in kept], np.float32),
        keypoints_2d=distortion.project(placed).astype(np.float32),
        keypoints_3d=placed.astype(np.float32),
        visibility=visibility[0],
        hider=visibility[1],
        masks=tuple(encode_runs(seen[n]) for n in kept),
        height=heights,
        clip=np.array([contents.postures[n].clip for n in kept], np.int32),
        frame=np.array([contents.postures[n].frame for n in kept], np.int32),
        shape=np.array([contents.shapes[n] for n in kept], np.int32),
    )
