"""The lifting branch of one of our models alone, behind the 2D network of another maker."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines import Engine, EngineError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.host_model import lift_alone
from unihpe_ros.engines.model_files import find_model
from unihpe_ros.engines.pose_model import LiftedPoses


class BranchLifter:
    """
    The lifting branch of a model.

    Parameters
    ----------
    engine : Engine
        The branch; closed by `close`.

    Raises
    ------
    EngineError
        If it is no lifting branch for the union set.

    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.spec: ModelSpec = engine.spec
        if self.spec.branch != 'lifting' or self.spec.keypoints != UNION:
            raise EngineError(
                f'{self.spec.model}: expected the lifting branch for {UNION.name}; got the '
                f'{self.spec.branch} branch for {self.spec.skeleton}'
            )
        self._width = engine.inputs['image_feature'][1] or 0

    def lift(self, keypoints: NDArray[np.float32]) -> LiftedPoses:
        """Lift 2D poses without an image, see `unihpe_ros.engines.pose_model.PoseModel`."""
        return lift_alone(self.engine, keypoints, self._width)

    def lift_in_crops(
        self, crops: Crops, keypoints_2d: Array, scores: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Lift the keypoints of people who were found in crops of another network.

        They are scaled by our own kind of crops around the keypoints, as the lifting branch
        expects; the result is rotated from these into the given crops.

        Parameters
        ----------
        crops : Crops
            B virtual cameras.
        keypoints_2d : NDArray
            ``(B, K, 2)`` image px; NaN where unknown.
        scores : NDArray[np.float32]
            ``(B, K)``; 0 where unknown.

        Returns
        -------
        relative_3d : NDArray[np.float32]
            ``(B, K, 3)`` root-relative, in the frames of `crops`, m; NaN where nobody is seen.
        embeddings : NDArray[np.float32]
            ``(B, D)``; zeros where nobody is seen.

        """
        around = boxes.around(keypoints_2d)
        ours, made = Crops.aim(around, crops.camera, self.spec.input_size, self.spec.padding)
        relative_3d = np.full((*scores.shape, 3), np.nan, np.float32)
        embeddings = np.zeros((len(scores), self.spec.embedding), np.float32)
        if len(made):
            scaled = ours.normalise(ours.rays(keypoints_2d[made]))
            lifted = self.lift(lifting_input(scaled, scores[made]))
            in_camera = ours.to_camera(lifted.relative_3d)
            relative_3d[made] = in_camera @ np.swapaxes(crops.virtual_from_camera[made], 1, 2)
            embeddings[made] = lifted.embeddings
        return relative_3d, embeddings

    def close(self) -> None:
        """Release the runtime's memory."""
        self.engine.close()


def open_lifter(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    progress: Callable[[str, float], object] | None = None,
) -> BranchLifter:
    """
    Load the lifting branch of a model.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.model_files.find_model`.
    backend, threads, max_people, progress
        See `unihpe_ros.engines.backend_choice.load_engine`.

    Raises
    ------
    EngineError
        If it cannot be loaded, or is no lifting branch.

    """
    engine = load_engine(
        find_model(model)['lifting'],
        backend=backend,
        # Its matrices are too small for a second thread to help.
        threads=threads or 1,
        max_people=max_people,
        progress=progress,
    )
    try:
        return BranchLifter(engine)
    except EngineError:
        engine.close()
        raise
