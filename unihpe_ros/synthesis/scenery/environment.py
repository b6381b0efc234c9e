"""Light and surroundings of a scene, as data: outdoors, a room or a plain backdrop."""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.scene_types import Light, SceneCamera
from unihpe_ros.synthesis.render.room import render_room
from unihpe_ros.synthesis.render.sky import draw_sky
from unihpe_ros.synthesis.scenery.clutter import CutOut, Decal, draw_cut_outs, draw_decals

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class ShadowMap:
    """Shadow map: inverse depths as the light sees them, its axes, scale and offset, px."""

    depth: Float32
    axes: Float32
    place: Float32


@dataclass(frozen=True)
class Environment:
    """
    Light, ground and background of a scene.

    Parameters
    ----------
    kind : str
        outdoors, room, noise or photo.
    light : Light
        What lights the people.
    ground : float
        Height of the floor, m.
    surfaces : NDArray[np.void]
        SURFACE records: one for the ground outdoors; x-, x+, y-, y+, floor, ceiling in a room.
    sky : np.void | None
        SKY record, outdoors.
    low, high : Float32
        ``(3,)`` Corners of the room, m.
    panels : NDArray[np.void]
        PANEL records on the walls.
    picture : Float32 | None
        ``(H, W, 3)`` Linear picture to stand behind the people (noise, photo).
    cut_outs : tuple[CutOut, ...]
        What stands behind the people, the farthest first.
    decals : tuple[Decal, ...]
        What lies on the ground.
    haze : float
        How fast what is far away fades, 1/m.
    likeness : float
        How far the background takes on the mean colour of what stands before it, 0 to 1.

    """

    kind: str
    light: Light
    ground: float
    surfaces: NDArray[np.void]
    sky: np.void | None = None
    low: Float32 | None = None
    high: Float32 | None = None
    panels: NDArray[np.void] | None = None
    picture: Float32 | None = None
    cut_outs: tuple[CutOut, ...] = ()
    decals: tuple[Decal, ...] = ()
    haze: float = 0.0
    likeness: float = 0.0

    def draw(self, view: SceneCamera, shadow: ShadowMap) -> Float32:
        """``(H, W, 3)`` Background, linear RGB."""
        width, height = view.size
        image = np.zeros((height, width, 3), np.float32)
        camera = (
            view.rotation.astype(np.float32),
            np.array([view.K[0, 0], view.K[1, 1], view.K[0, 2], view.K[1, 2]], np.float32),
            view.eye.astype(np.float32),
        )
        shade = (shadow.depth, shadow.axes, shadow.place)
        light = self.light
        if self.kind == 'outdoors':
            draw_sky(
                image, *camera, np.float32(self.ground), self.sky, self.surfaces[0],
                light.around, light.sun_colour, *shade,
            )  # fmt: skip
        elif self.kind == 'room':
            render_room(
                image, *camera, self.low, self.high, self.surfaces, self.panels,
                light.around, light.sun, light.sun_colour, *shade,
            )  # fmt: skip
        elif self.picture is not None:
            image = cv2.resize(self.picture, view.size, interpolation=cv2.INTER_LINEAR)
        draw_decals(image, self.decals, view, light)
        on_ground = self.picture is None
        draw_cut_outs(image, self.cut_outs, view, light, self.haze, on_ground)
        return image
