"""ModelSpec: the description of a network that is stored in the metadata of its ONNX file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
import json
import math
from typing import Any

from unihpe_ros.core.skeleton import Skeleton, SKELETONS, UNION

METADATA_KEY = 'unihpe_model_spec'
SPEC_VERSION = 1
# A foreign file is another maker's: it has no ModelSpec, and any tensors.
FOREIGN = 'foreign'
BRANCHES = ('image', 'lifting', 'detector', FOREIGN)
# Distance of neighbouring points of a detector's grids, input px.
DETECTOR_STRIDES = (8, 16, 32)

# A keypoint with a lower score is passed to the lifting branch as missing: (0, 0, 0).
MISSING_SCORE = 0.1

# Shape of a tensor; None stands for any extent, above all the batch.
Shape = tuple[int | None, ...]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """
    Description of one network: of a file, where every field is written, or of your own.

    Parameters
    ----------
    model : str
        Name of the model; the image and the lifting branch of one model share it.
    weights : str
        Hash of the checkpoint's weights: branches of one training share it.
    branch : str
        'image', 'lifting', 'detector', or 'foreign' for a network of somebody else.
    skeleton : str
        Name of the keypoint set.
    input_size : tuple[int, int]
        (w, h) of the image input, px; for the lifting branch that of its image branch.
    mean, std : tuple[float, float, float]
        Normalisation of the input channels in `channels` order, grey levels 0..255.
    channels : str
        'rgb' or 'bgr'.
    simcc_ratio : float
        SimCC bins per input pixel.
    padding : float
        How much larger than the person's box the crop is.
    embedding : int
        Width of the common embedding. A detector has neither this nor `simcc_ratio` and
        `padding`: all three are 1.
    training : str
        One line on how the weights were made.
    licence : str
        Licence of the weights and of the data behind them.

    Raises
    ------
    ValueError
        If a field has a value that no model can have; the message names it.

    """

    model: str
    weights: str = ''
    branch: str = 'image'
    skeleton: str = UNION.name
    input_size: tuple[int, int]
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    channels: str = 'bgr'
    simcc_ratio: float = 1.0
    padding: float = 1.25
    embedding: int = 1
    training: str = ''
    licence: str = ''

    def __post_init__(self) -> None:
        checks = {
            'branch': (self.branch in BRANCHES, f'one of {", ".join(BRANCHES)}'),
            'skeleton': (self.skeleton in SKELETONS, f'one of {", ".join(SKELETONS)}'),
            'channels': (self.channels in ('rgb', 'bgr'), 'rgb or bgr'),
            'input_size': (_numbers(self.input_size, 2, above=0), 'two positive integers (w, h)'),
            'std': (_numbers(self.std, 3, above=0), 'three positive numbers'),
            'mean': (_numbers(self.mean, 3), 'three numbers'),
            'simcc_ratio': (self.simcc_ratio > 0, 'a positive number'),
            'padding': (self.padding > 0, 'a positive number'),
            'embedding': (self.embedding > 0, 'a positive integer'),
        }
        for name, (good, expected) in checks.items():
            if not good:
                raise ValueError(
                    f'ModelSpec.{name}: expected {expected}; got {getattr(self, name)!r}'
                )

    @property
    def keypoints(self) -> Skeleton:
        """The keypoint set."""
        return SKELETONS[self.skeleton]

    @property
    def bins(self) -> tuple[int, int]:
        """(x, y) number of SimCC bins."""
        w, h = self.input_size
        return round(w * self.simcc_ratio), round(h * self.simcc_ratio)

    def signature(self) -> tuple[dict[str, Shape], dict[str, Shape]]:
        """
        Return the tensors that a graph of this branch must have.

        Returns
        -------
        inputs, outputs : dict[str, Shape]
            Name to shape.

        """
        (w, h), (bins_x, bins_y), k = self.input_size, self.bins, len(self.keypoints)
        pose, embedding = (None, k, 3), (None, self.embedding)
        if self.branch == 'detector':
            points = sum((w // stride) * (h // stride) for stride in DETECTOR_STRIDES)
            return {'image': (None, 3, h, w)}, {'detections': (None, points, 5)}
        if self.branch == 'lifting':
            inputs: dict[str, Shape] = {'keypoints': pose, 'image_feature': (None, None)}
            poses = dict.fromkeys(('image_pose3d', 'lifted_pose3d', 'fused_pose3d'), pose)
            return inputs, {**poses, 'embedding': embedding}
        outputs: dict[str, Shape] = {
            'simcc_x': (None, k, bins_x),
            'simcc_y': (None, k, bins_y),
            'visibility': (None, k),
            'feature': (None, None),
            'embedding': embedding,
        }
        return {'image': (None, 3, h, w)}, outputs

    def optional_outputs(self) -> dict[str, Shape]:
        """
        Return the outputs that a graph of this branch may have besides, name to shape.

        A lifting branch of a refined model has 'sigma': the radius about a lifted keypoint, m,
        in which the truth is in 68 of 100 cases.

        """
        return {'sigma': (None, len(self.keypoints))} if self.branch == 'lifting' else {}

    @classmethod
    def of_foreign(cls, name: str) -> ModelSpec:
        """Return the spec of a file without one: its name, and default values."""
        return cls(model=name, branch=FOREIGN, input_size=(1, 1))

    def to_json(self) -> str:
        """Return the text that is written into the model's metadata."""
        return json.dumps({'version': SPEC_VERSION, **asdict(self)}, indent=1)

    @classmethod
    def from_json(cls, text: str, source: str) -> ModelSpec:
        """
        Read a spec back.

        Parameters
        ----------
        text : str
            What `to_json` wrote.
        source : str
            Where it comes from, for error messages.

        Raises
        ------
        ValueError
            If the text is no spec of this version.

        """
        try:
            fields = json.loads(text)
        except json.JSONDecodeError as error:
            raise ValueError(f'{source}: ModelSpec is not JSON ({error})') from error
        if not isinstance(fields, Mapping) or fields.get('version') != SPEC_VERSION:
            found = fields.get('version') if isinstance(fields, Mapping) else fields
            raise ValueError(f'{source}: expected ModelSpec version {SPEC_VERSION}; got {found!r}')
        expected = set(cls.__dataclass_fields__)
        given = set(fields) - {'version'}
        if given != expected:
            wrong = ', '.join(sorted(expected ^ given))
            raise ValueError(f'{source}: ModelSpec fields missing or unknown: {wrong}')
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list) else value
            for name, value in fields.items()
            if name != 'version'
        }
        try:
            return cls(**values)
        except (TypeError, ValueError) as error:
            raise ValueError(f'{source}: {error}') from error


def _numbers(values: tuple[float, ...], count: int, above: float = -math.inf) -> bool:
    return len(values) == count and all(above < value < math.inf for value in values)
