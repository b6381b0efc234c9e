"""Vertex colours of face and skin: lips, brows, beards, eyes, gloves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.body.body_shapes import BodyShapes
from unihpe_ros.synthesis.body.topology import BODY, LEFT_EYE, RIGHT_EYE
from unihpe_ros.synthesis.clothing.garments import Region
from unihpe_ros.synthesis.clothing.outfit import Outfit
from unihpe_ros.synthesis.render.noise import noise_at

Float32 = NDArray[np.float32]


class Complexion:
    """
    Paints face and skin by regions found once on the average body.

    Parameters
    ----------
    bodies : BodyShapes
        The shapes.
    region : Region
        Where their vertices are.
    hair_height : Float32
        ``(V,)`` Height of each vertex above the hairline, m.
    vertices : int
        Number of vertices to paint, those of the clothes included.

    """

    def __init__(
        self, bodies: BodyShapes, region: Region, hair_height: Float32, vertices: int
    ) -> None:
        body = region.part(BODY)
        self.hands = np.flatnonzero(body.is_arm & (body.arm > 0.98))
        self.on_head = np.flatnonzero(body.is_head | (bodies.lips[BODY] > 0))
        self.head = body.part(self.on_head)
        self.hair_height = hair_height[self.on_head]
        self.lips = bodies.lips[self.on_head]
        self.vertices = vertices
        eyes = [bodies.template[eye] for eye in (LEFT_EYE, RIGHT_EYE)]
        self.eye_angles = [_eye_angles(eye) for eye in eyes]
        self.eye_centres = [eye.mean(0) for eye in eyes]

    def paint(self, outfit: Outfit) -> Float32:
        """``(V, 4)`` Vertex colours: lips, brows, beard, scalp, eyes, gloves, mask."""
        colours = np.zeros((self.vertices, 4), np.float32)
        head = self.head
        x, y, z = head.position.T
        skin = np.zeros((len(head.position), 4), np.float32)

        def put(where: NDArray[np.bool_], colour: Float32, strength: float | Float32) -> None:
            skin[where, :3] = colour
            skin[where, 3] = np.broadcast_to(strength, where.shape)[where]

        lips = self.lips
        put(lips > 0.25, outfit.lips, np.clip(lips * 1.2, 0, 1))
        for cx, _, cz in self.eye_centres:
            across, above = np.abs(x - cx), z - cz
            socket = (across < 0.022) & (np.abs(above) < 0.012) & (y < 0)
            put(socket, outfit.skin_tone * 0.35, 0.55 + 0.4 * outfit.makeup)
            under = (across < 0.024) & (above > -0.03) & (above < -0.012) & (y < 0)
            put(under & (skin[:, 3] == 0), outfit.skin_tone * 0.75, 0.4)
            brow = outfit.brows * np.exp(-(((above - 0.0205 - 0.1 * across) / 0.005) ** 2))
            put((across < 0.026) & (brow > 0.15) & (y < 0.01), outfit.hair_tone * 0.7, brow)
        nostrils = (np.abs(x) < 0.014) & (y < -0.145) & (z > 0.684) & (z < 0.692)
        put(nostrils, outfit.skin_tone * 0.25, 0.8)
        if outfit.beard:
            jaw = head.is_head & (z < 0.672) & (z > 0.60) & (y < -0.045) & (skin[:, 3] < 0.2)
            put(jaw, outfit.hair_tone * 0.8, outfit.beard)
        if outfit.mask:
            put(head.is_head & (z < 0.70) & (z > 0.615) & (y < -0.04), outfit.mask_tone, 1.0)
        if outfit.hair != 'bald':
            ragged = 0.012 * (noise_at(head.position * 60 + outfit.texture_shift) - 0.5)
            hairy = self.hair_height - outfit.hairline + ragged > 0
            put(head.is_head & hairy, outfit.hair_tone * 0.8, 1.0)
        colours[self.on_head] = skin
        if outfit.gloves:
            colours[self.hands, :3] = outfit.glove_tone
            colours[self.hands, 3] = 1
        for eye, angles in zip((LEFT_EYE, RIGHT_EYE), self.eye_angles, strict=True):
            white = np.array([0.75, 0.72, 0.7], np.float32)
            coloured = np.where(angles[:, None] < 30, outfit.iris, white)
            colours[eye, :3] = np.where(angles[:, None] < 12, np.float32(0.005), coloured)
            colours[eye, 3] = 1
        return colours


def _eye_angles(eyeball: Float32) -> Float32:
    """Angle of each vertex of an eyeball off the line of sight, deg."""
    out = eyeball - eyeball.mean(0)
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    return np.degrees(np.arccos((-out[:, 1]).clip(-1, 1)))
