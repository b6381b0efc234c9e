"""Simulate a detector and a keypoint network: true scenes with typical errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.tracking.simulated_people import WalkingScene
from unihpe_ros.core import boxes
from unihpe_ros.core.geometry import Camera

Float64 = NDArray[np.float64]

# Probability to miss a fully visible person; visible shares below which a person is missed, and
# half hidden.
_MISSED, _HIDDEN, _HALF_HIDDEN = 0.02, 0.2, 0.4
_MISSED_HALF_HIDDEN = 0.5
# Overlap from which two people may be detected as one, and the probability.
_MERGING_IOU, _MERGED = 0.5, 0.6
_NOBODY = 0.01  # Probability of a false detection in each picture.
_BOX_NOISE = 0.025  # Of the box's extent.
# Errors of keypoints in sight and out of sight, as shares of the box's height.
_SEEN_NOISE, _HIDDEN_NOISE = 0.01, 0.05
# Share of hidden keypoints that are found on the person in front.
_STOLEN = 0.5


@dataclass(frozen=True)
class Found:
    """
    Simulated detections in one image.

    Parameters
    ----------
    boxes : NDArray[np.float64]
        ``(G, 4)`` px.
    confidence : NDArray[np.float64]
        ``(G,)`` of the boxes.
    keypoints : NDArray[np.float64]
        ``(G, 26, 2)`` px.
    scores : NDArray[np.float64]
        ``(G, 26)`` of the keypoints.

    """

    boxes: Float64
    confidence: Float64
    keypoints: Float64
    scores: Float64


def true_boxes(scene: WalkingScene, camera: Camera) -> tuple[Float64, Float64]:
    """``(N, 4)`` Boxes of whole bodies in the picture, px, and ``(N,)`` how much is in sight."""
    whole = boxes.around(scene.keypoints_2d)
    return boxes.clip(whole, (camera.width, camera.height)).astype(float), scene.visible.mean(-1)


def sense(scene: WalkingScene, camera: Camera, rng: np.random.Generator) -> Found:
    """
    Return simulated detections of a scene, with errors.

    Parameters
    ----------
    scene : WalkingScene
        The truth.
    camera : Camera
        Who looks.
    rng : np.random.Generator
        Of the errors.

    """
    true, share = true_boxes(scene, camera)
    seen = _noticed(scene, true, share, rng)
    extent = np.tile(true[:, 2:] - true[:, :2], 2)
    noisy = true + _BOX_NOISE * extent * rng.normal(size=true.shape)
    confidence = np.clip(0.35 + 0.6 * share + 0.05 * rng.normal(size=len(share)), 0.05, 0.99)
    keypoints, scores = _keypoints(scene, true, rng)
    found = [noisy[seen], confidence[seen], keypoints[seen], scores[seen]]
    if rng.random() < _NOBODY:
        nobody = _nobody(camera, rng)
        found = [
            np.concatenate([some, one[None]]) for some, one in zip(found, nobody, strict=True)
        ]
    return Found(*found)


def _noticed(
    scene: WalkingScene, true: Float64, share: Float64, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Return the detected people: none out of sight, of two who overlap perhaps one."""
    missed = np.where(share < _HALF_HIDDEN, _MISSED_HALF_HIDDEN, _MISSED)
    missed[share < _HIDDEN] = 1.0
    seen = rng.random(len(share)) >= missed
    overlap, depth = boxes.iou(true, true), scene.keypoints_3d[..., 2].mean(-1)
    for one in range(len(true)):
        for other in range(len(true)):
            nearer = depth[other] < depth[one]
            if nearer and overlap[one, other] > _MERGING_IOU and rng.random() < _MERGED:
                seen[one] = False
    return np.flatnonzero(seen)


def _keypoints(
    scene: WalkingScene, true: Float64, rng: np.random.Generator
) -> tuple[Float64, Float64]:
    n, k = scene.visible.shape
    height = (true[:, 3] - true[:, 1])[:, None, None]
    spread = np.where(scene.visible, _SEEN_NOISE, _HIDDEN_NOISE)[..., None]
    keypoints = scene.keypoints_2d + spread * height * rng.normal(size=(n, k, 2))
    scores = np.where(
        scene.visible, rng.uniform(0.6, 0.95, (n, k)), rng.uniform(0.05, 0.4, (n, k))
    )
    overlap = boxes.iou(true, true) - np.eye(n)
    for one in np.flatnonzero(overlap.max(1, initial=0) > 0.3):
        thief = int(overlap[one].argmax())
        stolen = ~scene.visible[one] & scene.visible[thief] & (rng.random(k) < _STOLEN)
        keypoints[one, stolen] = keypoints[thief, stolen]
        scores[one, stolen] = 0.8 * scores[thief, stolen]
    return keypoints, np.where(np.isfinite(keypoints).all(-1), scores, 0)


def _nobody(camera: Camera, rng: np.random.Generator) -> tuple[Float64, Float64, Float64, Float64]:
    height = rng.uniform(0.2, 0.8) * camera.height
    low = rng.uniform(0, 1, 2) * (camera.width - 0.4 * height, camera.height - height)
    box = np.concatenate([low, low + (0.4 * height, height)])
    keypoints = low + rng.random((26, 2)) * (0.4 * height, height)
    return box, np.asarray(rng.uniform(0.3, 0.6)), keypoints, rng.uniform(0.2, 0.5, 26)
