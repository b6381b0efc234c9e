"""Interface of a model to evaluate, and a UniHPE in PyTorch that fulfils it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
import torch
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.network_input import lifting_input
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.models.unihpe import normalise, UniHPE


class Predictor(Protocol):
    """A model to evaluate: image and lifting branch, NumPy in and out."""

    size: tuple[int, int]
    simcc_ratio: float
    width: int
    # How much larger than a person's box the crop is.
    padding: float

    def encode_image(self, images: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        """Return the image branch's outputs for crops ``(B, h, w, 3)`` BGR."""

    def lift(
        self, keypoints: NDArray[np.float32], feature: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the lifting branch's outputs for ``(B, K, 3)`` keypoints and ``(B, width)``."""


class TorchPredictor:
    """
    A UniHPE in PyTorch as a Predictor.

    Parameters
    ----------
    model : UniHPE
        The network; put into evaluation mode.
    padding : float
        How much larger than a person's box its crops are.

    """

    def __init__(self, model: UniHPE, padding: float = PADDING) -> None:
        self.model = model.eval()
        self.size = model.preset.input_size
        self.simcc_ratio = model.preset.simcc_ratio
        self.width = model.preset.width
        self.padding = padding
        self.device = next(model.parameters()).device

    @torch.inference_mode()
    def encode_image(self, images: NDArray[np.uint8]) -> Mapping[str, NDArray[np.float32]]:
        """Return the image branch's outputs for crops ``(B, h, w, 3)`` BGR."""
        answer = self.model.encode_image(normalise(torch.from_numpy(images).to(self.device)))
        return {name: value.float().cpu().numpy() for name, value in answer.items()}

    @torch.inference_mode()
    def lift(
        self, keypoints: NDArray[np.float32], feature: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Return the lifting branch's outputs for ``(B, K, 3)`` keypoints and ``(B, width)``."""
        tensors = (torch.from_numpy(value).to(self.device) for value in (keypoints, feature))
        answer = self.model.lift(*tensors)
        return {name: value.float().cpu().numpy() for name, value in answer.items()}

    @torch.inference_mode()
    def embed_3d(self, relative: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the embeddings of root-relative poses ``(B, K, 3)``, m, NaN where unknown."""
        _, embedding = self.model.encode_3d(torch.from_numpy(relative).to(self.device))
        return np.asarray(embedding.float().cpu().numpy(), np.float32)


def input_of_crop(keypoints: Array, scores: Array, size: tuple[int, int]) -> NDArray[np.float32]:
    """Return the lifting branch's input of crop px (undistorted crops) and scores."""
    centre = 0.5 * (np.array(size) - 1)
    return lifting_input((keypoints - centre) / (0.5 * size[1]), scores)
