"""From linear light to a photograph: exposure, tone, blur, noise and compression."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.synthesis.camera.tone_mapping import CURVE_END, tone_map
from unihpe_ros.synthesis.primitives.scene_types import Lens

Float32 = NDArray[np.float32]

_MIDDLE_GREY = 0.20
_CURVE_LENGTH = 513


def with_auto_exposure(lens: Lens, picture: Float32, subject: NDArray[np.bool_]) -> Lens:
    """
    Return the lens with the exposure, if it is automatic, set by the subject's brightness.

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
    Return the photograph of a linear picture.

    Parameters
    ----------
    picture : Float32
        ``(H, W, 3)`` Linear RGB.
    lens : Lens
        The camera; see `with_auto_exposure` for its exposure.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    image = tone_map(
        picture,
        np.float32(lens.exposure),
        np.float32(lens.vignette),
        np.array(lens.veil, np.float32),
        _curve(lens),
        np.float32(lens.saturation),
        np.array(lens.tint, np.float32),
    )
    image = _soften(image, lens)
    if lens.noise:
        image += _noise(image.shape, lens)
    if lens.shrink < 1:
        image = _shrunk(image, lens)
    if lens.sharpen:
        image += np.float32(lens.sharpen) * (image - cv2.GaussianBlur(image, (0, 0), 1.2))
    return _as_bytes(image)[..., ::-1].copy()


def _curve(lens: Lens) -> Float32:
    """Tone curve: display values over the square root of light, 0 to CURVE_END, evenly spaced."""
    light = np.linspace(0, CURVE_END, _CURVE_LENGTH) ** 2
    if lens.highlights:
        light = np.where(light > 0.7, 0.7 + 0.3 * np.tanh((light - 0.7) * 2.67), light)
    # A power of 2.2 is near enough to sRGB.
    shown = light.clip(0, 1) ** (1 / 2.2)
    return ((shown - 0.5) * lens.contrast + 0.5 + lens.brightness).astype(np.float32)


def _as_bytes(image: Float32) -> NDArray[np.uint8]:
    return (np.clip(image, 0, 1) * 255 + 0.5).astype(np.uint8)


def _soften(image: Float32, lens: Lens) -> Float32:
    if lens.blur:
        image = cv2.GaussianBlur(image, (0, 0), lens.blur)
    if lens.motion != (0.0, 0.0):
        image = cv2.filter2D(image, -1, _streak(*lens.motion))
    return image


@lru_cache(maxsize=1)
def _grain() -> Float32:
    """Return a large field of noise, pieces of which are quicker to take than to sample."""
    return np.random.default_rng(3).standard_normal(1 << 20, dtype=np.float32)


def _noise(shape: tuple[int, ...], lens: Lens) -> Float32:
    """Return sensor noise: of single pixels, or blotches as after noise reduction."""
    rng = np.random.default_rng(lens.noise_seed)
    count = int(np.prod(shape))
    if 2 * count <= len(_grain()):
        first = int(rng.integers(len(_grain()) - count))
        noise = _grain()[first : first + count].reshape(shape) * np.float32(lens.noise)
    else:
        noise = rng.standard_normal(shape, dtype=np.float32) * np.float32(lens.noise)
    if lens.coarse_noise:
        small = (shape[0] // 4 + 1, shape[1] // 4 + 1, 3)
        coarse = rng.standard_normal(small, dtype=np.float32) * np.float32(lens.coarse_noise)
        noise += cv2.resize(coarse, (shape[1], shape[0]), interpolation=cv2.INTER_CUBIC)
    return noise


def _shrunk(image: Float32, lens: Lens) -> Float32:
    """Return the picture shrunk, compressed and enlarged again, like a distant person."""
    height, width = image.shape[:2]
    small = cv2.resize(image, None, fx=lens.shrink, fy=lens.shrink, interpolation=cv2.INTER_AREA)
    if lens.first_jpeg:
        data = encode_jpeg(_as_bytes(small)[..., ::-1], lens.first_jpeg)
        read: Any = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        small = read[..., ::-1].astype(np.float32) / np.float32(255)
    how = cv2.INTER_NEAREST if lens.blocky else cv2.INTER_LINEAR
    return cv2.resize(small, (width, height), interpolation=how)


def _streak(x: float, y: float) -> Float32:
    """Return the blur kernel of a straight motion of (x, y) px."""
    side = 2 * int(np.ceil(max(abs(x), abs(y)) / 2)) + 1
    kernel = np.zeros((side, side), np.float32)
    for share in np.linspace(-0.5, 0.5, 4 * side):
        kernel[round(side // 2 + share * y), round(side // 2 + share * x)] += 1
    return kernel / kernel.sum()


def encode_jpeg(image: NDArray[np.uint8], quality: int) -> bytes:
    """Return a BGR image as JPEG."""
    _, data = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)
