"""Configuration and results of a study: variants of an experiment, several seeds each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
import json
from pathlib import Path
from typing import Any

from unihpe_ros.training.config import changed_settings, ConfigError, TrainConfig
from unihpe_ros.training.config_file import make_config, read_settings
from unihpe_ros.training.study.scores import SCORES


@dataclass(frozen=True)
class Study:
    """
    A study: variants of one experiment at equal budget.

    Parameters
    ----------
    kind : str
        What is compared and scored: 'modalities' or 'lifters'.
    settings : Mapping[str, Any]
        Settings of the experiment that all variants share.
    variants : Mapping[str, Mapping[str, Any]]
        Settings of each variant that differ, by its name.
    seeds : Sequence[int]
        Seeds that each variant is run with.
    test : str
        Held-out data: a folder of `unihpe render`, or a bank of poses for lifters.
    jobs : int
        Runs at a time.
    limit : int
        Held-out records that each run is scored on, evenly spread.

    """

    kind: str
    settings: Mapping[str, Any]
    variants: Mapping[str, Mapping[str, Any]]
    seeds: Sequence[int] = (1, 2, 3)
    test: str = 'data/test'
    jobs: int = 1
    limit: int = 1000

    def config(self, variant: str, seed: int) -> TrainConfig:
        """Return the experiment of one run; ConfigError if a setting is invalid."""
        settings = {**self.settings, **self.variants[variant], 'seed': seed}
        if 'loss' in settings:
            settings['loss'] = {
                **self.settings.get('loss', {}),
                **self.variants[variant].get('loss', {}),
            }
        return make_config(settings, f'variant {variant}')


@dataclass(frozen=True)
class Result:
    """
    The scores of one run, or its failure.

    Parameters
    ----------
    variant, seed : str, int
        Which run.
    scores : Mapping[str, float]
        Figures by the name of their column; empty if the run failed.
    failure : str
        Why it failed; empty if it did not.

    """

    variant: str
    seed: int
    scores: Mapping[str, float]
    failure: str = ''


def load_study(
    path: Path, overrides: Mapping[str, Any] | None = None, test: str | None = None
) -> Study:
    """
    Return the study in a YAML file.

    Parameters
    ----------
    path : Path
        YAML file with the fields of Study.
    overrides : Mapping[str, Any], optional
        Values that replace some of `settings`.
    test : str, optional
        Replaces the file's.

    Raises
    ------
    ConfigError
        If the file is missing, or a key or a value does not fit.

    """
    values = read_settings(path)
    unknown = set(values) - {entry.name for entry in fields(Study)}
    if unknown:
        raise ConfigError(f'{path}: unknown key {", ".join(sorted(map(str, unknown)))}')
    if values.get('kind') not in SCORES:
        kinds = ', '.join(SCORES)
        raise ConfigError(f'{path}: kind: expected {kinds}; got {values.get("kind")!r}')
    for name, kind in (('settings', dict), ('variants', dict), ('seeds', list)):
        if not isinstance(values.get(name), kind) or not values[name]:
            raise ConfigError(f'{path}: {name}: expected a {kind.__name__} with something in it')
    values['settings'] = {**values['settings'], **(overrides or {})}
    values['variants'] = {name: entry or {} for name, entry in values['variants'].items()}
    study = Study(**values if test is None else {**values, 'test': test})
    for variant in study.variants:
        study.config(variant, 0)
    return study


def finished(study: Study, out: Path, variant: str, seed: int) -> Result | None:
    """Return the stored result of a run; None if it is not finished."""
    path = out / f'{variant}-{seed}' / 'result.json'
    if not path.exists():
        return None
    try:
        stored = json.loads(path.read_text(encoding='utf-8'))
        result = Result(variant, seed, stored['scores'], stored['failure'])
        changed = changed_settings(stored['config'], study.config(variant, seed))
        if stored['limit'] != study.limit:
            changed.append('limit')
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigError(f'{path}: not the result of a run ({error}); remove it') from error
    if changed:
        raise ConfigError(
            f'{path}: made with other settings of {", ".join(changed)}; give another --out'
        )
    return result


def kept_results(study: Study, out: Path) -> list[Result]:
    """Return the finished runs, in the order of variants and seeds; raises as `finished` does."""
    results = (finished(study, out, variant, s) for variant in study.variants for s in study.seeds)
    return [result for result in results if result is not None]
