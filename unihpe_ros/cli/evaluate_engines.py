"""Predictor of `unihpe evaluate` that runs exported branches by the engines of the node."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.network_input import Normalisation
from unihpe_ros.engines import Engine

# People at a time that an engine is built for, the node's default: so the same one is used.
MOST_PEOPLE = 8


class EnginePredictor:
    """
    Exported branches, run by the engines that the node uses.

    Parameters
    ----------
    image, lifting : Engine
        The two branches.

    """

    def __init__(self, image: Engine, lifting: Engine) -> None:
        self.image, self.lifting = image, lifting
        self.size = image.spec.input_size
        self.simcc_ratio = image.spec.simcc_ratio
        self.padding = image.spec.padding
        self.width = lifting.inputs['image_feature'][-1] or 0
        self._normalisation = Normalisation(image.spec)

    def encode_image(self, images: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        """Return the image branch's outputs for crops ``(B, h, w, 3)`` BGR."""
        planes = np.empty((len(images), 3, *images.shape[1:3]), np.float32)
        for image, out in zip(images, planes, strict=True):
            self._normalisation.write(image, out)
        return _infer(self.image, {'image': planes})

    def lift(
        self, keypoints: NDArray[np.float32], feature: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the lifting branch's outputs for ``(B, K, 3)`` keypoints and ``(B, width)``."""
        return _infer(self.lifting, {'keypoints': keypoints, 'image_feature': feature})


def _infer(
    engine: Engine, inputs: Mapping[str, NDArray[np.float32]]
) -> Mapping[str, NDArray[np.float32]]:
    """Run an engine over any number of rows, as many at a time as it was built for."""
    count = len(next(iter(inputs.values())))
    parts: list[dict[str, NDArray[np.float32]]] = []
    for start in range(0, count, MOST_PEOPLE):
        rows = {name: value[start : start + MOST_PEOPLE] for name, value in inputs.items()}
        parts.append({name: value.copy() for name, value in engine.infer(rows).items()})
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
