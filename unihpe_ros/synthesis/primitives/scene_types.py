"""
Types that describe a scene: camera, posture, mesh, light, drawing, camera effects.

Sampling makes these, drawing reads them, and neither knows the other.

"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.raster import bounds

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class SceneCamera:
    """
    A pinhole camera at a place in the world.

    Parameters
    ----------
    K : NDArray[np.float64]
        ``(3, 3)`` Intrinsics, px; pixel centres at whole numbers.
    size : tuple[int, int]
        (w, h), px.
    rotation : NDArray[np.float64]
        ``(3, 3)`` camera_from_world; the camera's x is right, y down, z forward.
    eye : NDArray[np.float64]
        ``(3,)`` Its place in the world, m.

    """

    K: NDArray[np.float64]
    size: tuple[int, int]
    rotation: NDArray[np.float64]
    eye: NDArray[np.float64]

    @property
    def world_from_camera(self) -> NDArray[np.float64]:
        """``(4, 4)`` Pose of the camera's optical frame in the world, m."""
        matrix = np.eye(4)
        matrix[:3, :3], matrix[:3, 3] = self.rotation.T, self.eye
        return matrix

    def to_camera(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(..., 3)`` World points in the camera's optical frame, m."""
        return (points - self.eye) @ self.rotation.T

    def project(self, points: NDArray[np.floating]) -> NDArray[np.float64]:
        """``(..., 2)`` Pixels of camera-frame points; NaN at or behind the camera."""
        depth = points[..., 2:]
        seen = np.where(depth > 1e-6, depth, np.nan)
        focal, centre = self.K[[0, 1], [0, 1]], self.K[:2, 2]
        return points[..., :2] / seen * focal + centre

    def box_of(self, points: NDArray[np.floating]) -> Float32:
        """``(4,)`` Box x0 y0 x1 y1 around world points, px; may reach outside the picture."""
        low, high = bounds(self.project(self.to_camera(points)).astype(np.float32))
        return np.concatenate([low, high])


class Support(Enum):
    """What a person rests on."""

    FEET = 'feet'
    SEAT = 'seat'
    FLOOR = 'floor'
    LYING = 'lying'


@dataclass(frozen=True)
class BodyPosture:
    """
    A body's bone rotations, where it comes from and what it rests on.

    Parameters
    ----------
    driven : Float32
        ``(D, 3, 3)`` World rotation per driving bone.
    clip : int
        The clip it is from, whose rest pose the rotations refer to.
    frame : int
        The clip's frame.
    root : Float32
        ``(3,)`` Place of the hips in the world, m.
    curl : tuple[float, float]
        How far the fingers of the left and the right hand are bent, rad.
    support : Support
        What the person rests on.
    carries : bool
        Whether something is between the hands.
    at_table : bool
        Whether the hands are on a table.

    """

    driven: Float32
    clip: int
    frame: int
    root: Float32
    curl: tuple[float, float] = (0.3, 0.3)
    support: Support = Support.FEET
    carries: bool = False
    at_table: bool = False


@dataclass(frozen=True)
class Mesh:
    """
    A triangle mesh with normals, texture coordinates, colours and materials.

    Parameters
    ----------
    vertices, normals, texture : Float32
        ``(V, 3)`` Place in the world, m; unit normals; place in the material's own space.
    colours : Float32
        ``(V, 4)`` Linear colour of a vertex and how much of it shows.
    faces : NDArray[np.int32]
        ``(F, 3)`` Corners.
    cover : Float32
        ``(F, 3)`` Cut-out value per corner: nothing is drawn where it is not above 0.
    face_materials : NDArray[np.int32]
        ``(F,)`` Index into `materials`.
    materials : NDArray[np.void]
        Records of MATERIAL.

    """

    vertices: Float32
    normals: Float32
    texture: Float32
    colours: Float32
    faces: NDArray[np.int32]
    cover: Float32
    face_materials: NDArray[np.int32]
    materials: NDArray[np.void]


@dataclass(frozen=True)
class Light:
    """
    Ambient light as spherical harmonics, and one directional light.

    Parameters
    ----------
    around : Float32
        ``(9, 3)`` Spherical harmonics of the diffuse light, RGB.
    sun : Float32
        ``(3,)`` Unit vector towards the sun or lamp.
    sun_colour : Float32
        ``(3,)`` Its light, RGB; zero for none.

    """

    around: Float32
    sun: Float32
    sun_colour: Float32


@dataclass(frozen=True)
class Drawing:
    """
    A drawn scene before the camera's own effects.

    Parameters
    ----------
    image : Float32
        ``(H, W, 3)`` Linear RGB.
    depth : Float32
        ``(2H, 2W)`` 1/z at twice the resolution; 0 where nothing but background is.
    owner : NDArray[np.int16]
        ``(2H, 2W)`` Number of the person, OWNER_HELD + number for what they hold, OWNER_PROP, or
        -1 for background.

    """

    image: Float32
    depth: Float32
    owner: NDArray[np.int16]


OWNER_HELD = 1000
OWNER_PROP = 2000


@dataclass(frozen=True)
class Lens:
    """Camera effects; each is off at its default."""

    exposure: float = 1.0
    auto_exposure: bool = True
    highlights: bool = True
    contrast: float = 1.0
    brightness: float = 0.0
    saturation: float = 1.0
    tint: tuple[float, float, float] = (1.0, 1.0, 1.0)
    blur: float = 0.0
    motion: tuple[float, float] = (0.0, 0.0)
    shrink: float = 1.0
    noise: float = 0.0
    vignette: float = 0.0
    background_blur: float = 0.0
    sharpen: float = 0.0
    veil: tuple[float, float, float] = (0.0, 0.0, 0.0)
    coarse_noise: float = 0.0
    blocky: bool = False
    first_jpeg: int = 0
    jpeg_quality: int = 95
    noise_seed: int = field(default=0)
