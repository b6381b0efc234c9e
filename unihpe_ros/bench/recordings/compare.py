"""Comparison of reports: tables, ratios and rules that fail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
import re
from typing import Any

from unihpe_ros.bench.recordings.bench_report import BenchError, BenchReport
from unihpe_ros.bench.recordings.metric_text import Metric, METRICS, NO_FIGURE

_RULE = re.compile(r'([\w.]+)\s*([<>])\s*(\d+\.?\d*)')


@dataclass(frozen=True)
class Rule:
    """
    Rule by which a comparison fails, such as a ratio above a limit.

    Parameters
    ----------
    metric : Metric
        Which figure.
    above : bool
        Fail if the ratio to the first report is above the limit, else if it is below.
    limit : float
        The ratio.

    """

    metric: Metric
    above: bool
    limit: float

    def breached_by(self, ratio: float) -> bool:
        """Whether a ratio is beyond the limit; an unknown ratio counts as beyond."""
        if math.isnan(ratio):
            return True
        return ratio > self.limit if self.above else ratio < self.limit

    def __str__(self) -> str:
        return f'{self.metric.path}{">" if self.above else "<"}{self.limit:g}'


def parse_rule(text: str) -> Rule:
    """
    Read METRIC>RATIO or METRIC<RATIO.

    Raises
    ------
    BenchError
        If it is malformed or there is no such metric; the message lists them.

    """
    match = _RULE.fullmatch(text.strip())
    if not match:
        raise BenchError(
            f'--fail-if: expected METRIC>RATIO or METRIC<RATIO, such as '
            f'latency_ms.p95>1.1; got {text!r}'
        )
    metric = next((metric for metric in METRICS if metric.path == match[1]), None)
    if metric is None:
        known = ', '.join(one.path for one in METRICS)
        raise BenchError(f'--fail-if: unknown metric {match[1]!r}; expected one of {known}')
    return Rule(metric, match[2] == '>', float(match[3]))


@dataclass(frozen=True)
class Side:
    """
    One model of one report.

    Parameters
    ----------
    label : str
        What to call it.
    summary : dict[str, Any]
        Its figures.

    """

    label: str
    summary: dict[str, Any]

    def noise(self, metric: Metric) -> float:
        """Return half the noise band as a share of the figure, NaN if unknown."""
        value = self.summary['noise'].get(metric.noise)
        return math.nan if value is None else float(value)


def sides_of(reports: Sequence[BenchReport], names: Sequence[str]) -> list[Side]:
    """Return every model of every report, in order."""
    return [
        Side(f'{name}: {one.model}' if len(report.models) > 1 else name, one.summary)
        for report, name in zip(reports, names, strict=True)
        for one in report.models
    ]


def ratio(metric: Metric, side: Side, first: Side) -> float:
    """Return a figure over that of the first; NaN if either is unknown or there is no ratio."""
    value, base = metric.of(side.summary), metric.of(first.summary)
    if base == 0:
        return 1.0 if value == 0 else math.inf if value > 0 else math.nan
    return value / base


def band(metric: Metric, side: Side, first: Side) -> float:
    """Return half the noise band of a ratio, as a share of it; NaN if unknown."""
    return math.hypot(side.noise(metric), first.noise(metric))


def verdict(metric: Metric, side: Side, first: Side) -> str:
    """Return 'better', 'worse', 'same' (within the noise), or '' where nobody can say."""
    share, noise = ratio(metric, side, first), band(metric, side, first)
    if math.isnan(share) or metric.lower_is_better is None:
        return ''
    if share == 1:
        return 'same'
    if metric.noise and math.isnan(noise):
        return ''
    # A half and the double are equally far from one.
    if metric.noise and share > 0 and abs(math.log(share)) <= noise:
        return 'same'
    return 'better' if (share < 1) == metric.lower_is_better else 'worse'


def comparison_table(sides: Sequence[Side]) -> list[list[str]]:
    """
    Return the rows of a comparison with the first side, the first row being the head.

    Parameters
    ----------
    sides : Sequence[Side]
        Two or more.

    """
    first, others = sides[0], sides[1:]
    rows = [['', first.label, *(side.label for side in others)]]
    for metric in METRICS:
        texts = [metric.text(side.summary) for side in sides]
        if all(text == NO_FIGURE for text in texts):
            continue
        cells = [
            f'{text}  {_share(metric, side, first)}'
            for text, side in zip(texts[1:], others, strict=True)
        ]
        rows.append([f'{metric.title} [{metric.path}]', texts[0], *cells])
    return rows


def _share(metric: Metric, side: Side, first: Side) -> str:
    share, noise = ratio(metric, side, first), band(metric, side, first)
    if math.isnan(share):
        return ''
    around = '' if math.isnan(noise) else f' ±{share * noise:.3f}'
    return f'x{share:.3f}{around} {verdict(metric, side, first)}'.rstrip()


def breaches(rules: Sequence[Rule], sides: Sequence[Side]) -> list[str]:
    """Return a line for each rule that a side breaches."""
    lines = []
    for side in sides[1:]:
        for rule in rules:
            share = ratio(rule.metric, side, sides[0])
            if rule.breached_by(share):
                lines.append(f'{side.label}: {rule} (it is {share:.3f})')
    return lines
