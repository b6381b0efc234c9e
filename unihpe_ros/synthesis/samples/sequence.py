"""Films of several people with ground truth for every frame."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.camera.effects import expose, with_auto_exposure
from unihpe_ros.synthesis.primitives.scene_types import Lens, Mesh, OWNER_PROP, SceneCamera
from unihpe_ros.synthesis.primitives.solids import upright
from unihpe_ros.synthesis.render.scene_renderer import render_meshes
from unihpe_ros.synthesis.samples.animated_people import FilmedPerson
from unihpe_ros.synthesis.samples.labels import label_visibility
from unihpe_ros.synthesis.scenery.environment import Environment

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_SHADOW_SIZE = 768
_REACH = 4.0


@dataclass(frozen=True)
class Truth:
    """
    Ground truth of one frame; N people in the order of the actors.

    Parameters
    ----------
    stamp : float
        Time since the beginning, s.
    view : View
        The camera.
    track_ids : NDArray[np.uint32]
        ``(N,)`` Number of each actor, from 1.
    keypoints_3d : Float32
        ``(N, 26, 3)`` Camera optical frame, m.
    keypoints_2d : Float32
        ``(N, 26, 2)`` px; NaN behind the camera.
    visibility : NDArray[np.uint8]
        ``(N, 26)`` 0 outside the picture, 1 hidden, 2 visible.
    boxes : Float32
        ``(N, 4)`` x0 y0 x1 y1 of the whole body, px; may reach outside.

    """

    stamp: float
    view: SceneCamera
    track_ids: NDArray[np.uint32]
    keypoints_3d: Float32
    keypoints_2d: Float32
    visibility: NDArray[np.uint8]
    boxes: Float32


def robot_camera(
    size: tuple[int, int] = (640, 480),
    fov: float = 1.1,
    height: float = 1.2,
    pitch: float = 0.0,
    yaw: float = 0.0,
) -> SceneCamera:
    """
    Return a camera at x = y = 0 that looks along +y.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h), px.
    fov : float
        Horizontal angle of view, rad.
    height : float
        Above the floor, m.
    pitch : float
        Downwards, rad.
    yaw : float
        To the left, rad.

    Returns
    -------
    View
        The camera.

    """
    focal = 0.5 * size[0] / np.tan(0.5 * fov)
    K = np.array([[focal, 0, 0.5 * (size[0] - 1)], [0, focal, 0.5 * (size[1] - 1)], [0, 0, 1]])
    c, s = np.cos(pitch), np.sin(pitch)
    rotation = np.array([[1, 0, 0], [0, -s, -c], [0, c, -s]])
    return SceneCamera(K, size, rotation @ upright(-yaw), np.array([0, 0, height]))


def moving_robot(still: SceneCamera, stamp: float, phase: float) -> SceneCamera:
    """
    Return the camera of a robot that looks about by 20 degrees and drives, at a time.

    Parameters
    ----------
    still : View
        Where it would stand.
    stamp : float
        s.
    phase : float
        When it begins, rad.

    Returns
    -------
    View
        It turns by up to 21 degrees/s, and drives by up to 0.6 m/s: to both sides, and ahead by
        0.8 m and back.

    """
    turn = upright(-0.35 * np.sin(2 * np.pi * stamp / 6 + phase))
    aside = 0.6 * np.sin(2 * np.pi * stamp / 8 + phase)
    ahead = 0.4 * (1 - np.cos(2 * np.pi * stamp / 7 + phase))
    return replace(still, rotation=still.rotation @ turn, eye=still.eye + (aside, ahead, 0))


def film(
    filmed: Sequence[FilmedPerson],
    environment: Environment,
    camera: Callable[[float], SceneCamera],
    seconds: float,
    rate: float = 30.0,
    lens: Lens | None = None,
    things: Sequence[Mesh] = (),
) -> Iterator[tuple[NDArray[np.uint8], Truth]]:
    """
    Yield the frames of people in a scene, with ground truth.

    Parameters
    ----------
    filmed : Sequence[FilmedPerson]
        The people, and how they move.
    environment : Environment
        Light and surroundings.
    camera : Callable[[float], View]
        The camera at a time, s.
    seconds, rate : float
        Length and pictures per second.
    lens : Lens | None
        The camera's effects; its exposure is set on the first picture and kept.
    things : Sequence[Mesh]
        Objects that stand around.

    Yields
    ------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    truth : Truth
        Ground truth of the picture.

    """
    owners = [*range(len(filmed)), *[OWNER_PROP] * len(things)]
    lens = lens or Lens()
    for number in range(round(seconds * rate)):
        stamp = number / rate
        view = camera(stamp)
        figures = [person.at(stamp) for person in filmed]
        drawing = render_meshes(
            [*(figure.mesh for figure in figures), *things],
            owners,
            environment,
            view,
            focus=np.mean([figure.keypoints[UNION.index('pelvis')] for figure in figures], 0),
            reach=_REACH,
            background_blur=lens.background_blur,
            shadow_size=_SHADOW_SIZE,
        )
        people = (drawing.owner >= 0) & (drawing.owner < len(filmed))
        lens = with_auto_exposure(lens, drawing.image, people[::2, ::2])
        image = expose(drawing.image, replace(lens, noise_seed=lens.noise_seed + number))
        placed = np.stack([view.to_camera(figure.keypoints) for figure in figures])
        seen = view.project(placed)
        yield (
            image,
            Truth(
                stamp=stamp,
                view=view,
                track_ids=np.arange(1, len(filmed) + 1, dtype=np.uint32),
                keypoints_3d=placed.astype(np.float32),
                keypoints_2d=seen.astype(np.float32),
                visibility=np.stack(
                    [
                        label_visibility(seen[i], placed[i, :, 2], drawing, i, person.height)[0]
                        for i, person in enumerate(filmed)
                    ]
                ),
                boxes=np.stack([view.box_of(figure.body) for figure in figures]),
            ),
        )
