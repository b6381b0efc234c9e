"""Conventions that a network's tensors do not show: normalisation, padding, keypoint set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.keypoint_sets import keypoint_set, KEYPOINT_SETS
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.skeleton import Skeleton, UNION
from unihpe_ros.engines import EngineError

# Means and deviations of ImageNet in RGB, grey levels, which most networks use.
IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
_CHANNELS, _GRIDS, _PLACES = ('rgb', 'bgr'), ('stride', 'corners'), ('centre', 'corner')


@dataclass(frozen=True)
class Conventions:
    """
    How a network's input is made and its output is read.

    Parameters
    ----------
    keypoint_set : str
        Name of a set of `unihpe_ros.core.keypoint_sets.KEYPOINT_SETS`.
    input_size : tuple[int, int]
        (w, h) of the picture that it reads, px.
    channels : str
        'rgb' or 'bgr'.
    mean, std : tuple[float, float, float]
        Normalisation in the order of `channels`, grey levels 0..255.
    padding : float
        How much larger than the person's box the crop is; of networks that read crops.
    heatmap_grid : str
        What a heatmap's cell is in the picture: 'stride' (cell x is pixel x times the stride;
        HRNet and SimpleBaseline) or 'corners' (first and last cell are first and last pixel;
        what their makers call UDP: ViTPose).
    place : str
        Where a whole picture lies in the input that it does not fill: 'centre' or 'corner', the
        top left one.
    fill : float
        Grey level around it.
    even_score : float
        Score, (0, 1), of keypoints that are as often right as wrong; ours is 0.5, and the
        network's scores are bent so that this one becomes it.

    Raises
    ------
    ValueError
        If a field has an impossible value; the message names it.

    """

    keypoint_set: str
    input_size: tuple[int, int]
    channels: str = 'rgb'
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    padding: float = 1.25
    heatmap_grid: str = 'stride'
    place: str = 'centre'
    fill: float = 114.0
    even_score: float = 0.3

    def __post_init__(self) -> None:
        size = self.input_size
        whole = len(size) == 2 and all(isinstance(extent, int) and extent > 0 for extent in size)
        checks = {
            'keypoint_set': (self.keypoint_set in KEYPOINT_SETS, _one_of(KEYPOINT_SETS)),
            'input_size': (whole, 'two positive integers, w and h'),
            'channels': (self.channels in _CHANNELS, _one_of(_CHANNELS)),
            'mean': (_three(self.mean), 'three numbers'),
            'std': (_three(self.std) and min(self.std) > 0, 'three positive numbers'),
            'padding': (_number(self.padding) and self.padding > 0, 'a positive number'),
            'heatmap_grid': (self.heatmap_grid in _GRIDS, _one_of(_GRIDS)),
            'place': (self.place in _PLACES, _one_of(_PLACES)),
            'even_score': (
                _number(self.even_score) and 0 < self.even_score < 1,
                'a number between 0 and 1',
            ),
            'fill': (_number(self.fill) and 0 <= self.fill <= 255, 'a grey level, 0 to 255'),
        }
        for name, (good, expected) in checks.items():
            if not good:
                raise ValueError(f'{name}: expected {expected}; got {getattr(self, name)!r}')

    @property
    def skeleton(self) -> Skeleton:
        """The keypoint set."""
        return keypoint_set(self.keypoint_set)

    def chances(self, scores: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the network's scores, bent so that 0.5 means as likely right as wrong."""
        bend = math.log(0.5) / math.log(self.even_score)
        return np.asarray(scores**bend, np.float32)

    def updated(self, values: Mapping[str, Any]) -> Conventions:
        """Return a copy with some values replaced; ValueError names what is unknown or wrong."""
        unknown = sorted(set(values) - {item.name for item in fields(self)})
        if unknown:
            known = ', '.join(item.name for item in fields(self))
            raise ValueError(f'unknown {", ".join(unknown)}; expected {known}')
        given: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in values.items()
        }
        return replace(self, **given)

    def spec(self, name: str) -> ModelSpec:
        """Return the spec of the crops that a network of this name reads."""
        return ModelSpec(
            model=name,
            skeleton=UNION.name,
            input_size=self.input_size,
            mean=self.mean,
            std=self.std,
            channels=self.channels,
            padding=self.padding,
        )

    def to_json(self) -> str:
        """Return the text of the file beside the network."""
        return json.dumps(asdict(self), indent=1) + '\n'


def conventions_file(network: Path) -> Path:
    """Return where the conventions of an ONNX file are looked for: beside it."""
    # Not .json alone: converters leave files of that name there.
    return network.with_suffix('.unihpe.json')


def read_settled(network: Path) -> dict[str, Any]:
    """
    Read the conventions that the file beside a network sets.

    Parameters
    ----------
    network : Path
        The ONNX file.

    Returns
    -------
    dict[str, Any]
        Fields of Conventions by name, some or all; empty without a file.

    Raises
    ------
    EngineError
        If there is a file that is no JSON object.

    """
    path = conventions_file(network)
    if not path.is_file():
        return {}
    try:
        values = json.loads(path.read_text(encoding='utf-8'))
    except (OSError, ValueError) as error:
        raise EngineError(f'{path}: expected JSON ({error})') from error
    if not isinstance(values, dict):
        raise EngineError(f'{path}: expected an object of conventions; got {values!r}')
    return values


def _one_of(names: Any) -> str:
    return f'one of {", ".join(names)}'


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


def _three(values: Any) -> bool:
    return isinstance(values, tuple) and len(values) == 3 and all(map(_number, values))
