"""The mean of trained networks, each a checkpoint of a run or an exported model."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.models.detector_network import DetectorNetwork, DETECTORS
from unihpe_ros.models.onnx_weights import fold_batch_norms, load_exported, read_weights
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.checkpoint import (
    averaged_network,
    crop_padding,
    exported_files,
    load_checkpoint,
    mean_weights,
)
from unihpe_ros.training.config import ConfigError


@dataclass(frozen=True)
class AveragedNetwork:
    """
    A network with the mean of some weights.

    Parameters
    ----------
    model : UniHPE | DetectorNetwork
        The network.
    padding : float
        How much larger than a person's box the crops were that the last checkpoint learned from.
    training : str
        One line on how the weights of the last checkpoint were made; empty without one.

    """

    model: UniHPE | DetectorNetwork
    padding: float
    training: str


def average_networks(
    paths: Sequence[Path], shares: Sequence[float] | None = None
) -> AveragedNetwork:
    """
    Return the mean of some networks.

    Parameters
    ----------
    paths : Sequence[Path]
        Checkpoints (.pt), or names or paths of exported models. Exported pose networks need a
        checkpoint beside them, which knows the preset.
    shares : Sequence[float], optional
        How much each counts; without it all count the same.

    Raises
    ------
    ConfigError
        If one of them can't be read, they are not of one network, or shares are missing.

    """
    if shares is not None and (len(shares) != len(paths) or min(shares) < 0 or not sum(shares)):
        raise ConfigError(
            f'--shares: expected a number of 0 or more for each of {len(paths)} models, not all '
            f'of them 0; got {" ".join(str(share) for share in shares)}'
        )
    states = [load_checkpoint(path) if path.suffix == '.pt' else None for path in paths]
    last = next((state for state in reversed(states) if state is not None), None)
    preset = _preset(last, paths)
    networks = [_network(preset, *pair) for pair in zip(paths, states, strict=True)]
    if any(state is None for state in states) and len(paths) > 1:
        for network in networks:
            fold_batch_norms(network)
    model = networks[-1]
    weights = mean_weights([network.state_dict() for network in networks], shares)
    model.load_state_dict(weights)
    if last is None:
        return AveragedNetwork(model, PADDING, '')
    return AveragedNetwork(model, crop_padding(last), _told(last))


def _preset(state: Mapping[str, Any] | None, paths: Sequence[Path]) -> str:
    """Return the preset of a checkpoint, or of exported detectors."""
    if state is not None:
        return str(state['preset'])
    files = exported_files(paths[0])
    if 'detector' in files:
        return _detector_preset(files['detector'])
    raise ConfigError(f'{paths[0]}: expected a checkpoint (.pt) among the pose networks')


def _detector_preset(path: Path) -> str:
    """Return the preset of an exported detector: the one with most of its weights."""
    names = set(read_weights(path))
    return max(
        DETECTORS, key=lambda preset: len(names & set(DetectorNetwork(preset).state_dict()))
    )


def _network(preset: str, path: Path, state: Mapping[str, Any] | None) -> UniHPE | DetectorNetwork:
    """Return the network of a checkpoint or of an exported model."""
    if state is not None:
        return averaged_network(state, path, _build, (preset,), 'checkpoints of one network,')
    model = _build(preset)
    try:
        load_exported(model, exported_files(path))
    except ValueError as error:
        raise ConfigError(f'{path}: weights of another network ({error})') from error
    return model


def _build(preset: str) -> UniHPE | DetectorNetwork:
    """Return a new network."""
    return DetectorNetwork(preset) if preset in DETECTORS else UniHPE(preset)


def _told(state: Mapping[str, Any]) -> str:
    """Return steps, seed and pictures of a checkpoint in words."""
    config = state['config']
    return (
        f'{state["step"]} steps, seed {config["seed"]}, '
        f'{state["step"] * config["image_batch"] * bool(config["images"])} pictures'
    )
