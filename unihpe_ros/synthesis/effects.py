"""What a camera does to light: exposure, tone, blur, noise and compression."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.scene import Lens

Float32 = NDArray[np.float32]

_MIDDLE_GREY = 0.20


def sample_lens(rng: np.random.Generator) -> Lens:
    """Sample a camera, from good to poor."""
    motion = (0.0, 0.0)
    if rng.random() < 0.12:
        length, angle = rng.uniform(2, 10), rng.uniform(0, np.pi)
        motion = (length * np.cos(angle), length * np.sin(angle))
    tint = 1 + rng.normal(0, 0.07, 3) if rng.random() < 0.5 else np.ones(3)
    return Lens(
        exposure=float(np.exp(rng.normal(0, 0.28))),
        auto_exposure=rng.random() < 0.85,
        highlights=rng.random() < 0.7,
        contrast=rng.uniform(0.7, 1.25) if rng.random() < 0.5 else 1.0,
        brightness=rng.normal(0, 0.04) if rng.random() < 0.5 else 0.0,
        saturation=_saturation(rng),
        tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        blur=rng.uniform(0.4, 2.2) if rng.random() < 0.35 else 0.0,
        motion=motion,
        shrink=rng.uniform(0.25, 0.8) if rng.random() < 0.3 else 1.0,
        noise=rng.uniform(0.003, 0.045) if rng.random() < 0.6 else 0.0,
        vignette=rng.uniform(0.1, 0.5) if rng.random() < 0.2 else 0.0,
        background_blur=rng.uniform(0.4, 4.0) if rng.random() < 0.5 else 0.0,
        jpeg_quality=int(rng.integers(35, 96)),
        noise_seed=int(rng.integers(2**31)),
    )


def _saturation(rng: np.random.Generator) -> float:
    if rng.random() < 0.04:
        return 0.0
    return rng.uniform(0.4, 1.3) if rng.random() < 0.5 else 1.0


def metered(lens: Lens, picture: Float32, subject: NDArray[np.bool_]) -> Lens:
    """
    Set a lens's exposure, if it is automatic, so that the subject comes out well lit.

    Parameters
    ----------
    lens : Lens
        The camera.
    picture : Float32
        ``(H, W, 3)`` Linear RGB.
    subject : NDArray[np.bool_]
        ``(H, W)`` What the exposure is measured on.

    Returns
    -------
    Lens
        The camera with a fixed exposure.

    """
    if not (lens.auto_exposure and subject.any()):
        return lens
    level = lens.exposure * float(picture[subject].mean())
    gain = float(np.clip((_MIDDLE_GREY / max(level, 1e-3)) ** 0.6, 0.5, 4))
    return replace(lens, exposure=lens.exposure * gain, auto_exposure=False)


def expose(picture: Float32, lens: Lens) -> NDArray[np.uint8]:
    """
    Turn linear light into a photograph.

    Parameters
    ----------
    picture : Float32
        ``(H, W, 3)`` Linear RGB.
    lens : Lens
        The camera; see `metered` for its exposure.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    image = picture * np.float32(lens.exposure)
    if lens.vignette:
        image *= _vignette(image.shape[:2], lens.vignette)[..., None]
    if lens.highlights:
        bright = np.float32(0.7) + np.float32(0.3) * np.tanh((image - 0.7) * np.float32(2.67))
        image = np.where(image > 0.7, bright, image)
    # Display curve: a square root and a little more, near enough to sRGB and much faster.
    image = cv2.pow(np.clip(image, 0, 1), 1 / 2.2)
    if lens.contrast != 1.0 or lens.brightness:
        image = (image - np.float32(0.5)) * np.float32(lens.contrast)
        image += np.float32(0.5 + lens.brightness)
    if lens.saturation != 1.0:
        grey = image.mean(-1, keepdims=True)
        image = grey + (image - grey) * np.float32(lens.saturation)
    if lens.tint != (1.0, 1.0, 1.0):
        image *= np.array(lens.tint, np.float32)
    image = _soften(image, lens)
    if lens.noise:
        rng = np.random.default_rng(lens.noise_seed)
        image += rng.standard_normal(image.shape, dtype=np.float32) * np.float32(lens.noise)
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)[..., ::-1].copy()


def _soften(image: Float32, lens: Lens) -> Float32:
    height, width = image.shape[:2]
    if lens.blur:
        image = cv2.GaussianBlur(image, (0, 0), lens.blur)
    if lens.motion != (0.0, 0.0):
        image = cv2.filter2D(image, -1, _streak(*lens.motion))
    if lens.shrink < 1:
        small = cv2.resize(
            image, None, fx=lens.shrink, fy=lens.shrink, interpolation=cv2.INTER_AREA
        )
        image = cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)
    return image


def _streak(x: float, y: float) -> Float32:
    """Kernel of a straight motion of (x, y) px."""
    side = 2 * int(np.ceil(max(abs(x), abs(y)) / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * side):
        kernel[round(side // 2 + share * y), round(side // 2 + share * x)] += 1
    return kernel / kernel.sum()


def _vignette(shape: tuple[int, int], strength: float) -> Float32:
    y = np.linspace(-1, 1, shape[0], dtype=np.float32)[:, None]
    x = np.linspace(-1, 1, shape[1], dtype=np.float32)[None]
    return 1 - np.float32(strength) * (x * x + y * y) / 2


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Compress a BGR image."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)
