"""Read an experiment from a YAML file; unknown keys, wrong types and ranges are errors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any, get_type_hints

from unihpe_ros.datasets.catalogue import DATASET_KINDS
from unihpe_ros.datasets.photos import PhotoSelection
from unihpe_ros.training.config import ConfigError, ImageSource, LossWeights, TrainConfig
from unihpe_ros.training.contrast import TRIPLE_SCORES
import yaml

_AT_LEAST_ONE = ('steps', 'image_batch', 'pose_batch', 'log_steps', 'ema_steps', 'padding')
_ABOVE_ZERO = ('learning_rate', 'clip', 'singular_value_temperature', 'simcc_sigma')
_AT_LEAST_ZERO = (
    *('seed', 'chunk', 'weight_decay', 'warmup_steps', 'singular_value_start'),
    *('singular_value_ramp', 'workers', 'threads', 'checkpoint_minutes'),
)


def load_config(path: Path, overrides: Mapping[str, Any] | None = None) -> TrainConfig:
    """
    Return the experiment in a YAML file.

    Parameters
    ----------
    path : Path
        YAML file.
    overrides : Mapping[str, Any], optional
        Values that replace the file's.

    Raises
    ------
    ConfigError
        If the file is missing or no mapping, or a key or a value does not fit.

    """
    return make_config({**read_settings(path), **(overrides or {})}, str(path))


def read_settings(path: Path) -> dict[str, Any]:
    """Return the mapping in a YAML file; ConfigError if there is none."""
    try:
        values = yaml.safe_load(path.read_text(encoding='utf-8'))
    except OSError as error:
        raise ConfigError(f'{path}: {error.strerror}') from error
    except yaml.YAMLError as error:
        raise ConfigError(f'{path}: not YAML ({error})') from error
    if not isinstance(values, Mapping):
        raise ConfigError(f'{path}: expected a mapping of settings')
    return dict(values)


def make_config(values: Mapping[str, Any], path: str) -> TrainConfig:
    """Return the experiment of checked settings; `path` is where they were read, for errors."""
    config: TrainConfig = _build(TrainConfig, values, path)
    if not config.images and not config.poses:
        raise ConfigError(f'{path}: expected images or poses to train on')
    for source in config.images:
        if source.kind not in DATASET_KINDS:
            kinds = ', '.join(DATASET_KINDS)
            raise ConfigError(f'{path}: images: kind: expected {kinds}; got {source.kind!r}')
        try:
            chosen = source.selection != PhotoSelection()
        except ValueError as error:
            raise ConfigError(f'{path}: images: {error}') from error
        if chosen and source.kind != 'photos':
            raise ConfigError(f'{path}: images: {source.path}: a selection needs kind photos')
        if not source.weight > 0:
            raise ConfigError(f'{path}: images: weight: expected above 0; got {source.weight}')
    _check_ranges(config, path)
    if config.triple_score not in TRIPLE_SCORES:
        scores = ', '.join(TRIPLE_SCORES)
        raise ConfigError(f'{path}: triple_score: expected {scores}; got {config.triple_score!r}')
    return config


def _check_ranges(config: TrainConfig, path: str) -> None:
    names = (*_AT_LEAST_ONE, *_ABOVE_ZERO, *_AT_LEAST_ZERO)
    values = {name: getattr(config, name) for name in names}
    values |= {f'loss: {name}': weight for name, weight in asdict(config.loss).items()}
    for name, value in values.items():
        # Written this way because every comparison with NaN is false.
        if name in _AT_LEAST_ONE and not value >= 1:
            raise ConfigError(f'{path}: {name}: expected at least 1; got {value}')
        if name in _ABOVE_ZERO and not value > 0:
            raise ConfigError(f'{path}: {name}: expected above 0; got {value}')
        if not value >= 0:
            raise ConfigError(f'{path}: {name}: expected at least 0; got {value}')


def _build(kind: type[Any], values: Mapping[str, Any], where: str) -> Any:
    if not isinstance(values, Mapping):
        raise ConfigError(f'{where}: expected a mapping; got {values!r}')
    hints = get_type_hints(kind)
    unknown = set(values) - {entry.name for entry in fields(kind)}
    if unknown:
        raise ConfigError(
            f'{where}: unknown key {", ".join(sorted(map(str, unknown)))}; '
            f'expected some of {", ".join(hints)}'
        )
    return kind(
        **{name: _value(hints[name], value, f'{where}: {name}') for name, value in values.items()}
    )


def _value(kind: Any, value: Any, where: str) -> Any:
    if kind is LossWeights:
        return _build(LossWeights, value, where)
    if kind == tuple[ImageSource, ...]:
        if not isinstance(value, list):
            raise ConfigError(f'{where}: expected a list of data sets; got {value!r}')
        return tuple(_build(ImageSource, entry, where) for entry in value)
    if kind == tuple[str, ...]:
        if not isinstance(value, (list, tuple)) or not all(isinstance(v, str) for v in value):
            raise ConfigError(f'{where}: expected a list of names; got {value!r}')
        return tuple(value)
    if kind is str and value is None:
        return ''
    if kind is float and type(value) is int:
        return float(value)
    if type(value) is not kind:
        raise ConfigError(f'{where}: expected {kind.__name__}; got {value!r}')
    return value
