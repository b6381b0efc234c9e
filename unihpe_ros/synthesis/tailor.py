"""
Cuts an outfit out of the helper surfaces around a body.

A garment is a helper surface pushed outwards; a cover value per vertex (about m on the average
body, positive where there is cloth) says where it ends.

"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body import Bodies, BODY, HAIR, LEFT_EYE, RIGHT_EYE, SKIRT, TIGHTS
from unihpe_ros.synthesis.materials import stack
from unihpe_ros.synthesis.noise import noise_at
from unihpe_ros.synthesis.skinning import vertex_normals
from unihpe_ros.synthesis.wardrobe import Outfit

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

_ARM = ('upperarm', 'lowerarm', 'wrist', 'finger', 'metacarpal')
_LEG = ('upperleg', 'lowerleg', 'foot', 'toe')
_HEAD = ('neck', 'head', 'eye')
# Skin under cloth by more than this is not drawn, so that it can't poke through.
_HIDDEN = 0.012
_TEMPLATE_HEIGHT = 1.67


@dataclass(frozen=True)
class Region:
    """Where vertices are on the average body; see wardrobe for the coordinates."""

    position: Float32
    arm: Float32
    leg: Float32
    is_arm: NDArray[np.bool_]
    is_leg: NDArray[np.bool_]
    is_head: NDArray[np.bool_]

    def part(self, chosen: slice | NDArray[np.intp]) -> Region:
        """Return the region of some of the vertices."""
        return Region(
            self.position[chosen],
            self.arm[chosen],
            self.leg[chosen],
            self.is_arm[chosen],
            self.is_leg[chosen],
            self.is_head[chosen],
        )

    @property
    def is_torso(self) -> NDArray[np.bool_]:
        """Vertices of neither limbs nor head."""
        return ~(self.is_arm | self.is_leg | self.is_head)


@dataclass(frozen=True)
class Dressed:
    """
    A body in its clothes, in the rest pose.

    Parameters
    ----------
    shape : int
        The body shape.
    rest : Float32
        ``(V, 3)`` Vertices with the clothes' thickness.
    colours : Float32
        ``(V, 4)`` Paint on the skin.
    faces, cover, face_materials, materials
        As in Mesh.

    """

    shape: int
    rest: Float32
    colours: Float32
    faces: Int32
    cover: Float32
    face_materials: Int32
    materials: NDArray[np.void]


class Tailor:
    """
    Knows where everything is on the average body.

    Vertices are those of the bodies, then a second and a third copy of the tights (top and
    jacket), then a copy of the scalp.

    Parameters
    ----------
    bodies : Bodies
        The shapes to dress.

    """

    def __init__(self, bodies: Bodies) -> None:
        self.bodies = bodies
        count = len(bodies.template)
        region = _find_regions(bodies)
        self.hair_height = region.position[:, 2] - _hairline(region.position[:, 1])
        on_head = np.flatnonzero(region.is_head[BODY])
        self.scalp = on_head[self.hair_height[on_head] > -0.03]
        tights = np.arange(TIGHTS.start, TIGHTS.stop)
        self.source = np.concatenate([np.arange(count), tights, tights, self.scalp])
        self.top = slice(count, count + len(tights))
        self.jacket = slice(self.top.stop, self.top.stop + len(tights))
        self.cap = slice(self.jacket.stop, self.jacket.stop + len(self.scalp))
        self.region = region.part(self.source)
        self.weights = bodies.weights[self.source]
        self.weight_bones = bodies.weight_bones[self.source]
        self.faces = self._layer_faces(count)
        normals = _smooth_normals(bodies)
        self.normals = normals[self.source]
        self.bridges = _bridges(bodies, region, normals)
        self.eye_angles = [_eye_angles(bodies.template[eye]) for eye in (LEFT_EYE, RIGHT_EYE)]
        self.eye_centres = [bodies.template[eye].mean(0) for eye in (LEFT_EYE, RIGHT_EYE)]

    def _layer_faces(self, count: int) -> dict[str, Int32]:
        faces = dict(self.bodies.faces)
        faces['top'] = faces['tights'] + np.int32(self.top.start - TIGHTS.start)
        faces['jacket'] = faces['tights'] + np.int32(self.jacket.start - TIGHTS.start)
        place = np.full(count, -1, np.int32)
        place[self.scalp] = np.arange(len(self.scalp)) + self.cap.start
        moved = place[faces['body']]
        faces['cap'] = moved[(moved >= 0).all(1)]
        return faces

    def dress(self, shape: int, outfit: Outfit) -> Dressed:
        """
        Put an outfit onto a body shape.

        Parameters
        ----------
        shape : int
            Which shape.
        outfit : Outfit
            What it wears.

        Returns
        -------
        Dressed
            The surfaces, in the rest pose.

        """
        rest = self.bodies.rest[shape][self.source]
        covers = self._covers(outfit)
        self._push_out(rest, shape, outfit, covers)
        layers: list[tuple[str, np.void, Float32]] = [
            ('tights', outfit.sock, covers['sock']),
            ('tights', outfit.bottom_cloth, covers['bottom']),
            ('tights', outfit.shoe, covers['shoe']),
            ('top', outfit.top, covers['top']),
            ('jacket', outfit.jacket_cloth, covers['jacket']),
            (
                'skirt',
                outfit.top if outfit.bottom == 'dress' else outfit.bottom_cloth,
                covers['skirt'],
            ),
            ('cap', outfit.hat if outfit.hair == 'hat' else outfit.hair_stuff, covers['cap']),
            ('hair', outfit.hair_stuff, covers['hair']),
        ]
        eyes = outfit.skin.copy()
        eyes['gloss'], eyes['shininess'], eyes['bump'] = 0.5, 60, 0
        faces = [self._bare_faces(covers['hidden']), self.faces['eyes']]
        cover = [np.ones((len(part), 3), np.float32) for part in faces]
        materials = [outfit.skin, eyes]
        for name, stuff, value in layers:
            kept, kept_cover = _cut(self.faces[name], value)
            faces.append(kept)
            cover.append(kept_cover)
            materials.append(stuff)
        return Dressed(
            shape=shape,
            rest=rest,
            colours=self._paint(outfit),
            faces=np.concatenate(faces),
            cover=np.concatenate(cover),
            face_materials=np.repeat(
                np.arange(len(faces), dtype=np.int32), [len(part) for part in faces]
            ),
            materials=stack(materials),
        )

    def _bare_faces(self, hidden: NDArray[np.bool_]) -> Int32:
        faces = self.faces['body']
        return faces[~hidden[faces].all(1)]

    def _covers(self, outfit: Outfit) -> dict[str, Float32]:
        """Cover values over all vertices, one array per garment."""
        region = self.region
        top = top_cover(region, outfit)
        bottom = bottom_cover(region, outfit)
        shoe = np.where(region.is_leg, region.leg - outfit.shoe_top, -1)
        sock = np.where(region.is_leg, np.minimum(region.leg - outfit.sock_top, 0.3), -1)
        sock = np.where(np.maximum(bottom, shoe) > 0.02, -1, sock)
        z = region.position[:, 2]
        wears_skirt = outfit.bottom in ('skirt', 'dress')
        skirt = z - outfit.skirt_end if wears_skirt else np.full_like(z, -1)
        noise = noise_at(region.position[self.cap] * 30 + outfit.texture_shift) - 0.5
        cap = np.full_like(z, -1)
        if outfit.hair != 'bald':
            ragged = 0.0 if outfit.hair == 'hat' else 0.012
            cap[self.cap] = (
                self.hair_height[self.scalp]
                - outfit.hairline
                + ragged * noise
                - (0.01 if outfit.hair == 'hat' else 0)
            )
        long_hair = np.full_like(z, -1)
        if outfit.hair == 'long':
            x, y = region.position[:, 0], region.position[:, 1]
            around_face = np.maximum(np.maximum(y + 0.085, z - 0.80), np.abs(x) - 0.085)
            long_hair = np.minimum(z - outfit.hair_length, around_face)
        jacket = jacket_cover(region, outfit)
        under = np.maximum(np.maximum(top, bottom), np.maximum(shoe, jacket))
        covers = {
            'top': top, 'bottom': np.where(shoe > 0.03, -1, bottom), 'shoe': shoe, 'sock': sock,
            'skirt': skirt, 'cap': cap, 'hair': long_hair, 'jacket': jacket,
        }  # fmt: skip
        result = {name: value.astype(np.float32) for name, value in covers.items()}
        result['hidden'] = (under > _HIDDEN) & ~region.is_head
        return result

    def _push_out(
        self, rest: Float32, shape: int, outfit: Outfit, covers: dict[str, Float32]
    ) -> None:
        """Give the clothes their thickness, in place."""
        part = self.region.part(self.top)
        scale = self.bodies.height(shape) / _TEMPLATE_HEIGHT
        for where in (TIGHTS, self.top, self.jacket):
            rest[where] += self.bridges * np.float32(scale)
        points = part.position * outfit.crease
        waves = 1.4 * (noise_at(points + outfit.texture_shift) - 0.5)
        waves += 0.9 * (noise_at(points * np.float32(2.2) + outfit.texture_shift) - 0.5)
        z = part.position[:, 2]
        slack_top = np.where(part.is_arm, 0.45 + 0.3 * part.arm, np.clip((0.45 - z) / 0.4, 0.3, 1))
        slack_bottom = np.where(part.is_leg, 0.35 + 0.65 * np.clip(part.leg, 0, 1), 0.3)
        bottom = 0.005 + outfit.loose_bottom * slack_bottom * np.maximum(1 + waves, 0)
        shod = covers['shoe'][TIGHTS] > 0
        bottom[shod] = 0.008 + 0.006 * np.clip(waves[shod], -0.5, 0.5)
        covered = covers['bottom'][TIGHTS] > 0
        top = 0.007 + outfit.loose_top * slack_top * np.maximum(1 + waves, 0)
        top = np.maximum(top, np.where(covered, bottom * 0.7 + 0.005, 0.004))
        jacket = top + 0.012 + 0.5 * outfit.loose_top * np.maximum(1 - waves, 0)
        for where, thickness in ((TIGHTS, bottom), (self.top, top), (self.jacket, jacket)):
            rest[where] += self.normals[where] * thickness[:, None].astype(np.float32)
        if outfit.bottom in ('skirt', 'dress'):
            self._shape_skirt(rest, outfit)
        self._shape_hair(rest, outfit)

    def _shape_skirt(self, rest: Float32, outfit: Outfit) -> None:
        position = self.region.position[SKIRT]
        folds = noise_at(position * np.float32([14, 14, 2]) + outfit.texture_shift) - 0.5
        down = np.clip((0.15 - position[:, 2]) / 0.6, 0, 1)
        wider = 1.03 + outfit.flare * 0.5 * down + 0.25 * down * folds
        centre = rest[SKIRT, :2].mean(0)
        rest[SKIRT, :2] = centre + (rest[SKIRT, :2] - centre) * wider[:, None]

    def _shape_hair(self, rest: Float32, outfit: Outfit) -> None:
        region = self.region
        if outfit.hair == 'long':
            waves = noise_at(region.position[HAIR] * 20 + outfit.texture_shift)
            rest[HAIR] += self.normals[HAIR] * (0.003 + 0.02 * waves)[:, None]
        if outfit.hair == 'hat':
            waves = np.float32(0.6)
        else:
            waves = noise_at(region.position[self.cap] * 30 + outfit.texture_shift)
        fade = np.clip(self.hair_height[self.scalp] / 0.05, 0.1, 1)
        thickness = 0.004 + outfit.hair_depth * fade * (0.4 + 0.9 * waves)
        rest[self.cap] += self.normals[self.cap] * thickness[:, None].astype(np.float32)

    def _paint(self, outfit: Outfit) -> Float32:
        """``(V, 4)`` Colours on the skin: lips, brows, beard, scalp, eyes, gloves, mask."""
        colours = np.zeros((len(self.source), 4), np.float32)
        body = self.region.part(BODY)
        x, y, z = body.position.T
        skin = colours[BODY]

        def put(where: NDArray[np.bool_], colour: Float32, strength: float | Float32) -> None:
            skin[where, :3] = colour
            skin[where, 3] = strength if np.isscalar(strength) else strength[where]

        lips = self.bodies.lips[BODY]
        put(lips > 0.25, outfit.lips, np.clip(lips * 1.2, 0, 1))
        for cx, _, cz in self.eye_centres:
            across, above = np.abs(x - cx), z - cz
            socket = (across < 0.022) & (np.abs(above) < 0.012) & (y < 0)
            put(socket, outfit.skin_tone * 0.5, 0.4 + 0.5 * outfit.makeup)
            brow = outfit.brows * np.exp(-(((above - 0.0205 - 0.1 * across) / 0.005) ** 2))
            put((across < 0.026) & (brow > 0.15) & (y < 0.01), outfit.hair_tone * 0.7, brow)
        if outfit.beard:
            jaw = body.is_head & (z < 0.672) & (z > 0.60) & (y < -0.045) & (skin[:, 3] < 0.2)
            put(jaw, outfit.hair_tone * 0.8, outfit.beard)
        if outfit.mask:
            put(body.is_head & (z < 0.70) & (z > 0.615) & (y < -0.04), outfit.mask_tone, 1.0)
        if outfit.hair != 'bald':
            ragged = 0.012 * (noise_at(body.position * 60 + outfit.texture_shift) - 0.5)
            hairy = self.hair_height[BODY] - outfit.hairline + ragged > 0
            put(body.is_head & hairy, outfit.hair_tone * 0.8, 1.0)
        if outfit.gloves:
            put(body.is_arm & (body.arm > 0.98), outfit.glove_tone, 1.0)
        for eye, angles in zip((LEFT_EYE, RIGHT_EYE), self.eye_angles, strict=True):
            white = np.array([0.75, 0.72, 0.7], np.float32)
            coloured = np.where(angles[:, None] < 30, outfit.iris, white)
            colours[eye, :3] = np.where(angles[:, None] < 12, np.float32(0.005), coloured)
            colours[eye, 3] = 1
        return colours


def top_cover(region: Region, outfit: Outfit) -> NDArray[np.floating]:
    """Cover of a shirt, sweater or the upper part of a dress."""
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
    """Cover of trousers, shorts or what is worn under a skirt."""
    on_torso = np.where(region.is_torso, outfit.waist - region.position[:, 2], -1)
    return np.where(region.is_leg, (outfit.leg - region.leg) * 0.8, on_torso)


def jacket_cover(region: Region, outfit: Outfit) -> NDArray[np.floating]:
    """Cover of a jacket or coat, open at the front."""
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


def _cut(faces: Int32, value: Float32) -> tuple[Int32, Float32]:
    """Keep the faces that show anywhere, with their corners' cover."""
    cover = value[faces]
    kept = (cover > 0).any(1)
    return faces[kept], cover[kept]


def _find_regions(bodies: Bodies) -> Region:
    template, bones = bodies.template, bodies.bones
    rows = np.arange(len(template))
    dominant = bodies.weight_bones[rows, bodies.weights.argmax(1)]
    kinds = np.array([_kind(name) for name in bones])[dominant]
    arm = np.zeros(len(template), np.float32)
    leg = np.zeros(len(template), np.float32)
    for letter in 'LR':
        side = (template[:, 0] > 0) == (letter == 'L')
        for kind, along, chain in (
            (1, arm, ('upperarm01', 'lowerarm01', 'wrist')),
            (2, leg, ('upperleg01', 'lowerleg01', 'foot')),
        ):
            chosen = side & (kinds == kind)
            knots = bodies.template_heads[[bones.index(f'{b}.{letter}') for b in chain]]
            along[chosen] = _place_along(knots, template[chosen])
    return Region(template, arm, leg, kinds == 1, kinds == 2, kinds == 3)


def _kind(bone: str) -> int:
    for kind, prefixes in ((1, _ARM), (2, _LEG), (3, _HEAD)):
        if bone.startswith(prefixes):
            return kind
    return 0


def _place_along(knots: Float32, points: Float32) -> Float32:
    """Coordinate of points along a chain of two bones: 0, 0.5 and 1 at the knots."""
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
    return place


def _hairline(y: Float32) -> Float32:
    """Height of the hairline from the forehead (y < 0) to the nape."""
    return np.interp(
        y, [-0.16, -0.10, -0.055, -0.03, 0.02], [0.800, 0.785, 0.755, 0.70, 0.655]
    ).astype(np.float32)


def _smooth_normals(bodies: Bodies, rounds: int = 3) -> Float32:
    """Normals of the average body, the tights' smoothed so that clothes bridge small dents."""
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


def _bridges(bodies: Bodies, region: Region, normals: Float32, rounds: int = 30) -> Float32:
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
    out = np.where(crotch, out.clip(-0.03, 0.03), out.clip(0, 0.03))
    fade = np.clip((z + 0.3) / 0.1, 0, 1) * np.clip((0.47 - z) / 0.06, 0, 1) * ~part.is_arm
    return (outward * (out * fade)[:, None]).astype(np.float32)


def _eye_angles(eyeball: Float32) -> Float32:
    """Angle of each vertex of an eyeball off the line of sight, deg."""
    out = eyeball - eyeball.mean(0)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return np.degrees(np.arccos((-out[:, 1]).clip(-1, 1)))
