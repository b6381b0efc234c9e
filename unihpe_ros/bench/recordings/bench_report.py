"""Report of a benchmark: build, write, read and merge it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
import json
from pathlib import Path
from typing import Any

from unihpe_ros.bench.recordings.frame_table import BagResult
from unihpe_ros.bench.recordings.summary import summarise
from unihpe_ros.core.files import write_whole

SCHEMA, VERSION = 'unihpe_bench', 1
JSON_NAME = 'report.json'


class BenchError(ValueError):
    """A benchmark that can't be run, read or compared as asked for."""


@dataclass(frozen=True)
class ModelResult:
    """
    Results of one model on all recordings.

    Parameters
    ----------
    model : str
        Its name; unique in a report.
    about : Mapping[str, Any]
        Backend, weights, input size and training.
    bags : Sequence[BagResult]
        What was measured.

    """

    model: str
    about: Mapping[str, Any]
    bags: Sequence[BagResult]

    @cached_property
    def summary(self) -> dict[str, Any]:
        """Its figures over all recordings, see `unihpe_ros.bench.recordings.summary.summarise`."""
        return summarise(self.bags)

    @cached_property
    def bag_summaries(self) -> list[tuple[BagResult, dict[str, Any]]]:
        """Each recording with the figures of it alone."""
        return [(bag, summarise([bag])) for bag in self.bags]


@dataclass(frozen=True)
class BenchReport:
    """
    Report of a benchmark.

    Parameters
    ----------
    settings : Mapping[str, Any]
        What was asked for: source, through, rate, topic, truth, rectified.
    shards : Sequence[str]
        Which parts of the recordings it holds, as 'i/n'; ['1/1'] is all of them.
    machines : Sequence[Mapping[str, Any]]
        What it ran on, see `unihpe_ros.bench.machine.describe_machine`.
    models : Sequence[ModelResult]
        At least one.
    ended_by : str
        Why it ended early; empty if all was done.

    """

    settings: Mapping[str, Any]
    shards: Sequence[str]
    machines: Sequence[Mapping[str, Any]]
    models: Sequence[ModelResult]
    ended_by: str = ''

    def to_dict(self) -> dict[str, Any]:
        """Return what `from_dict` reads, with the figures beside the measurements."""
        return {
            'schema': SCHEMA,
            'version': VERSION,
            'settings': dict(self.settings),
            'shards': list(self.shards),
            'ended_by': self.ended_by,
            'machines': [dict(machine) for machine in self.machines],
            'models': [
                {
                    'model': result.model,
                    'about': dict(result.about),
                    'summary': result.summary,
                    'bags': [bag.to_dict() for bag in _sorted(result.bags)],
                }
                for result in self.models
            ],
        }

    @classmethod
    def from_dict(cls, values: Any, source: str) -> BenchReport:
        """
        Read what `to_dict` wrote.

        Raises
        ------
        BenchError
            If it is no report of this version; the message names `source`.

        """
        if not isinstance(values, Mapping) or values.get('schema') != SCHEMA:
            raise BenchError(f'{source}: expected a report of `unihpe bench bag`')
        if values.get('version') != VERSION:
            raise BenchError(
                f'{source}: expected version {VERSION} of a report; got {values.get("version")!r}'
            )
        try:
            models = [
                ModelResult(
                    one['model'],
                    one['about'],
                    [BagResult.from_dict(bag, source) for bag in one['bags']],
                )
                for one in values['models']
            ]
            head = (values['settings'], values['shards'], values['machines'])
            return cls(*head, models, values['ended_by'])
        except (KeyError, TypeError, AttributeError) as error:
            raise BenchError(f'{source}: expected a complete report; {error!r}') from error


def write_json(report: BenchReport, folder: Path) -> Path:
    """Write report.json into a folder; an older one stays until the new one is complete."""
    path = folder / JSON_NAME
    write_whole(path, json.dumps(report.to_dict(), allow_nan=False, separators=(',', ':')) + '\n')
    return path


def read_report(path: Path) -> BenchReport:
    """
    Read a report.

    Parameters
    ----------
    path : Path
        A report.json, or the folder that holds it.

    Raises
    ------
    BenchError
        If it is no report; the message names the file.

    """
    file = path / JSON_NAME if path.is_dir() else path
    try:
        values = json.loads(file.read_text(encoding='utf-8'))
    except FileNotFoundError as error:
        raise BenchError(f'{file}: expected a report; there is none') from error
    except ValueError as error:
        raise BenchError(f'{file}: expected a report in JSON; {error}') from error
    return BenchReport.from_dict(values, str(file))


def merge(reports: Sequence[BenchReport], names: Sequence[str]) -> BenchReport:
    """
    Make one report of those of several shards.

    Parameters
    ----------
    reports : Sequence[BenchReport]
        The shards, in any order.
    names : Sequence[str]
        What to call them in messages.

    Raises
    ------
    BenchError
        If they are of different benchmarks, or a shard is missing, unfinished, or there twice.

    """
    first = reports[0]
    for report, name in zip(reports, names, strict=True):
        if report.ended_by:
            raise BenchError(f'{name}: expected a finished shard; it ended by {report.ended_by}')
        for what in ('settings', 'models'):
            one, other = _identity(first, what), _identity(report, what)
            if one != other:
                raise BenchError(f'{name}: expected the {what} of {names[0]}, {one}; got {other}')
    _check_shards([shard for report in reports for shard in report.shards])
    models = [
        replace(model, bags=_sorted([b for r in reports for b in r.models[index].bags]))
        for index, model in enumerate(first.models)
    ]
    for model in models:
        bags = [bag.bag for bag in model.bags]
        twice = sorted({bag for bag in bags if bags.count(bag) > 1})
        if twice:
            raise BenchError(f'{", ".join(names)}: recording {twice[0]} is in several of them')
    machines = [dict(machine) for report in reports for machine in report.machines]
    unique = [one for index, one in enumerate(machines) if one not in machines[:index]]
    return BenchReport(first.settings, ['1/1'], unique, models)


def _identity(report: BenchReport, what: str) -> Any:
    if what == 'settings':
        return dict(report.settings)
    return [(result.model, result.about.get('weights')) for result in report.models]


def _check_shards(shards: Sequence[str]) -> None:
    counts = {shard.partition('/')[2] for shard in shards}
    if len(counts) != 1:
        raise BenchError(f'expected shards of one split; got {", ".join(sorted(set(shards)))}')
    (count,) = counts
    wanted = [f'{number}/{count}' for number in range(1, int(count) + 1)]
    missing = [shard for shard in wanted if shard not in shards]
    if missing or len(shards) != len(wanted):
        twice = sorted({shard for shard in shards if shards.count(shard) > 1})
        found = f'missing {", ".join(missing)}' if missing else f'twice {", ".join(twice)}'
        raise BenchError(f'expected the shards {", ".join(wanted)} once each; {found}')


def _sorted(bags: Sequence[BagResult]) -> list[BagResult]:
    return sorted(bags, key=lambda bag: bag.bag)
