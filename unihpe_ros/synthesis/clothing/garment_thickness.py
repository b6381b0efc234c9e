"""Thickness of clothes and hair: offset from the body, drape, folds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.topology import HAIR, SKIRT, TIGHTS
from unihpe_ros.synthesis.clothing.garments import Region
from unihpe_ros.synthesis.clothing.outfit import Outfit
from unihpe_ros.synthesis.render.noise import noise_at

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class GarmentRanges:
    """Vertex ranges of the garments' surfaces, and the cap's heights on the head, m."""

    top: slice
    jacket: slice
    cap: slice
    hair_height: Float32


@dataclass(frozen=True)
class Padding:
    """
    Moves garments off the body's surface by their thickness.

    Parameters
    ----------
    region : Region
        Where all vertices are on the average body.
    normals : Float32
        ``(V, 3)`` Which way is outwards.
    layers : GarmentRanges
        Which vertices are which garment's.
    bridges : Float32
        ``(T, 3)`` How cloth bridges hollows, m.
    drapes : Float32
        ``(T,)`` How far a cloth that hangs down stands off, m.

    """

    region: Region
    normals: Float32
    layers: GarmentRanges
    bridges: Float32
    drapes: Float32

    def push_out(
        self, rest: Float32, scale: float, outfit: Outfit, shoe: Float32, trousers: Float32
    ) -> None:
        """
        Move the clothes' vertices off the body by their thickness, in place.

        Parameters
        ----------
        rest : Float32
            ``(V, 3)`` Vertices of a shape.
        scale : float
            Its height against the average body's.
        outfit : Outfit
            What is worn.
        shoe, trousers : Float32
            ``(V,)`` Cover of the shoes and of what is worn on the legs.

        """
        layers = self.layers
        part = self.region.part(layers.top)
        for where in (TIGHTS, layers.top, layers.jacket):
            rest[where] += self.bridges * np.float32(scale)
        points = part.position * outfit.crease
        waves = 1.4 * (noise_at(points + outfit.texture_shift) - 0.5)
        waves += 0.9 * (noise_at(points * np.float32(2.2) + outfit.texture_shift) - 0.5)
        z = part.position[:, 2]
        slack_top = np.where(part.is_arm, 0.45 + 0.3 * part.arm, np.clip((0.45 - z) / 0.4, 0.3, 1))
        slack_bottom = np.where(part.is_leg, 0.35 + 0.65 * np.clip(part.leg, 0, 1), 0.3)
        # Legs and sleeves as wide as they are cut, wherever the limb is thinner.
        ease = np.where(part.is_leg, outfit.leg_cut * (0.85 + 0.3 * part.leg), outfit.sleeve_cut)
        ease = ease * np.clip((np.maximum(part.arm, part.leg) - 0.12) * 6, 0, 1) - part.girth
        ease = np.where(part.is_leg | part.is_arm, ease, 0).clip(0, 0.09) * (1 + 0.5 * waves)
        bottom = 0.005 + outfit.loose_bottom * slack_bottom * np.maximum(1 + waves, 0)
        bottom = np.where(part.is_leg, np.maximum(bottom, ease), bottom)
        shod = shoe[TIGHTS] > 0
        bottom[shod] = 0.008 + 0.006 * np.clip(waves[shod], -0.5, 0.5)
        top = 0.007 + outfit.loose_top * slack_top * np.maximum(1 + waves, 0)
        hanging = self.drapes * outfit.drape * (1 + 0.4 * waves)
        top = np.maximum(top, np.where(part.is_arm, ease, hanging + 0.007))
        covered = trousers[TIGHTS] > 0
        top = np.maximum(top, np.where(covered, bottom * 0.7 + 0.005, 0.004))
        jacket = top + 0.012 + 0.5 * outfit.loose_top * np.maximum(1 - waves, 0)
        for where, thickness in ((TIGHTS, bottom), (layers.top, top), (layers.jacket, jacket)):
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
            waves = noise_at(region.position[self.layers.cap] * 30 + outfit.texture_shift)
        fade = np.clip(self.layers.hair_height / 0.05, 0.1, 1)
        thickness = 0.004 + outfit.hair_depth * fade * (0.4 + 0.9 * waves)
        rest[self.layers.cap] += self.normals[self.layers.cap] * thickness[:, None].astype(
            np.float32
        )
