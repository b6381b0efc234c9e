"""Export of networks to ONNX files that contain their ModelSpec."""

from __future__ import annotations

from collections.abc import Mapping
import copy
from dataclasses import dataclass, replace
import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import torch
from torch import nn, Tensor
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.detector_network import DetectorNetwork
from unihpe_ros.models.onnx_file import (
    store_weights_as_half,
    strip_traces,
    to_onnx,
    with_half_weights,
    write_onnx,
)
from unihpe_ros.models.unihpe import MEAN, STD, UniHPE

IMAGE_OUTPUTS = ('simcc_x', 'simcc_y', 'visibility', 'feature', 'embedding')
LIFTING_OUTPUTS = ('image_pose3d', 'lifted_pose3d', 'fused_pose3d', 'embedding', 'sigma')


@dataclass(frozen=True)
class Exported:
    """
    An exported file, with inputs and PyTorch's outputs for them, at the same rounded weights.

    Parameters
    ----------
    path : Path
        The ONNX file.
    inputs, outputs : dict[str, NDArray[np.float32]]
        Random input and PyTorch's output, by name.

    """

    path: Path
    inputs: dict[str, NDArray[np.float32]]
    outputs: dict[str, NDArray[np.float32]]

    def largest_difference(self, found: Mapping[str, NDArray[np.float32]]) -> float:
        """Return the largest absolute difference of a runtime's outputs from PyTorch's."""
        return max(float(np.abs(found[name] - self.outputs[name]).max()) for name in self.outputs)


class ImageExport(nn.Module):
    """
    The image branch with a tuple of outputs in the order of IMAGE_OUTPUTS.

    Parameters
    ----------
    model : UniHPE
        The network.
    temperature : float
        Factor on the SimCC logits: it calibrates the scores.

    """

    def __init__(self, model: UniHPE, temperature: float = 1.0) -> None:
        super().__init__()
        self.model, self.temperature = model, temperature

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Map ``(B, 3, H, W)`` to the outputs."""
        answer = self.model.encode_image(image)
        if self.temperature != 1.0:
            answer |= {name: answer[name] * self.temperature for name in ('simcc_x', 'simcc_y')}
        return tuple(answer[name] for name in IMAGE_OUTPUTS)


class LiftingExport(nn.Module):
    """The lifting branch with a tuple of outputs in the order of LIFTING_OUTPUTS."""

    def __init__(self, model: UniHPE) -> None:
        super().__init__()
        self.model = model

    def forward(self, keypoints: Tensor, image_feature: Tensor) -> tuple[Tensor, ...]:
        """Map ``(B, K, 3)`` keypoints and ``(B, width)`` features to the outputs."""
        answer = self.model.lift(keypoints, image_feature)
        return tuple(answer[name] for name in LIFTING_OUTPUTS)


def export(
    model: UniHPE,
    directory: Path,
    name: str,
    training: str,
    licence: str,
    padding: float = PADDING,
    temperature: float = 1.0,
) -> list[Exported]:
    """
    Write NAME.image.onnx and NAME.lifting.onnx and compare them with PyTorch.

    Large weights are rounded to float16 for storage and cast to float32 where they are used:
    half the file, and runtimes fold the casts away when they load it. Arithmetic, inputs and
    outputs are float32.

    Parameters
    ----------
    model : UniHPE
        The network.
    directory : Path
        Where to write.
    name : str
        Name of the model.
    training : str
        One line on how the weights were made.
    licence : str
        Licence of the weights and of the data behind them.
    padding : float
        How much larger than a person's box the crops are that it will be given.
    temperature : float
        Factor on the SimCC logits, of `evaluation.score_calibration`.

    Returns
    -------
    list[Exported]
        The two files, each with random input and PyTorch's answer to it.

    """
    model = with_half_weights(model)
    sizes = model.preset
    spec = ModelSpec(
        model=name,
        weights=hash_weights(model),
        branch='image',
        skeleton=UNION.name,
        input_size=sizes.input_size,
        mean=MEAN,
        std=STD,
        channels='rgb',
        simcc_ratio=sizes.simcc_ratio,
        padding=padding,
        embedding=sizes.embedding,
        training=training,
        licence=licence,
    )
    w, h = sizes.input_size
    image = torch.randn(2, 3, h, w, generator=torch.Generator().manual_seed(0))
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f'{name}.image.onnx'
    module = ImageExport(model, temperature)
    return [
        _write_branch(module, {'image': image}, IMAGE_OUTPUTS, spec, path),
        _write_lifting(model, replace(spec, branch='lifting'), directory),
    ]


def export_lifting(
    model: UniHPE, directory: Path, image: ModelSpec, training: str
) -> list[Exported]:
    """
    Write the lifting branch alone, for an image branch that is exported already.

    Parameters
    ----------
    model : UniHPE
        The network; its image branch is that of the file, see `onnx_weights.differing`.
    directory : Path
        Where to write.
    image : ModelSpec
        Spec of the image branch's file, to which the new file belongs.
    training : str
        One line on how the lifting branch was made.

    Returns
    -------
    list[Exported]
        The file, with random input and PyTorch's answer to it.

    """
    model = with_half_weights(model)
    spec = replace(image, branch='lifting', training=training)
    directory.mkdir(parents=True, exist_ok=True)
    return [_write_lifting(model, spec, directory)]


def _write_lifting(model: UniHPE, spec: ModelSpec, directory: Path) -> Exported:
    """Write the lifting branch; `model` holds weights as the file will."""
    generator = torch.Generator().manual_seed(1)
    inputs = {
        'keypoints': torch.randn(2, len(UNION), 3, generator=generator) * 0.4,
        'image_feature': torch.randn(2, model.preset.width, generator=generator),
    }
    path = directory / f'{spec.model}.lifting.onnx'
    return _write_branch(LiftingExport(model), inputs, LIFTING_OUTPUTS, spec, path)


def export_detector(
    model: DetectorNetwork,
    directory: Path,
    name: str,
    training: str,
    licence: str,
    calibration: tuple[float, float] = (1.0, 0.0),
) -> list[Exported]:
    """
    Write NAME.onnx as `export` writes the branches of a UniHPE, and return it in a list.

    Slope and offset of `calibration` are a line through the logits of the scores.
    """
    model = copy.deepcopy(model)
    model.calibrate(*calibration)
    model = with_half_weights(model)
    w, h = model.preset.input_size
    image = torch.randn(2, 3, h, w, generator=torch.Generator().manual_seed(0))
    directory.mkdir(parents=True, exist_ok=True)
    spec = detector_spec(model, name, training, licence)
    path = directory / f'{name}.onnx'
    return [_write_branch(model, {'image': image}, ('detections',), spec, path)]


def detector_spec(model: DetectorNetwork, name: str, training: str, licence: str) -> ModelSpec:
    """Return the ModelSpec of a detector; see `export` for the parameters."""
    return ModelSpec(
        model=name,
        weights=hash_weights(model),
        branch='detector',
        skeleton=UNION.name,
        input_size=model.preset.input_size,
        mean=MEAN,
        std=STD,
        channels='rgb',
        simcc_ratio=1.0,
        padding=1.0,
        embedding=1,
        training=training,
        licence=licence,
    )


def _write_branch(
    module: nn.Module,
    inputs: Mapping[str, Tensor],
    output_names: tuple[str, ...],
    spec: ModelSpec,
    path: Path,
) -> Exported:
    """Write one file; `module` holds weights as the file will."""
    proto = to_onnx(module, tuple(inputs.values()), tuple(inputs), output_names)
    strip_traces(proto)
    store_weights_as_half(proto)
    write_onnx(proto, spec, path)
    with torch.inference_mode():
        answer = module(*inputs.values())
    answers = answer if isinstance(answer, tuple) else (answer,)
    return Exported(
        path,
        {name: value.numpy() for name, value in inputs.items()},
        {name: value.numpy() for name, value in zip(output_names, answers, strict=True)},
    )


def hash_weights(model: nn.Module) -> str:
    """Return 16 hex digits of the SHA-256 over all names and values of a network's state."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(value.cpu().numpy()).tobytes())
    return digest.hexdigest()[:16]
