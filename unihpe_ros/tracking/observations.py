"""Observations: the people found in one frame, before ids are assigned."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.tracking.appearance import (
    clothes_colours,
    HISTOGRAM_SIZE,
    torso_colours,
)
from unihpe_ros.tracking.root import locate_root

# How long somebody who is lost is looked for by their place, s; after that, by clothes alone.
RECENT = 10.0


@dataclass(frozen=True)
class Observations:
    """
    People found in one frame, before ids are assigned.

    Parameters
    ----------
    sources : NDArray[np.intp]
        ``(G,)`` row of `Tracker.predict` whose crop it is; -1 for the place of a newcomer.
    boxes : NDArray[np.float32]
        ``(G, 4)`` box of the person, px.
    keypoints_2d : NDArray[np.float32]
        ``(G, K, 2)`` px.
    keypoints_3d : NDArray[np.float32]
        ``(G, K, 3)`` m, camera frame; NaN where nothing could be placed.
    scores : NDArray[np.float32]
        ``(G, K)`` in [0, 1].
    agreement : NDArray[np.float32]
        ``(G,)`` in [0, 1]; NaN where unknown.
    cut : NDArray[np.bool_]
        ``(G,)`` whether the person may go on outside the crop.
    relative_3d : NDArray[np.float32]
        ``(G, K, 3)`` the network's skeletons, root-relative, virtual cameras' frames, m.
    rays : NDArray
        ``(G, K, 2)`` observed x/z, y/z in the virtual cameras.
    turns : NDArray[np.float64]
        ``(G, 3, 3)`` rotations virtual_from_camera.
    embeddings : NDArray[np.float32]
        ``(G, D)`` of the poses, of length 1.
    clothes : NDArray[np.float32]
        ``(G, 4, C)`` see `unihpe_ros.tracking.appearance`; ``(G, 0, C)`` if nobody is remembered
        by them.
    colours : NDArray[np.float32]
        ``(G, C)`` see `unihpe_ros.tracking.appearance`; NaN where unknown.

    """

    sources: NDArray[np.intp]
    boxes: NDArray[np.float32]
    keypoints_2d: NDArray[np.float32]
    keypoints_3d: NDArray[np.float32]
    scores: NDArray[np.float32]
    agreement: NDArray[np.float32]
    cut: NDArray[np.bool_]
    relative_3d: NDArray[np.float32]
    rays: Array
    turns: NDArray[np.float64]
    embeddings: NDArray[np.float32]
    colours: NDArray[np.float32]
    clothes: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.sources)

    @classmethod
    def none(cls, skeleton: Skeleton) -> Observations:
        """Return empty observations."""
        k = len(skeleton)
        return cls(
            np.zeros(0, np.intp),
            np.zeros((0, 4), np.float32),
            np.zeros((0, k, 2), np.float32),
            np.zeros((0, k, 3), np.float32),
            np.zeros((0, k), np.float32),
            np.zeros(0, np.float32),
            np.zeros(0, np.bool_),
            np.zeros((0, k, 3), np.float32),
            np.zeros((0, k, 2)),
            np.zeros((0, 3, 3)),
            np.zeros((0, 0), np.float32),
            np.zeros((0, HISTOGRAM_SIZE), np.float32),
            np.zeros((0, 0, HISTOGRAM_SIZE), np.float32),
        )

    def select(self, rows: NDArray[np.intp] | Sequence[int]) -> Observations:
        """Return some of the observations."""
        index = np.asarray(rows, np.intp)
        if len(index) == len(self) and (index[1:] > index[:-1]).all():
            return self
        return Observations(
            **{item.name: getattr(self, item.name)[index] for item in fields(self)}
        )


def build_observations(
    crops: Crops,
    skeleton: Skeleton,
    sources: NDArray[np.intp],
    keypoints_2d: Array,
    scores: NDArray[np.float32],
    relative_3d: NDArray[np.float32],
    embeddings: NDArray[np.float32],
    agreement: NDArray[np.float32],
    cut: NDArray[np.bool_],
    settings: EstimatorSettings,
    image: NDArray[np.uint8] | None = None,
    reduction: int = 1,
) -> Observations:
    """
    Build observations from the network's output: 3D placement, boxes and appearance.

    Parameters
    ----------
    crops : Crops
        The virtual cameras that look at G people.
    skeleton : Skeleton
        The keypoint set.
    sources, scores, relative_3d, embeddings, agreement, cut
        See Observations.
    keypoints_2d : NDArray
        ``(G, K, 2)`` image px.
    settings : EstimatorSettings
        See there.
    image : NDArray[np.uint8], optional
        ``(H, W, 3)`` BGR, for the colours.
    reduction : int
        Factor by which `image` was reduced; keypoints and crops are in px of the full image.

    """
    rays = crops.rays(keypoints_2d)
    observed = scores >= settings.score_threshold
    root, _ = locate_root(relative_3d, rays, np.where(observed, scores, 0))
    placed = relative_3d + root[:, None]
    if not observed.all():
        # A keypoint that is not seen is placed by the rest of the body.
        keypoints_2d = np.where(observed[..., None], keypoints_2d, crops.project(placed))
    size = crops.camera.width, crops.camera.height
    colours = np.full((len(sources), HISTOGRAM_SIZE), np.nan, np.float32)
    clothes = np.zeros((len(sources), 0, HISTOGRAM_SIZE), np.float32)
    if image is not None:
        shown = (keypoints_2d + 0.5) / reduction - 0.5
        colours = torso_colours(image, shown, skeleton)
        if settings.lost_timeout > RECENT:
            shown = np.where(observed[..., None], shown, np.nan)
            clothes = clothes_colours(image, shown, skeleton)
    return Observations(
        sources=sources,
        boxes=boxes.clip(boxes.around(keypoints_2d), size),
        keypoints_2d=keypoints_2d.astype(np.float32),
        keypoints_3d=crops.to_camera(placed).astype(np.float32),
        scores=scores,
        agreement=agreement,
        cut=cut,
        relative_3d=relative_3d,
        rays=rays,
        turns=crops.virtual_from_camera,
        embeddings=embeddings,
        colours=colours,
        clothes=clothes,
    )
