"""
Dressed bodies: garments cut out of helper surfaces around the body.

A garment is a helper surface pushed outwards; a cover value per vertex (about m on the average
body, positive where there is cloth) says where it ends.

"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.skinning import cut
from unihpe_ros.synthesis.body.topology import BODY, TIGHTS
from unihpe_ros.synthesis.clothing.accessories import Accessories
from unihpe_ros.synthesis.clothing.complexion import Complexion
from unihpe_ros.synthesis.clothing.garment_thickness import GarmentRanges, Padding
from unihpe_ros.synthesis.clothing.garments import (
    bottom_cover,
    drapes,
    find_regions,
    hollows,
    jacket_cover,
    smooth_normals,
    top_cover,
)
from unihpe_ros.synthesis.clothing.outfit import Outfit
from unihpe_ros.synthesis.primitives.materials import stack
from unihpe_ros.synthesis.render.noise import noise_at

Float32 = NDArray[np.float32]
Int32 = NDArray[np.int32]

# Depth of skin under cloth from which it is not drawn, so that it cannot poke through.
_HIDDEN = 0.012
_TEMPLATE_HEIGHT = 1.67


@dataclass(frozen=True)
class Dressed:
    """
    A dressed body in the rest pose.

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
    Dresses bodies, from regions and garment surfaces found once on the average body.

    Vertices are those of the bodies, then a second and a third copy of the tights (top and
    jacket), then a copy of the scalp, then accessories.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes to dress.

    """

    def __init__(self, bodies: BodyShapes) -> None:
        self.bodies = bodies
        count = len(bodies.template)
        region = find_regions(bodies)
        self.hair_height = region.position[:, 2] - _hairline(region.position[:, 1])
        on_head = np.flatnonzero(region.is_head[BODY])
        self.scalp = on_head[self.hair_height[on_head] > -0.03]
        tights = np.arange(TIGHTS.start, TIGHTS.stop)
        self.accessories = Accessories(bodies, region)
        extra = self.accessories.source
        self.source = np.concatenate([np.arange(count), tights, tights, self.scalp, extra])
        self.top = slice(count, count + len(tights))
        self.jacket = slice(self.top.stop, self.top.stop + len(tights))
        self.cap = slice(self.jacket.stop, self.jacket.stop + len(self.scalp))
        self.worn = slice(self.cap.stop, self.cap.stop + len(extra))
        self.region = region.part(self.source)
        self.region.position[self.worn] = self.accessories.points
        self.weights = bodies.weights[self.source]
        self.weight_bones = bodies.weight_bones[self.source]
        self.faces = self._layer_faces(count)
        normals = smooth_normals(bodies)
        self.padding = Padding(
            self.region,
            normals[self.source],
            GarmentRanges(self.top, self.jacket, self.cap, self.hair_height[self.scalp]),
            hollows(bodies, region, normals),
            drapes(region),
        )
        self.complexion = Complexion(bodies, region, self.hair_height, len(self.source))

    def _layer_faces(self, count: int) -> dict[str, Int32]:
        faces = dict(self.bodies.faces)
        faces['top'] = faces['tights'] + np.int32(self.top.start - TIGHTS.start)
        faces['jacket'] = faces['tights'] + np.int32(self.jacket.start - TIGHTS.start)
        place = np.full(count, -1, np.int32)
        place[self.scalp] = np.arange(len(self.scalp)) + self.cap.start
        moved = place[faces['body']]
        faces['cap'] = moved[(moved >= 0).all(1)]
        for name, part in self.accessories.faces.items():
            faces[name] = part + np.int32(self.worn.start)
        return faces

    def dress(self, shape: int, outfit: Outfit) -> Dressed:
        """
        Return a body shape dressed in an outfit.

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
        rest[self.worn] = self.accessories.fitted(shape)
        scale = self.bodies.height(shape) / _TEMPLATE_HEIGHT
        self.padding.push_out(rest, scale, outfit, covers['shoe'], covers['bottom'])
        layers: list[tuple[str, np.void, Float32]] = [
            ('tights', outfit.bottom_cloth, covers['bottom']),
            ('tights', outfit.shoe, covers['shoe']),
            # The same surface again: trousers and shoes have priority where they are.
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
            kept, kept_cover = cut(self.faces[name], value)
            faces.append(kept)
            cover.append(kept_cover)
            materials.append(stuff)
        for name, stuff in outfit.worn.items():
            faces.append(self.faces[name])
            cover.append(np.ones(self.faces[name].shape, np.float32))
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
        return cut(self.faces['body'], -hidden)[0]

    def _covers(self, outfit: Outfit) -> dict[str, Float32]:
        """Return the cover values over all vertices, one array per garment."""
        region = self.region
        top = top_cover(region, outfit)
        bottom = bottom_cover(region, outfit)
        shoe = np.where(region.is_leg, region.leg - outfit.shoe_top, -1)
        sock = np.where(region.is_leg, np.minimum(region.leg - outfit.sock_top, 0.3), -1)
        z = region.position[:, 2]
        wears_skirt = outfit.bottom in ('skirt', 'dress')
        skirt = z - outfit.skirt_end if wears_skirt else np.full_like(z, -1)
        cap, long_hair = self._hair_covers(outfit)
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

    def _hair_covers(self, outfit: Outfit) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
        """Return the cover of short hair or hat on the scalp, and of long hair."""
        region = self.region
        z = region.position[:, 2]
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
        return cap, long_hair


def _hairline(y: Float32) -> Float32:
    """Height of the hairline from the forehead (y < 0) to the nape."""
    return np.interp(
        y, [-0.16, -0.10, -0.055, -0.03, 0.02], [0.800, 0.785, 0.755, 0.70, 0.655]
    ).astype(np.float32)
