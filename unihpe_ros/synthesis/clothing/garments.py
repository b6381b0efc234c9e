"""Positions of garments on the average body: limb coordinates, cover values, gaps they span."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.skinning import vertex_normals
from unihpe_ros.synthesis.body.topology import TIGHTS
from unihpe_ros.synthesis.clothing.outfit import Outfit

Float32 = NDArray[np.float32]

_ARM = ('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal')
_LEG = ('upperleg', 'lowerleg', 'foot', 'toe')
_HEAD = ('neck', 'head', 'eye')


@dataclass(frozen=True)
class Region:
    """Coordinates of vertices along limbs and trunk of the average body; see outfit."""

    position: Float32
    arm: Float32
    leg: Float32
    is_arm: NDArray[np.bool_]
    is_leg: NDArray[np.bool_]
    is_head: NDArray[np.bool_]
    girth: Float32  # Distance from a limb's axis, m; 0 off the limbs.

    def part(self, chosen: slice | NDArray[np.intp]) -> Region:
        """Return the coordinates of some of the vertices."""
        return Region(
            self.position[chosen],
            self.arm[chosen],
            self.leg[chosen],
            self.is_arm[chosen],
            self.is_leg[chosen],
            self.is_head[chosen],
            self.girth[chosen],
        )

    @property
    def is_torso(self) -> NDArray[np.bool_]:
        """Vertices of neither limbs nor head."""
        return ~(self.is_arm | self.is_leg | self.is_head)


def top_cover(region: Region, outfit: Outfit) -> NDArray[np.floating]:
    """Return the cover of a shirt, sweater or the upper part of a dress."""
    if outfit.bare_chest:
        return np.full(len(region.arm), -1.0)
    x, y, z = region.position.T
    neckline = outfit.neck + 0.45 * np.minimum(y, 0.03)
    neckline = neckline + outfit.neck_v * (np.minimum(np.abs(x), 0.1) - 0.06)
    on_torso = np.minimum(z - outfit.hem, neckline - z)
    cover = np.where(region.is_arm, (outfit.sleeve - region.arm) * 0.5, on_torso)
    hanging = outfit.hem < 0 and outfit.bottom != 'dress'
    below = z - outfit.hem if hanging else -1.0
    return np.where(region.is_head, neckline - z, np.where(region.is_leg, below, cover))


def bottom_cover(region: Region, outfit: Outfit) -> NDArray[np.floating]:
    """Return the cover of trousers, shorts or what is worn under a skirt."""
    on_torso = np.where(region.is_torso, outfit.waist - region.position[:, 2], -1)
    return np.where(region.is_leg, (outfit.leg - region.leg) * 0.8, on_torso)


def jacket_cover(region: Region, outfit: Outfit) -> NDArray[np.floating]:
    """Return the cover of a jacket or coat, open at the front."""
    if outfit.jacket < 0:
        return np.full(len(region.arm), -1.0)
    x, y, z = region.position.T
    gap = outfit.jacket * (0.3 + 0.7 * np.clip((z - outfit.jacket_hem) / 0.6, 0, 1))
    closed = np.where(y < 0.0, np.abs(x) - gap, 0.1)
    up_and_down = np.minimum(z - outfit.jacket_hem, 0.575 + 0.35 * np.minimum(y, 0.03) - z)
    on_body = np.minimum(up_and_down, closed)
    sleeve = (outfit.jacket_sleeve - region.arm) * 0.5
    legs = on_body if outfit.jacket_hem < 0.05 else -1.0
    cover = np.where(region.is_arm, sleeve, np.where(region.is_leg, legs, on_body))
    return np.where(region.is_head, -1, cover)


def find_regions(bodies: BodyShapes) -> Region:
    """Return the coordinates of every vertex along the limbs of the average body."""
    template, bones = bodies.template, bodies.bones
    rows = np.arange(len(template))
    dominant = bodies.weight_bones[rows, bodies.weights.argmax(1)]
    kinds = np.array([_kind(name) for name in bones])[dominant]
    arm = np.zeros(len(template), np.float32)
    leg = np.zeros(len(template), np.float32)
    girth = np.zeros(len(template), np.float32)
    for letter in 'LR':
        side = (template[:, 0] > 0) == (letter == 'L')
        for kind, along, chain in (
            (1, arm, ('upperarm01', 'lowerarm01', 'wrist')),
            (2, leg, ('upperleg01', 'lowerleg01', 'foot')),
        ):
            chosen = side & (kinds == kind)
            knots = bodies.template_heads[[bones.index(f'{b}.{letter}') for b in chain]]
            along[chosen], girth[chosen] = _place_along(knots, template[chosen])
    return Region(template, arm, leg, kinds == 1, kinds == 2, kinds == 3, girth)


def _kind(bone: str) -> int:
    for kind, prefixes in ((1, _ARM), (2, _LEG), (3, _HEAD)):
        if bone.startswith(prefixes):
            return kind
    return 0


def _place_along(knots: Float32, points: Float32) -> tuple[Float32, NDArray[np.floating]]:
    """Return the coordinate along two bones (0, 0.5, 1 at the joints) and the distance, m."""
    nearest = np.full(len(points), np.inf)
    place = np.zeros(len(points), np.float32)
    for part in range(2):
        start, bone = knots[part], knots[part + 1] - knots[part]
        along = (points - start) @ bone / (bone @ bone)
        along = along.clip(-1.0 if part == 0 else 0.0, 2.0 if part == 1 else 1.0)
        distance = np.linalg.norm(points - (start + along[:, None] * bone), axis=1)
        closer = distance < nearest
        nearest[closer] = distance[closer]
        place[closer] = (part + along[closer]) / 2
    return place, nearest


def smooth_normals(bodies: BodyShapes, rounds: int = 3) -> Float32:
    """``(V, 3)`` Normals of the average body, smoothed where clothes bridge small dents."""
    template = bodies.template
    parts: Sequence[str] = ('body', 'tights', 'skirt', 'hair')
    normals = vertex_normals(template, np.concatenate([bodies.faces[name] for name in parts]))
    a, b, c = bodies.faces['tights'].T
    for _ in range(rounds):
        total = np.zeros_like(normals)
        for first, second in ((a, b), (b, c), (a, c)):
            np.add.at(total, first, normals[second])
            np.add.at(total, second, normals[first])
        length = np.linalg.norm(total[TIGHTS], axis=1, keepdims=True)
        normals[TIGHTS] = np.where(length > 0, total[TIGHTS] / np.maximum(length, 1e-9), 0)
    return normals


def hollows(bodies: BodyShapes, region: Region, normals: Float32, rounds: int = 60) -> Float32:
    """``(T, 3)`` How cloth on the tights bridges the hollows of chest, seat and crotch, m."""
    smooth = bodies.template[TIGHTS].astype(np.float64)
    a, b, c = (bodies.faces['tights'] - TIGHTS.start).T
    ends = np.concatenate([a, b, c, b, c, a]), np.concatenate([b, c, a, a, b, c])
    degree = np.maximum(np.bincount(ends[0], minlength=len(smooth)), 1)[:, None]
    for _ in range(rounds):
        total = np.zeros_like(smooth)
        np.add.at(total, ends[0], smooth[ends[1]])
        smooth += 0.5 * (total / degree - smooth)
    moved = smooth - bodies.template[TIGHTS]
    part, outward = region.part(TIGHTS), normals[TIGHTS]
    x, y, z = part.position.T
    out = (moved * outward).sum(1)
    # Below the belly also inwards: whatever is under the cloth there is not drawn.
    crotch = (np.abs(x) < 0.07) & (y < 0) & (z > -0.16) & (z < 0.08)
    out = np.where(crotch, out.clip(-0.03, 0.03), out.clip(0, 0.045))
    fade = np.clip((z + 0.3) / 0.1, 0, 1) * np.clip((0.47 - z) / 0.06, 0, 1) * ~part.is_arm
    return (outward * (out * fade)[:, None]).astype(np.float32)


def drapes(region: Region, slope: float = 0.25) -> Float32:
    """``(T,)`` How far the tights are inside cloth that hangs from what is above them, m."""
    part = region.part(TIGHTS)
    x, y, z = part.position.T
    chosen = np.flatnonzero(part.is_torso & (z < 0.46))
    across, along = x[chosen], y[chosen] + 0.05
    angle, reach = np.arctan2(across, along), np.hypot(across, along)
    depth = np.zeros(len(z), np.float32)
    for number, place in enumerate(chosen):
        near = np.abs(np.angle(np.exp(1j * (angle - angle[number])))) < 0.25
        above = near & (z[chosen] >= z[place])
        hanging = reach[above] - slope * np.abs(z[chosen][above] - z[place])
        depth[place] = hanging.max() - reach[number]
    return depth.clip(0, 0.07)
