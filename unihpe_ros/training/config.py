"""The settings of an experiment: data sets, loss weights, optimiser and schedule."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
import json
from typing import Any

from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.datasets.batches import SIMCC_SIGMA
from unihpe_ros.datasets.photos import PhotoSelection


class ConfigError(ValueError):
    """A configuration that can't be used; the message names file, key and what was expected."""


@dataclass(frozen=True)
class ImageSource:
    """
    A data set with images.

    Parameters
    ----------
    path : str
        Folder of the data set.
    weight : float
        How often it is drawn, relative to the others.
    kind : str
        What the folder holds: synthetic (made by `unihpe render`), human36m, pw3d, mpi_inf_3dhp,
        coco, or photos (stored by `unihpe photos import`). Of a set with splits the training split
        is read.
    only, licence, label_weight, hip_weight, unlabelled
        Of photos alone: which people are used and how far their labels are trusted; see
        `datasets.photos.PhotoSelection`.

    """

    path: str = ''
    weight: float = 1.0
    kind: str = 'synthetic'
    only: tuple[str, ...] = ()
    licence: str = ''
    label_weight: float = 1.0
    hip_weight: float = 1.0
    unlabelled: str = 'unknown'

    @property
    def selection(self) -> PhotoSelection:
        """Selection of a folder of photographs; ValueError for another kind of data set."""
        names = [entry.name for entry in fields(PhotoSelection)]
        return PhotoSelection(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class LossWeights:
    """
    Weights of the loss's terms.

    Parameters
    ----------
    keypoints : float
        SimCC divergence, per nat.
    visibility : float
        Binary cross-entropy of being inside the image.
    pose : float
        3D error of each answer (image, lifted, fused, 3D to 3D), per m.
    bone : float
        Bone length error of the fused and the lifted answer, per m.
    pairwise : float
        Pairwise InfoNCE.
    singular_value : float
        Singular-value contrastive loss, at the end of its ramp.
    cross_modal : float
        Distance of the image's and the fused 3D from what an averaged lifting branch makes of
        the true 2D, where there is no true 3D, per m.
    reprojection : float
        Distance of the image's 3D from the true 2D under the best scale and shift, where there is
        no true 3D, per half crop height.
    sigma : float
        Misfit of the radii that the refiner expects the truth in, per unit of their logarithm.

    """

    keypoints: float = 1.0
    visibility: float = 0.2
    pose: float = 5.0
    bone: float = 1.0
    pairwise: float = 0.1
    singular_value: float = 0.1
    cross_modal: float = 0.0
    reprojection: float = 0.0
    sigma: float = 0.1


@dataclass(frozen=True)
class TrainConfig:
    """
    All settings of a run.

    Parameters
    ----------
    preset : str
        Network size, a key of `models.unihpe.PRESETS`.
    seed : int
        Seed of weights, order and augmentation.
    steps : int
        Optimiser steps of the whole run.
    init : str
        What the run starts from: a checkpoint, or an exported model by its name or its path
        without '.image.onnx'; of a detector with an EfficientNet-Lite0 also 'imagenet', the
        weights of that backbone in their package. Empty for none.
    refiner : str
        Checkpoint of another run whose refiner this one starts with; empty for none.
    images : tuple[ImageSource, ...]
        Data sets with images; empty to train the lifting branch alone.
    image_batch : int
        Crops per step, of all ranks together.
    chunk : int
        Crops that go through the network at a time, on each rank; 0 for all at once.
    poses : str
        Bank of 3D poses for lifting samples; empty for none.
    pose_batch : int
        Lifting samples per step, of all ranks together.
    learning_rate, weight_decay : float
        Of AdamW.
    warmup_steps : int
        Steps of linear warm-up.
    ema_steps : float
        Time constant of the exponential moving average of the weights, steps.
    clip : float
        Largest gradient norm.
    loss : LossWeights
        Weights of the terms.
    singular_value_start, singular_value_ramp : int
        Step at which the singular-value term sets in, and steps until its full weight.
    singular_value_temperature : float
        Divides the scores of triples.
    triple_score : str
        How the singular-value term scores triples, a key of `contrast.TRIPLE_SCORES`.
    contrast_poses : bool
        Whether the poses without a picture take part in the pairwise term.
    workers : int
        Processes that decode and augment images.
    threads : int
        PyTorch's threads on a CPU; 0 leaves PyTorch's choice.
    autocast : bool
        Whether the network computes in bfloat16 where that is safe and the processor has it.
    checkpoint_minutes : float
        Minutes between checkpoints.
    log_steps : int
        Steps between rows of the log.
    validation_images : str
        Data set whose metrics are logged at every checkpoint; empty for none.
    validation_poses : str
        Bank of held-out poses, likewise.
    validation_photos : str
        Held-out photographs stored by `unihpe photos import`, likewise.
    simcc_sigma : float
        Standard deviation of the SimCC labels, bins.
    padding : float
        How much larger than a person's box the crops are; what the experiment exports is cut so.
    frozen : tuple[str, ...]
        Parts of the network that stay as `init` has them, by their names in it: early layers
        cost much of a step and change little.

    """

    preset: str = 'unihpe_rt'
    seed: int = 0
    steps: int = 10000
    init: str = ''
    refiner: str = ''
    images: tuple[ImageSource, ...] = ()
    image_batch: int = 64
    chunk: int = 0
    poses: str = ''
    pose_batch: int = 512
    learning_rate: float = 1e-3
    weight_decay: float = 0.05
    warmup_steps: int = 200
    ema_steps: float = 500.0
    clip: float = 5.0
    loss: LossWeights = field(default_factory=LossWeights)
    singular_value_start: int = 2000
    singular_value_ramp: int = 2000
    singular_value_temperature: float = 0.03
    triple_score: str = 'singular_value'
    contrast_poses: bool = True
    workers: int = 1
    threads: int = 0
    autocast: bool = True
    checkpoint_minutes: float = 4.0
    log_steps: int = 50
    validation_images: str = ''
    validation_poses: str = ''
    validation_photos: str = ''
    simcc_sigma: float = SIMCC_SIGMA
    padding: float = PADDING
    frozen: tuple[str, ...] = ()


def changed_settings(stored: Mapping[str, Any], config: TrainConfig) -> list[str]:
    """
    Return the names of the settings in which an experiment differs from a stored one.

    Parameters
    ----------
    stored : Mapping[str, Any]
        A TrainConfig as a dictionary; settings that it is too old to have count as the default.
    config : TrainConfig
        The experiment.

    """
    old = {**asdict(TrainConfig()), **stored}
    old['images'] = tuple({**asdict(ImageSource()), **source} for source in old['images'])
    old['loss'] = {**asdict(LossWeights()), **old['loss']}
    # A study stores its settings as JSON, which turns tuples into lists, nested ones too.
    old, new = (json.loads(json.dumps(settings)) for settings in (old, asdict(config)))
    return [name for name, value in new.items() if old[name] != value]
