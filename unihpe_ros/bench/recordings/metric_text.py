"""Names, units and sentences of the metrics, for terminal, Markdown and HTML."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
import math
from typing import Any

NO_FIGURE = '-'


@dataclass(frozen=True)
class Metric:
    """
    One figure of a summary.

    Parameters
    ----------
    path : str
        Where it is, such as 'latency_ms.p50'.
    title : str
        What to call it.
    unit : str
        Its unit; '%' for a share.
    lower_is_better : bool, optional
        None if neither is.
    noise : str
        Which entry of 'noise' tells how far it scatters; empty if none does.

    """

    path: str
    title: str
    unit: str
    lower_is_better: bool | None
    noise: str = ''

    def of(self, summary: Mapping[str, Any]) -> float:
        """Return the figure, NaN if it is unknown."""
        value: Any = summary
        for key in self.path.split('.'):
            value = value.get(key) if isinstance(value, Mapping) else None
        return math.nan if value is None else float(value)

    def text(self, summary: Mapping[str, Any]) -> str:
        """Return the figure with its unit."""
        return show(self.of(summary), self.unit)


METRICS = (
    Metric('throughput.overall_fps', 'images per second, all in all', '/s', False, 'latency_ms'),
    Metric('throughput.reader_fps', 'reader alone', 'images/s', False, 'read_ms'),
    Metric('throughput.reader_mb_s', 'reader alone', 'MB/s', False, 'read_ms'),
    Metric('throughput.decoder_fps', 'decoder alone', 'images/s', False, 'decode_image_ms'),
    Metric('throughput.decoder_mb_s', 'decoder alone', 'MB/s', False, 'decode_image_ms'),
    Metric('throughput.estimator_fps', 'estimator alone', 'images/s', False, 'estimate_ms'),
    Metric('throughput.estimator_mb_s', 'estimator alone', 'MB/s', False, 'estimate_ms'),
    Metric('latency_ms.mean', 'latency, mean', 'ms', True, 'latency_ms'),
    Metric('latency_ms.p50', 'latency, median', 'ms', True, 'latency_ms_p50'),
    Metric('latency_ms.p95', 'latency, 95 %', 'ms', True, 'latency_ms_p95'),
    Metric('latency_ms.p99', 'latency, 99 %', 'ms', True, 'latency_ms_p99'),
    Metric('latency_ms.most', 'latency, worst', 'ms', None),
    Metric('frames.answered', 'images answered', '', False),
    Metric('frames.dropped', 'images dropped', '', True),
    Metric('frames.broken', 'images broken', '', True),
    Metric('people.mean', 'people at a time', '', None, 'people'),
    Metric('people.ids', 'ids given', '', None),
    Metric('confidence.score', 'score of keypoints', '', False, 'score'),
    Metric('confidence.agreement', 'agreement of the branches', '', False, 'agreement'),
    Metric('confidence.doubtful', 'people of low agreement', '%', True),
    Metric('memory_mb.most', 'memory, most', 'MB', True),
    Metric('accuracy.mpjpe_mm', 'MPJPE', 'mm', True, 'mpjpe_mm'),
    Metric('accuracy.pa_mpjpe_mm', 'PA-MPJPE', 'mm', True, 'mpjpe_mm'),
    Metric('accuracy.pck_3d', 'PCK within 150 mm', '%', False),
    Metric('accuracy.pck_2d', 'PCK within 0.2 torso', '%', False),
    Metric('accuracy.error_px', 'error in the image', 'px', True, 'error_px'),
    Metric('accuracy.root_share', 'root off, share of distance', '%', True),
    Metric('accuracy.mota', 'MOTA', '%', False),
    Metric('accuracy.idf1', 'IDF1', '%', False),
    Metric('accuracy.recall', 'people found', '%', False),
    Metric('accuracy.extra', 'false detections', '', True),
    Metric('accuracy.id_switches', 'id switches', '', True),
)


def show(value: float, unit: str = '') -> str:
    """Return a number with about three digits and its unit."""
    if not math.isfinite(value):
        return NO_FIGURE
    if unit == '%':
        return f'{100 * value:.1f} %'
    digits = 0 if value == round(value) and not unit else max(0, 2 - _magnitude(value))
    return f'{value:,.{min(digits, 4)}f} {unit}'.rstrip()


def _magnitude(value: float) -> int:
    return math.floor(math.log10(abs(value))) if value else 0


def metrics_under(*heads: str) -> list[Metric]:
    """Return the metrics of one or several parts of a summary."""
    return [metric for metric in METRICS if metric.path.partition('.')[0] in heads]


def table_of(
    metrics: Sequence[Metric], summaries: Mapping[str, Mapping[str, Any]]
) -> list[list[str]]:
    """Return rows of title and one figure for each model; unknown everywhere is left out."""
    rows = []
    for metric in metrics:
        texts = [metric.text(summary) for summary in summaries.values()]
        if any(text != NO_FIGURE for text in texts):
            rows.append([f'{metric.title}', *texts])
    return rows


def sentence(summary: Mapping[str, Any]) -> str:
    """Return one sentence on the results of a model."""
    figure: Callable[[str], str] = lambda path: next(  # noqa: E731
        metric.text(summary) for metric in METRICS if metric.path == path
    )
    counts = summary['frames']
    parts = [
        f'{counts["answered"]:,} of {counts["seen"]:,} images answered '
        f'({counts["dropped"]:,} dropped, {counts["broken"]:,} broken)',
        f'latency {figure("latency_ms.p50")} median and {figure("latency_ms.p95")} at 95 %',
        f'{show(summary["people"]["mean"] or 0.0)} people at a time',
    ]
    if summary['accuracy']:
        parts.append(
            f'MPJPE {figure("accuracy.mpjpe_mm")}, PA-MPJPE {figure("accuracy.pa_mpjpe_mm")}, '
            f'MOTA {figure("accuracy.mota")}, IDF1 {figure("accuracy.idf1")}'
        )
    return '; '.join(parts)
