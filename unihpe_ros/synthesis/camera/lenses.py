"""Random camera effects, from a good camera to a poor one."""

from __future__ import annotations

import numpy as np
from unihpe_ros.synthesis.primitives.scene_types import Lens

_Triple = tuple[float, float, float]


def sample_lens(rng: np.random.Generator) -> Lens:
    """Return random camera effects and a JPEG quality."""
    motion = (0.0, 0.0)
    if rng.random() < 0.12:
        length, angle = rng.uniform(2, 11), rng.uniform(0, np.pi)
        motion = (length * np.cos(angle), length * np.sin(angle))
    dark = rng.random() < 0.08
    shrink = np.exp(rng.uniform(np.log(0.2), np.log(0.8))) if rng.random() < 0.34 else 1.0
    # An enlarged picture is blurred anyway.
    soft = rng.random() < (0.3 if shrink == 1 else 0.12)
    noise = 0.003 + 0.032 * rng.random() ** 1.5 if rng.random() < 0.55 else 0.0
    return Lens(
        exposure=float(np.exp(rng.normal(0, 0.32))) * (0.4 if dark else 1.0),
        auto_exposure=rng.random() < 0.85,
        highlights=rng.random() < 0.7,
        contrast=rng.uniform(0.65, 1.4) if rng.random() < 0.55 else 1.0,
        brightness=rng.normal(0, 0.05) if rng.random() < 0.5 else 0.0,
        saturation=_saturation(rng),
        tint=_tint(rng),
        blur=rng.uniform(0.4, 2.2) if soft else 0.0,
        motion=motion,
        shrink=float(shrink),
        noise=noise * (1.6 if dark else 1) * min(1.0, 1.5 * float(shrink)),
        coarse_noise=rng.uniform(0.01, 0.04) if noise and rng.random() < 0.35 else 0.0,
        vignette=rng.uniform(0.1, 0.6) if rng.random() < 0.2 else 0.0,
        veil=_veil(rng),
        sharpen=rng.uniform(0.3, 1.4) if rng.random() < 0.3 else 0.0,
        blocky=rng.random() < 0.06,
        first_jpeg=int(rng.integers(35, 95)) if rng.random() < 0.5 else 0,
        background_blur=rng.uniform(0.4, 5.0) if rng.random() < 0.42 else 0.0,
        jpeg_quality=int(rng.integers(30, 97)),
        noise_seed=int(rng.integers(2**31)),
    )


def _saturation(rng: np.random.Generator) -> float:
    kind = rng.random()
    if kind < 0.05:
        return 0.0
    return rng.uniform(0.3, 1.4) if kind < 0.65 else 1.0


def _tint(rng: np.random.Generator) -> _Triple:
    strength = rng.choice([0.0, 0.06, 0.16], p=[0.45, 0.43, 0.12])
    red, green, blue = (float(v) for v in 1 + rng.normal(0, 1, 3) * (1, 0.5, 1) * strength)
    return red, green, blue


def _veil(rng: np.random.Generator) -> _Triple:
    if rng.random() > 0.14:
        return 0.0, 0.0, 0.0
    red, green, blue = (float(v) for v in rng.uniform(0.05, 0.4) * rng.uniform(0.6, 1, 3))
    return red, green, blue
