"""Checkpoints and exported models: reading them, and giving their weights to a network."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from pathlib import Path
from pickle import UnpicklingError
import struct
from textwrap import shorten
from typing import Any, TypeVar

import torch
from torch import nn, Tensor
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.core.resources import find_model_files, model_places
from unihpe_ros.models.unihpe import PRESETS, UniHPE
from unihpe_ros.training.config import ConfigError

_Network = TypeVar('_Network', bound=nn.Module)

# What every checkpoint has to hold.
_KEYS = ('preset', 'step', 'ema')
# How the names of a refiner's weights begin.
REFINER = 'refiner.'


def exported_files(path: Path) -> dict[str, Path]:
    """
    Find the files of an exported model.

    Parameters
    ----------
    path : Path
        Name of a shipped model, or path of an exported one; see `core.resources`.

    Returns
    -------
    dict[str, Path]
        By branch: 'image' and 'lifting', or of a detector 'detector'.

    Raises
    ------
    ConfigError
        If there is none.

    """
    for branches in (('image', 'lifting'), ('',)):
        try:
            files = find_model_files(path, branches)
        except FileNotFoundError:
            continue
        return {branch or 'detector': file for branch, file in files.items()}
    places = ', '.join(str(place.resolve().parent) for place in model_places(path))
    raise ConfigError(
        f'init: {path}: expected a checkpoint (.pt), or an exported model, which is '
        f'{path.name}.image.onnx and {path.name}.lifting.onnx, or of a detector '
        f'{path.name}.onnx; looked in {places}'
    )


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Return the contents of a checkpoint; ConfigError if there is none or it is damaged."""
    try:
        state: dict[str, Any] = torch.load(path, map_location='cpu', weights_only=True)
    except FileNotFoundError as error:
        raise ConfigError(f'{path}: no such checkpoint') from error
    except (RuntimeError, EOFError, OSError, struct.error, UnpicklingError) as error:
        # PyTorch's own message would advise to trust the file.
        hint = 'expected one that `unihpe train` wrote'
        raise ConfigError(f'{path}: not a readable checkpoint; {hint}') from error
    missing = [key for key in _KEYS if not isinstance(state, dict) or key not in state]
    if missing:
        raise ConfigError(f'{path}: not a checkpoint of a run: it lacks {", ".join(missing)}')
    return state


def mean_weights(
    states: Sequence[Mapping[str, Tensor]], shares: Sequence[float] | None = None
) -> dict[str, Tensor]:
    """
    Return the mean of the weights of several runs.

    Runs that went on from each other lie in one valley, and the middle of a valley generalises
    better than its slopes (Wortsman et al., "Model soups", ICML 2022).

    Parameters
    ----------
    states : Sequence[Mapping[str, Tensor]]
        State of each, all of the same network.
    shares : Sequence[float], optional
        How much each counts; without it all count the same.

    """
    share = torch.tensor(shares or [1.0] * len(states), dtype=torch.float64)
    share /= share.sum()
    return {
        name: torch.tensordot(
            share, torch.stack([state[name].double() for state in states]), 1
        ).to(value.dtype)
        for name, value in states[0].items()
    }


def give_weights(model: nn.Module, weights: Mapping[str, Tensor], path: Path) -> None:
    """Load weights of a checkpoint into a network; ConfigError if they are another network's."""
    own = model.state_dict()
    if not any(name.startswith(REFINER) for name in weights):
        # A run from before refiners existed: a new refiner corrects nothing.
        new = {name: value for name, value in own.items() if name.startswith(REFINER)}
        weights = {**new, **weights}
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        reason = shorten(str(error), 200, placeholder=' ...')
        raise ConfigError(f'{path}: weights of another network or version ({reason})') from error


def crop_padding(state: Mapping[str, Any]) -> float:
    """Return how much larger than a person's box the crops were that a checkpoint learned from."""
    return float(state['config'].get('padding', PADDING))


def load_network(path: Path) -> tuple[UniHPE, float]:
    """
    Return the UniHPE of a checkpoint, averaged weights, and the padding of its crops.

    Raises
    ------
    ConfigError
        If it is no checkpoint, or one of another network.

    """
    state = load_checkpoint(path)
    model = averaged_network(state, path, UniHPE, PRESETS, 'a network of')
    return model, crop_padding(state)


def averaged_network(
    state: Mapping[str, Any],
    path: Path,
    build: Callable[[str], _Network],
    presets: Collection[str],
    expected: str,
) -> _Network:
    """
    Return a network with a checkpoint's averaged weights.

    Parameters
    ----------
    state : Mapping[str, Any]
        Contents of the checkpoint.
    path : Path
        Where they were read, for errors.
    build : Callable[[str], nn.Module]
        Makes the network of a preset.
    presets : Collection[str]
        The presets that it knows.
    expected : str
        What these are, for the message.

    Raises
    ------
    ConfigError
        If it is one of another preset.

    """
    if state['preset'] not in presets:
        names = ', '.join(presets)
        raise ConfigError(f'{path}: expected {expected} {names}; got {state["preset"]}')
    model = build(state['preset'])
    give_weights(model, state['ema'], path)
    return model
