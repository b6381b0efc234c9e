"""Report of `unihpe bench node`: a table, sentences, a JSON file and a plot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
import json
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from unihpe_ros.bench.machine import describe_machine
from unihpe_ros.bench.node.cases import age_limit_ms, Case, Figures
from unihpe_ros.bench.recordings.charts import COLOURS
from unihpe_ros.core.files import replacing, write_whole

_HEADER = (
    *('run', 'fps in', 'fps out', 'dropped', 'age p50 ms', 'p95', 'p99'),
    *('node CPU %', 'camera CPU %', 'RSS MB', 'outside engine ms', 'people'),
)


@dataclass(frozen=True)
class Ratio:
    """
    Another node or setting beside ours on the same images.

    Parameters
    ----------
    other, ours : Figures
        The two runs.

    """

    other: Figures
    ours: Figures

    def sentence(self) -> str:
        """Return the ratios of the other run to ours, in words."""
        ages = [b / a for a, b in zip(self.ours.ages_ms, self.other.ages_ms, strict=True)]
        cpu = self.other.node_cpu / max(self.ours.node_cpu, 0.1)
        return (
            f'{self.other.case.name}: age p50 {ages[0]:.2f}, p99 {ages[2]:.2f}, CPU {cpu:.2f} '
            f'and fps {self.other.fps_out / max(self.ours.fps_out, 0.1):.2f} times ours'
        )


def case_table(results: Sequence[Figures]) -> list[list[str]]:
    """Return the table of all runs, header first."""
    return [list(_HEADER), *(_row(figures) for figures in results)]


def _row(figures: Figures) -> list[str]:
    start, end = figures.rss_mb
    own = f'{figures.own_ms:.2f}' if figures.stages_ms else 'unknown'
    return [
        figures.case.name,
        f'{figures.fps_in:.1f}',
        f'{figures.fps_out:.1f}',
        str(figures.dropped),
        *(f'{age:.1f}' for age in figures.ages_ms),
        f'{figures.node_cpu:.0f}',
        f'{figures.camera_cpu:.0f}',
        f'{start:.1f} to {end:.1f}',
        own,
        f'{figures.people:.1f}',
    ]


def ratios(results: Sequence[Figures]) -> list[Ratio]:
    """Pair each run of another node or setting with ours on the same images."""
    ours = {_key(figures.case): figures for figures in results if _is_ours(figures.case)}
    return [
        Ratio(figures, ours[_key(figures.case)])
        for figures in results
        if not _is_ours(figures.case) and _key(figures.case) in ours
    ]


def _is_ours(case: Case) -> bool:
    return case.kind in ('node', 'overload')


def _key(case: Case) -> tuple[object, ...]:
    return 'overload' in case.kind, case.size, case.transport, case.fps, case.people


def sentences(results: Sequence[Figures]) -> Iterator[str]:
    """Yield sentences that compare runs: aims, memory, overload, the naive node."""
    for ratio in ratios(results):
        yield ratio.sentence()
    for figures in results:
        if figures.case.kind == 'overload':
            limit, age = age_limit_ms(figures), figures.ages_ms[2]
            yield (
                f'{figures.case.name}: p99 of the age {age:.1f} ms is '
                f'{"within" if age <= limit else "ABOVE"} two camera periods and twice the '
                f'processing time, {limit:.1f} ms'
            )
        if figures.case.kind == 'soak':
            start, end = figures.rss_mb
            frames = figures.fps_out * figures.case.seconds
            yield f'{figures.case.name}: {frames:.0f} images, memory {end - start:+.1f} MB'


def to_dict(results: Sequence[Figures]) -> dict[str, Any]:
    """Return all that was measured, for JSON."""
    runs = [
        {'name': one.case.name, **asdict(one), 'busy_ms': one.busy_ms, 'own_ms': one.own_ms}
        for one in results
    ]
    comparisons = [
        {
            'other': ratio.other.case.name,
            'ours': ratio.ours.case.name,
            'age_ratios': [
                theirs / ours
                for ours, theirs in zip(ratio.ours.ages_ms, ratio.other.ages_ms, strict=True)
            ],
            'cpu_ratio': ratio.other.node_cpu / max(ratio.ours.node_cpu, 0.1),
        }
        for ratio in ratios(results)
    ]
    return {'machine': describe_machine(), 'runs': runs, 'ratios': comparisons}


def write_node_report(results: Sequence[Figures], folder: Path) -> Path:
    """Write node.json and node.png whole; return the former."""
    path = folder / 'node.json'
    write_whole(path, json.dumps(to_dict(results), indent=2) + '\n')
    _draw(results, folder / 'node.png')
    return path


def _draw(results: Sequence[Figures], path: Path) -> None:
    """Draw each run as a line from p50 over p95 to p99 of the age."""
    kinds = list(dict.fromkeys(figures.case.kind for figures in results))
    figure = Figure(figsize=(9, 1.2 + 0.32 * len(results)), layout='constrained')
    axes = figure.subplots()
    for place, one in enumerate(results):
        colour = COLOURS[kinds.index(one.case.kind) % len(COLOURS)]
        axes.plot([one.ages_ms[0], one.ages_ms[2]], [place, place], color=colour, linewidth=2)
        for age, marker in zip(one.ages_ms, 'o|D', strict=True):
            axes.plot(age, place, marker=marker, color=colour)
    axes.set_yticks(range(len(results)), [one.case.name for one in results], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale('log')
    axes.set_xlabel('age of the image when its poses arrive, ms: p50 (dot), p95, p99 (diamond)')
    axes.grid(axis='x', which='both', color='#e6e6e6')
    axes.set_axisbelow(True)
    with replacing(path) as partial:
        figure.savefig(partial, dpi=130)
