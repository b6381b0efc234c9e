"""Write a report as Markdown, short enough for a pull request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unihpe_ros.bench.recordings.bench_report import BenchReport
from unihpe_ros.bench.recordings.metric_text import METRICS, sentence, show, table_of


def to_markdown(report: BenchReport) -> str:
    """Return the figures of a report as Markdown."""
    summaries = {one.model: one.summary for one in report.models}
    parts = [f'# Benchmark: {report.settings["source"]}']
    if report.ended_by:
        parts.append(f'**Unfinished: {report.ended_by}.** The figures are of what was done.')
    parts += [f'**{name}**: {sentence(summary)}.' for name, summary in summaries.items()]
    names = list(summaries)
    parts.append(_table(['', *names], table_of(METRICS, summaries)))
    parts += ['## Stages', _table(['median', *names], _stage_rows(summaries))]
    parts += ['## Recordings', _bag_table(report)]
    parts += ['## Machine', *[_machine(machine) for machine in report.machines]]
    asked = ', '.join(f'{key} {value}' for key, value in report.settings.items() if value)
    parts.append(f'Asked for: {asked}; shards {", ".join(report.shards)}.')
    return '\n\n'.join(parts) + '\n'


def _stage_rows(summaries: Mapping[str, Mapping[str, Any]]) -> list[list[str]]:
    """Return the stages with the median of each model."""
    names = dict.fromkeys(stage for one in summaries.values() for stage in one['stages_ms'])
    rows = []
    for name in names:
        medians = [one['stages_ms'].get(name, {}).get('p50') for one in summaries.values()]
        texts = [show(float('nan') if one is None else one, 'ms') for one in medians]
        rows.append([name.replace('_', ' '), *texts])
    return rows


def _bag_table(report: BenchReport) -> str:
    rows = []
    for model in report.models:
        for bag, figures in model.bag_summaries:
            counts = figures['frames']
            latency = show(figures['latency_ms']['p50'] or float('nan'), 'ms')
            size = 'x'.join(str(side) for side in bag.size)
            seen = f'{counts["seen"]} of {bag.images}'
            rows.append([bag.bag, model.model, bag.topic, size, seen, latency, bag.first_error])
    head = ['recording', 'model', 'topic', 'size', 'images', 'median latency', 'first error']
    return _table(head, rows)


def _machine(machine: Mapping[str, Any]) -> str:
    versions = ', '.join(f'{name} {version}' for name, version in machine['versions'].items())
    return (
        f'{machine["processor"]}, {machine["cores"]} cores, {machine["memory_gb"]} GB; '
        f'{machine["system"]}; Python {machine["python"]}; {versions}'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    cells = [[cell.replace('|', '/') for cell in row] for row in lines]
    return '\n'.join(f'| {" | ".join(row)} |' for row in cells)
