"""The renderer of a scene: shadow map, background, meshes, shading."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.raster import project_along, rasterise
from unihpe_ros.synthesis.primitives.scene_types import Drawing, Light, Mesh, SceneCamera
from unihpe_ros.synthesis.primitives.texture_atlas import atlas
from unihpe_ros.synthesis.render.ambient_occlusion import darken_creases
from unihpe_ros.synthesis.render.shade import resolve, shade
from unihpe_ros.synthesis.render.visibility_buffer import rasterise_meshes, VisibilityBuffer
from unihpe_ros.synthesis.scenery.environment import Environment, ShadowMap

Float32 = NDArray[np.float32]

_SHADOW_SIZE = 256
# Orthographic depth is stored as 1 / (FAR - height towards the light), like the depth buffer.
_FAR = 50.0
# From this blur of the background on, half its resolution is enough, px.
_COARSE_FROM = 1.2


def cast_shadows(
    mesh: Mesh, light: Light, centre: NDArray[np.floating], reach: float, size: int
) -> ShadowMap:
    """
    Return the shadow map: depths as the light sees them.

    Parameters
    ----------
    mesh : Mesh
        Everything that casts a shadow.
    light : Light
        The light.
    centre : NDArray
        ``(3,)`` Middle of what has to be in the map, m.
    reach : float
        Half the map's side, m.
    size : int
        The map's side, px.

    Returns
    -------
    ShadowMap
        A map of one pixel if there is no direct light.

    """
    side = np.cross(light.sun, [0.3, 0.9, 0.1])
    side /= np.linalg.norm(side)
    axes = np.stack([np.cross(side, light.sun), side, light.sun]).astype(np.float32)
    if light.sun_colour.max() < 0.05:
        return ShadowMap(np.zeros((1, 1), np.float32), axes, np.zeros(3, np.float32))
    scale = size / (2 * reach)
    middle = axes @ np.asarray(centre, np.float32)
    place = np.array(
        [scale, size / 2 - middle[0] * scale, size / 2 - middle[1] * scale],
        np.float32,
    )
    seen = project_along(mesh.vertices, axes, place, np.float32(_FAR))
    depth = np.zeros((size, size), np.float32)
    ids = np.full(depth.shape, -1, np.int32)
    rasterise(seen, mesh.faces, mesh.cover, depth, ids)
    return ShadowMap(depth * _FAR - _FAR, axes, place)


def render_meshes(
    meshes: Sequence[Mesh],
    owners: Sequence[int],
    environment: Environment,
    view: SceneCamera,
    focus: NDArray[np.floating],
    reach: float = 1.6,
    background_blur: float = 0.0,
    shadow_size: int = _SHADOW_SIZE,
) -> Drawing:
    """
    Return a drawing of meshes in their surroundings.

    Parameters
    ----------
    meshes : Sequence[Mesh]
        People and things.
    owners : Sequence[int]
        Number of each mesh in the drawing's `owner`.
    environment : Environment
        Light and background.
    view : View
        The camera.
    focus : NDArray
        ``(3,)`` The middle of what matters: shadows are sharpest there.
    reach : float
        How far around it shadows are assets, m.
    background_blur : float
        Standard deviation of the background's blur, px.
    shadow_size : int
        Side of the shadow map, px.

    Returns
    -------
    Drawing
        The linear picture, with depth and owners at twice its resolution.

    """
    layers = rasterise_meshes(meshes, owners, view)
    return shade_scene(layers, environment, view, focus, reach, background_blur, shadow_size)


def shade_scene(
    layers: VisibilityBuffer,
    environment: Environment,
    view: SceneCamera,
    focus: NDArray[np.floating],
    reach: float = 1.6,
    background_blur: float = 0.0,
    shadow_size: int = _SHADOW_SIZE,
) -> Drawing:
    """
    Return the drawing of a visibility buffer: shaded, before its surroundings.

    Parameters
    ----------
    layers : VisibilityBuffer
        What is where.
    environment, view, focus, reach, background_blur, shadow_size
        See draw.

    Returns
    -------
    Drawing
        The linear picture, with depth and owners at twice its resolution.

    """
    mesh, ids, light = layers.mesh, layers.ids, environment.light
    shadow = cast_shadows(mesh, light, focus, reach, shadow_size)
    background = _draw_background(environment, view, shadow, background_blur)
    image = np.empty((*ids.shape, 3), np.float32)
    shade(
        ids, layers.seen, mesh.vertices, mesh.normals, mesh.texture, mesh.colours, mesh.faces,
        mesh.cover, mesh.face_materials, mesh.materials, atlas(), light.around, light.sun,
        light.sun_colour, shadow.depth, shadow.axes, shadow.place,
        view.eye.astype(np.float32), image,
    )  # fmt: skip
    if environment.likeness > 0:
        _match_background_colour(background, image, ids, environment.likeness)
    picture = np.empty((view.size[1], view.size[0], 3), np.float32)
    resolve(image, ids, background, picture)
    darken_creases(picture, layers.depth, view.K[0, 0])
    return Drawing(picture, layers.depth, layers.owner)


def _draw_background(
    environment: Environment, view: SceneCamera, shadow: ShadowMap, blur: float
) -> Float32:
    """Return the background; at half the resolution if it is blurred."""
    if blur < _COARSE_FROM:
        image = environment.draw(view, shadow)
        return cv2.GaussianBlur(image, (0, 0), blur) if blur > 0 else image
    width, height = view.size
    K = view.K * np.array([[0.5], [0.5], [1.0]])
    K[:2, 2] -= 0.25
    half = replace(view, K=K, size=((width + 1) // 2, (height + 1) // 2))
    image = cv2.GaussianBlur(environment.draw(half, shadow), (0, 0), 0.5 * blur)
    large = cv2.resize(image, None, fx=2, fy=2, interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(large[:height, :width])


def _match_background_colour(
    background: Float32, image: Float32, ids: NDArray[np.int32], share: float
) -> None:
    """Give the background the mean colour of the foreground, in place."""
    sparse = ids[::4, ::4] >= 0
    if not sparse.any():
        return
    wanted = image[::4, ::4][sparse].mean(0)
    gain = (wanted / np.maximum(background.mean((0, 1)), 1e-3)).clip(0.15, 6)
    background *= (1 - share + share * gain).astype(np.float32)
