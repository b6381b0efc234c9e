"""Random places with their light: outdoors or a room."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.primitives.materials import linear
from unihpe_ros.synthesis.primitives.scene_types import Light
from unihpe_ros.synthesis.render.room import PANEL
from unihpe_ros.synthesis.render.sky import SKY
from unihpe_ros.synthesis.render.surfaces import SURFACE
from unihpe_ros.synthesis.scenery.environment import Environment

Float32 = NDArray[np.float32]


def ambient(rng: np.random.Generator, up: Float32, down: Float32, uneven: float) -> Float32:
    """``(9, 3)`` Ambient light as spherical harmonics, from RGB above and below, and random."""
    sh = np.zeros((9, 3), np.float32)
    sh[0] = 0.5 * (up + down) / 0.282095
    sh[2] = 0.5 * (up - down) / 0.488603 * 0.66
    mean = float(sh[0].mean()) * 0.282095
    sh[[1, 3]] += (rng.normal(0, uneven, (2, 1)) * mean / 0.488603).astype(np.float32)
    if rng.random() < 0.25:  # Walls and lamps of different colours.
        sh[[1, 3]] += (rng.normal(0, uneven, (2, 3)) * mean / 0.488603).astype(np.float32)
    sh[4:] += (rng.normal(0, 0.3 * uneven, (5, 1)) * mean).astype(np.float32)
    return sh


def direction(azimuth: float, elevation: float) -> Float32:
    """``(3,)`` Unit vector, Z up, rad."""
    flat = np.cos(elevation)
    return np.array(
        [flat * np.cos(azimuth), flat * np.sin(azimuth), np.sin(elevation)], np.float32
    )


def sample_outdoors(rng: np.random.Generator, ground: float) -> Environment:
    """Return a random place outdoors; see environment_sampling."""
    overcast = rng.random() < 0.4
    low_sun = not overcast and rng.random() < 0.25
    elevation = rng.uniform(0.12, 0.4) if low_sun else rng.uniform(0.4, 1.3)
    sun = direction(rng.uniform(0, 2 * np.pi), elevation)
    warm = np.array([1.0, 0.72, 0.45]) if low_sun else np.array([1.0, 0.95, 0.86])
    strength = 0.0 if overcast else rng.uniform(0.6, 2.2)
    sun_colour = (strength * warm * (1 + rng.normal(0, 0.05, 3))).astype(np.float32)
    grey = rng.uniform(0.5, 1.0)
    zenith = linear(0.6, rng.uniform(0.25, 0.7), rng.uniform(0.5, 0.9))
    horizon = linear(0.57, rng.uniform(0.02, 0.25), rng.uniform(0.8, 1.0))
    if overcast:
        zenith = (grey * 0.8 * (1 + rng.normal(0, 0.03, 3))).astype(np.float32)
        horizon = np.full(3, grey, np.float32)
    elif low_sun:
        horizon = linear(rng.uniform(0.03, 0.1), rng.uniform(0.2, 0.6), 0.95)
    floor = _ground_surface(rng, _OUTSIDE)
    fill = rng.uniform(0.5, 1.1)
    up = np.float32(fill) * (np.float32(0.6) * zenith + np.float32(0.4) * horizon)
    down = np.float32(0.35 * fill) * floor['base'] * (1 + sun_colour)
    sky: np.void = np.zeros(1, SKY)[0]
    sky['zenith'], sky['horizon'] = zenith * 1.1, horizon * 1.2
    sky['haze'] = rng.uniform(0.1, 1.2)
    sky['cloud'] = np.full(3, rng.uniform(0.6, 1.2)) if not overcast else horizon * 0.8
    sky['cloud_cover'] = rng.uniform(0.3, 0.75) if rng.random() < 0.7 else 0
    sky['cloud_scale'] = rng.uniform(0.4, 2)
    sky['sun'], sky['sun_colour'] = sun, sun_colour
    sky['skyline'] = rng.choice(4, p=[0.12, 0.2, 0.36, 0.32])
    sky['skyline_height'] = (
        rng.uniform(0.05, 0.9) if sky['skyline'] > 1 else rng.uniform(0.03, 0.3)
    )
    hue = (0.0, 0.3, rng.uniform(0.18, 0.4), rng.uniform(0.02, 0.12))[int(sky['skyline'])]
    sky['skyline_colour'] = linear(hue, rng.uniform(0.05, 0.6), rng.uniform(0.2, 0.7))
    sky['seed'] = rng.uniform(0, 30)
    light = Light(ambient(rng, up, down, 0.15), sun, sun_colour)
    return Environment('outdoors', light, ground, np.array([floor]), sky=sky)


_GROUNDS = (
    # kind, hue, saturation, value, scale: asphalt, paving, grass, sand and soil, wood.
    (3, (0.0, 0.2), (0.0, 0.08), (0.2, 0.6), (0.5, 6)),
    (4, (0.0, 0.12), (0.0, 0.4), (0.3, 0.8), (1.5, 6)),
    (6, (0.2, 0.32), (0.4, 0.8), (0.25, 0.6), (0.6, 3)),
    (6, (0.06, 0.13), (0.15, 0.6), (0.3, 0.85), (0.5, 4)),
    (5, (0.05, 0.1), (0.2, 0.6), (0.25, 0.7), (4, 10)),
)


_OUTSIDE = (0.30, 0.25, 0.25, 0.15, 0.05)
_INSIDE = (0.30, 0.25, 0.03, 0.14, 0.28)


def _ground_surface(rng: np.random.Generator, shares: Sequence[float]) -> np.void:
    kind, hue, saturation, value, scale = _GROUNDS[rng.choice(5, p=shares)]
    h, s, v = rng.uniform(*hue), rng.uniform(*saturation), rng.uniform(*value)
    surface: np.void = np.zeros(1, SURFACE)[0]
    surface['kind'] = kind
    surface['base'] = linear(h, s, v)
    surface['second'] = linear(h + rng.normal(0, 0.02), s, v * rng.uniform(0.4, 1.4))
    surface['scale'] = rng.uniform(*scale)
    surface['ratio'] = rng.uniform(0.6, 2.5)
    surface['rough'] = rng.uniform(0.2, 0.9)
    surface['rough_scale'] = rng.uniform(0.5, 8)
    return surface


def _wall_surface(rng: np.random.Generator) -> np.void:
    surface: np.void = np.zeros(1, SURFACE)[0]
    surface['kind'] = rng.choice(7, p=[0.46, 0.06, 0.04, 0.12, 0.2, 0.1, 0.02])
    value = rng.uniform(0.25, 0.98)
    hue = rng.random() if rng.random() < 0.4 else rng.uniform(0.05, 0.17)
    saturation = 0.5 * rng.random() ** 2
    surface['base'] = linear(hue, saturation, value)
    surface['second'] = linear(hue + rng.normal(0, 0.1), saturation, value * rng.uniform(0.5, 1.2))
    surface['scale'] = np.exp(rng.uniform(np.log(1), np.log(9)))
    surface['ratio'] = rng.uniform(0.5, 3)
    surface['rough'] = rng.uniform(0.05, 0.5)
    surface['rough_scale'] = rng.uniform(0.5, 8)
    return surface


def sample_room(
    rng: np.random.Generator, ground: float, inside: NDArray[np.floating]
) -> Environment:
    """Return a random room that holds some points; see environment_sampling."""
    half = rng.uniform(1.5, 5, 2)
    low = np.array([-half[0] * rng.uniform(0.4, 1), -half[1] * rng.uniform(0.4, 1), ground])
    high = np.array([half[0], half[1], ground + rng.uniform(2.3, 4.5)])
    low[:2] = np.minimum(low[:2], inside[:, :2].min(0) - 0.3)
    high = np.maximum(high, inside.max(0) + 0.3)
    surfaces = np.array([_wall_surface(rng) for _ in range(6)])
    if rng.random() < 0.75:
        surfaces[:4] = surfaces[0]
    surfaces[4] = _ground_surface(rng, _INSIDE)
    ceiling: np.void = np.zeros(1, SURFACE)[0]
    ceiling['base'] = ceiling['second'] = linear(0, 0.05 * rng.random(), rng.uniform(0.6, 1))
    ceiling['kind'], ceiling['scale'], ceiling['ratio'] = rng.choice([0, 4]), 1.5, 1
    surfaces[5] = ceiling
    panels = [_panel(rng, low, high, ground) for _ in range(rng.integers(0, 10))]
    tint = 1 + rng.normal(0, 0.1, 3) + rng.choice([0, 0.12]) * np.array([1, 0.2, -1])
    level = rng.uniform(0.25, 0.9)
    up = (level * tint).astype(np.float32)
    down = up * np.float32(rng.uniform(0.35, 0.8))
    sun = direction(rng.uniform(0, 2 * np.pi), rng.uniform(0.3, 1.45))
    lamp = (rng.uniform(0, 1.2) * tint * (1 + rng.normal(0, 0.05, 3))).clip(0).astype(np.float32)
    if rng.random() < 0.12:  # A spotlight in the dark, often coloured.
        lamp = linear(rng.random(), 0.8 * rng.random() ** 2, 1.0) * np.float32(rng.uniform(1, 3))
        up, down = up * np.float32(0.35), down * np.float32(0.35)
    return Environment(
        'room',
        Light(ambient(rng, up, down, 0.35), sun, lamp),
        ground,
        surfaces,
        low=low.astype(np.float32),
        high=high.astype(np.float32),
        panels=np.array(panels, PANEL),
    )


def _panel(
    rng: np.random.Generator, low: NDArray[np.floating], high: NDArray[np.floating], ground: float
) -> np.void:
    """Return a random window, door, picture or shelf on a wall."""
    panel: np.void = np.zeros(1, PANEL)[0]
    wall = int(rng.integers(4))
    along = 1 - wall // 2
    kind = rng.choice(4, p=[0.3, 0.2, 0.3, 0.2])
    width, height = rng.uniform(0.3, 1.6), rng.uniform(0.3, 1.3)
    bottom = rng.uniform(0.7, 1.7)
    if kind == 1:
        width, height, bottom = rng.uniform(0.7, 1.1), rng.uniform(1.9, 2.2), 0.0
    elif kind == 3:
        width, height, bottom = rng.uniform(0.5, 2), rng.uniform(0.8, 2.2), 0.0
    left = rng.uniform(low[along], high[along])
    panel['wall'], panel['left'], panel['right'] = wall, left, left + width
    panel['bottom'], panel['top'] = ground + bottom, ground + bottom + height
    panel['colour'] = linear(rng.random(), 0.8 * rng.random(), rng.uniform(0.1, 0.95))
    panel['frame'] = linear(rng.uniform(0.05, 0.15), 0.5 * rng.random(), rng.uniform(0.05, 0.95))
    panel['frame_width'] = rng.uniform(0.01, 0.06)
    panel['texture'], panel['texture_scale'] = rng.uniform(0.1, 1.6), rng.uniform(1, 20)
    panel['columns'], panel['rows'] = 1, 1
    if kind == 0:
        panel['glow'] = rng.uniform(0.5, 3)
        panel['colour'] = linear(0.57, rng.uniform(0, 0.3), rng.uniform(0.5, 1))
        panel['columns'], panel['rows'] = rng.integers(1, 4), rng.integers(1, 3)
    elif kind == 3:
        panel['rows'], panel['columns'] = rng.integers(2, 6), rng.integers(1, 12)
    return panel
