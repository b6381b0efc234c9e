"""
Cuts an outfit out of the helper surfaces around a body.

A garment is a helper surface pushed outwards; a cover value per vertex (about m on the average
body, positive where there is cloth) says where it ends.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body import Bodies, BODY, HAIR, SKIRT, TIGHTS
from unihpe_ros.synthesis.complexion import Complexion
from unihpe_ros.synthesis.garments import (
    bottom_cover,
    find_regions,
    hollows,
    jacket_cover,
    smooth_normals,
    top_cover,
)
from unihpe_ros.synthesis.materials import stack
from unihpe_ros.synthesis.noise import noise_at
from unihpe_ros.synthesis.wardrobe import Outfit

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

# Skin under cloth by more than this is not drawn, so that it can't poke through.
_HIDDEN = 0.012
_TEMPLATE_HEIGHT = 1.67


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
        region = find_regions(bodies)
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
        normals = smooth_normals(bodies)
        self.normals = normals[self.source]
        self.bridges = hollows(bodies, region, normals)
        self.complexion = Complexion(bodies, region, self.hair_height, len(self.source))

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
            ('tights', outfit.bottom_cloth, covers['bottom']),
            ('tights', outfit.shoe, covers['shoe']),
            # The same surface again: where trousers and shoes are, they were there first.
            ('tights', outfit.sock, covers['sock']),
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
            colours=self.complexion.paint(outfit),
            faces=np.concatenate(faces),
            cover=np.concatenate(cover),
            face_materials=np.repeat(
                np.arange(len(faces), dtype=np.int32), [len(part) for part in faces]
            ),
            materials=stack(materials),
        )

    def _bare_faces(self, hidden: Float32) -> Int32:
        faces = self.faces['body']
        return faces[~(hidden > 0)[faces].all(1)]

    def _covers(self, outfit: Outfit) -> dict[str, Float32]:
        """Cover values over all vertices, one array per garment."""
        region = self.region
        top = top_cover(region, outfit)
        bottom = bottom_cover(region, outfit)
        shoe = np.where(region.is_leg, region.leg - outfit.shoe_top, -1)
        sock = np.where(region.is_leg, np.minimum(region.leg - outfit.sock_top, 0.3), -1)
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
        under = np.maximum.reduce([top, bottom, shoe, sock, jacket])
        covers = {
            'top': top, 'bottom': np.where(shoe > 0.03, -1, bottom), 'shoe': shoe, 'sock': sock,
            'skirt': skirt, 'cap': cap, 'hair': long_hair, 'jacket': jacket,
        }  # fmt: skip
        result = {name: value.astype(np.float32) for name, value in covers.items()}
        # What lies under cloth; heads are never covered.
        result['hidden'] = np.where(region.is_head, -1, under - _HIDDEN).astype(np.float32)
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
        folds = noise_at(position * np.array([14, 14, 2], np.float32) + outfit.texture_shift) - 0.5
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


def _cut(faces: Int32, value: Float32) -> tuple[Int32, Float32]:
    """Keep the faces that show anywhere, with their corners' cover."""
    cover = value[faces]
    kept = (cover > 0).any(1)
    return faces[kept], cover[kept]


def _hairline(y: Float32) -> Float32:
    """Height of the hairline from the forehead (y < 0) to the nape."""
    return np.interp(
        y, [-0.16, -0.10, -0.055, -0.03, 0.02], [0.800, 0.785, 0.755, 0.70, 0.655]
    ).astype(np.float32)
