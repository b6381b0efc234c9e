"""Write a report as one self-contained HTML file."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from unihpe_ros.bench.recordings import charts
from unihpe_ros.bench.recordings.bench_report import BenchReport
from unihpe_ros.bench.recordings.metric_text import (
    metrics_under,
    NO_FIGURE,
    sentence,
    show,
    table_of,
)
from unihpe_ros.bench.recordings.summary import worst_pictures

_CSS = """
:root { --ink: #1d2530; --soft: #66707d; --line: #e3e7ec; --accent: #0072b2; }
* { box-sizing: border-box; }
body { margin: 0; background: #f5f7f9; color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
header { background: #12212f; color: #fff; padding: 2.2rem 1rem 1.8rem; }
header > *, main, footer { max-width: 60rem; margin: 0 auto; }
header h1 { font-size: 1.7rem; margin-bottom: .3rem; line-height: 1.2;
  overflow-wrap: anywhere; }
header p { color: #b9c7d4; margin: .2rem auto .6rem; }
main { padding: 1rem; }
section { background: #fff; border: 1px solid var(--line); border-radius: 10px;
  padding: 1.1rem 1.4rem 1.3rem; margin: 1rem 0; }
h2 { font-size: 1.15rem; margin: 0 0 .4rem; }
p { margin: .3rem 0; }
.soft, footer { color: var(--soft); font-size: .9rem; }
.warning { background: #fff4e5; border-color: #f3c98b; }
.cards { display: grid; gap: .7rem; margin: .9rem 0 .2rem;
  grid-template-columns: repeat(auto-fit, minmax(6.8rem, 1fr)); }
.card { border: 1px solid var(--line); border-radius: 8px; padding: .6rem .7rem; }
.card b { display: block; font-size: 1.2rem; line-height: 1.25; white-space: nowrap;
  font-variant-numeric: tabular-nums; }
.card span { color: var(--soft); font-size: .82rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; min-width: 60%; margin: .6rem 0; }
th, td { text-align: right; padding: .3rem .6rem; border-bottom: 1px solid var(--line);
  font-variant-numeric: tabular-nums; }
th { color: var(--soft); font-weight: 600; font-size: .88rem; }
th:first-child, td:first-child { text-align: left; }
img { max-width: 100%; height: auto; display: block; }
figure { margin: .7rem 0 0; }
figcaption { color: var(--soft); font-size: .85rem; padding-top: .25rem; }
.gallery { display: grid; gap: 1rem;
  grid-template-columns: repeat(auto-fill, minmax(22rem, 1fr)); }
.gallery img { border-radius: 6px; }
nav a { color: #d7e6f2; margin-right: .9rem; text-decoration: none; font-size: .9rem; }
footer { padding: 0 1.4rem 2rem; }
@media print { body { background: #fff; } section { break-inside: avoid; } nav { display: none; } }
"""

# Identifiers of the sections in order.
SECTIONS = (
    *('summary', 'throughput', 'latency', 'stages', 'drops', 'people', 'confidence', 'memory'),
    *('accuracy', 'joints', 'worst', 'recordings', 'machine'),
)


def to_html(report: BenchReport) -> str:
    """Return a report as HTML; drawings and pictures are inside."""
    page = _Page(report)
    body = ''.join(f'<section id="{name}">{getattr(page, name)()}</section>' for name in SECTIONS)
    source = escape(str(report.settings['source']))
    links = ''.join(f'<a href="#{name}">{name}</a>' for name in SECTIONS)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f'<title>Benchmark: {source}</title><style>{_CSS}</style></head><body>'
        f'<header><h1>{source}</h1><p>{page.subtitle()}</p><nav>{links}</nav></header>'
        f'<main>{page.warning()}{body}</main>'
        '<footer>Made by <code>unihpe bench</code>; report.json beside this file holds every '
        'figure of every image.</footer></body></html>\n'
    )


class _Page:
    """The parts of the page."""

    def __init__(self, report: BenchReport) -> None:
        self._report = report
        self._models = report.models
        self._summaries = {one.model: one.summary for one in report.models}

    def subtitle(self) -> str:
        names = ' and '.join(escape(name) for name in self._summaries)
        how = 'in process' if self._report.settings['through'] == 'direct' else 'over DDS, live'
        return f'{names}, {how}, rate {escape(str(self._report.settings["rate"]))}'

    def warning(self) -> str:
        if not self._report.ended_by:
            return ''
        why = escape(self._report.ended_by)
        return f'<section class="warning"><b>Unfinished:</b> {why}. The rest is missing.</section>'

    def summary(self) -> str:
        parts = ['<h2>In short</h2>']
        for name, summary in self._summaries.items():
            cards = ''.join(
                f'<div class="card"><b>{escape(value)}</b><span>{escape(label)}</span></div>'
                for label, value in _headline(summary)
            )
            about = f'<span class="soft">{_about(self._models, name)}</span>'
            parts.append(f'<p><b>{escape(name)}</b> {about}</p><div class="cards">{cards}</div>')
            parts.append(f'<p class="soft">{escape(sentence(summary))}.</p>')
        return ''.join(parts)

    def throughput(self) -> str:
        return (
            '<h2>Throughput</h2><p class="soft">Each part alone, as if the others took no time. '
            'Reader: bytes as they are stored. Decoder and estimator: bytes of the decoded images.'
            f'</p>{self._table("throughput")}'
        )

    def latency(self) -> str:
        return (
            '<h2>Latency</h2><p class="soft">From the moment an image is there to its answer. '
            f'Dashed: the median.</p>{self._table("latency_ms")}'
            + _drawing(charts.histogram(self._models, 'latency_ms', 'latency, ms'))
            + _drawing(
                charts.timeline(self._models, 'latency_ms', 'latency, ms'),
                'Median of consecutive images; the band holds 90 % of them.',
            )
        )

    def stages(self) -> str:
        names = dict.fromkeys(s for one in self._summaries.values() for s in one['stages_ms'])
        rows = []
        for stage in names:
            found = [one['stages_ms'].get(stage, {}) for one in self._summaries.values()]
            texts = [
                f'{show(_number(one.get("p50")), "ms")} / {show(_number(one.get("p95")), "ms")}'
                for one in found
            ]
            rows.append([stage.replace('_', ' '), *texts])
        table = _table(['median / 95 %', *self._summaries], rows)
        return f'<h2>Where the time goes</h2>{_drawing(charts.stages(self._models))}{table}'

    def drops(self) -> str:
        counts = [one['frames'] for one in self._summaries.values()]
        rows = [
            [title, *(f'{count[key]:,}' for count in counts)]
            for key, title in (
                ('in_recordings', 'images in the recordings'),
                ('seen', 'looked at'),
                ('answered', 'answered'),
                ('dropped', 'dropped: a newer one was there'),
                ('broken', 'broken: could not be decoded'),
            )
        ]
        return f'<h2>Drops</h2>{_table(["", *self._summaries], rows)}'

    def people(self) -> str:
        drawing = charts.timeline(self._models, 'people', 'people')
        return f'<h2>People</h2>{self._table("people")}{_drawing(drawing)}'

    def confidence(self) -> str:
        return (
            '<h2>Confidence and agreement</h2><p class="soft">Score of the keypoints in sight; '
            'how well image and lifted pose agree, where 1 is best.</p>'
            + self._table('confidence')
            + _drawing(charts.timeline(self._models, 'score', 'score'))
            + _drawing(charts.timeline(self._models, 'agreement', 'agreement'))
        )

    def memory(self) -> str:
        drawing = charts.timeline(self._models, 'rss_mb', 'memory of this process, MB')
        return f'<h2>Memory</h2>{self._table("memory_mb")}{_drawing(drawing)}'

    def accuracy(self) -> str:
        if not any(summary['accuracy'] for summary in self._summaries.values()):
            return '<h2>Accuracy</h2><p>The true people of these recordings are not known.</p>'
        drawing = charts.timeline(self._models, 'mpjpe_mm', 'MPJPE, mm')
        return f'<h2>Accuracy</h2>{self._table("accuracy")}{_drawing(drawing)}'

    def joints(self) -> str:
        drawing = charts.joints(self._models)
        if not drawing:
            return '<h2>Joints</h2><p>Nothing is known of the true joints in space.</p>'
        note = 'Pale: after moving the pelvis to the true one. Full: after Procrustes alignment.'
        return f'<h2>Joints</h2>{_drawing(drawing, note)}'

    def worst(self) -> str:
        parts = ['<h2>Worst images</h2>']
        for one in self._models:
            pictures = worst_pictures(one.bags)
            title = f'<p><b>{escape(one.model)}</b></p>' if len(self._models) > 1 else ''
            shown = ''.join(_picture(picture) for picture in pictures)
            parts.append(f'{title}<div class="gallery">{shown}</div>' if shown else title)
            if not shown:
                parts.append('<p>Nobody was seen, and nobody missed.</p>')
        return ''.join(parts)

    def recordings(self) -> str:
        rows = []
        for one in self._models:
            for bag, figures in one.bag_summaries:
                latency = figures['latency_ms']['p50']
                size = 'x'.join(map(str, bag.size))
                state = bag.first_error or ('' if bag.complete else 'unfinished')
                cells = [bag.bag, one.model, bag.topic, size, f'{bag.images:,}']
                rows.append([*cells, show(_number(latency), 'ms'), state])
        head = ['recording', 'model', 'topic', 'size', 'images', 'median latency', '']
        return f'<h2>Recordings</h2>{_table(head, rows)}'

    def machine(self) -> str:
        parts = ['<h2>Machine and versions</h2>']
        for machine in self._report.machines:
            rows = [[str(key), _flat(value)] for key, value in machine.items()]
            parts.append(_table(['', ''], rows))
        asked = [[str(key), _flat(value)] for key, value in self._report.settings.items()]
        asked.append(['shards', ', '.join(self._report.shards)])
        return ''.join(parts) + _table(['asked for', ''], asked)

    def _table(self, head: str) -> str:
        return _table(['', *self._summaries], table_of(metrics_under(head), self._summaries))


def _headline(summary: Mapping[str, Any]) -> list[tuple[str, str]]:
    cards = [
        ('images/s', show(_number(summary['throughput']['overall_fps']))),
        ('median latency', show(_number(summary['latency_ms']['p50']), 'ms')),
        ('95 % latency', show(_number(summary['latency_ms']['p95']), 'ms')),
        ('dropped', f'{summary["frames"]["dropped"]:,}'),
        ('people at a time', show(_number(summary['people']['mean']))),
    ]
    if summary['accuracy']:
        cards.append(('MPJPE', show(_number(summary['accuracy']['mpjpe_mm']), 'mm')))
        cards.append(('MOTA', show(_number(summary['accuracy']['mota']), '%')))
    return cards


def _about(models: Sequence[Any], name: str) -> str:
    about = next(one.about for one in models if one.model == name)
    return escape('; '.join(_flat(value) for value in about.values() if value))


def _number(value: Any) -> float:
    return float('nan') if value is None else float(value)


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ', '.join(f'{key} {item}' for key, item in value.items()) or NO_FIGURE
    if isinstance(value, (list, tuple)):
        return 'x'.join(str(item) for item in value)
    return str(value) if value not in ('', None) else NO_FIGURE


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    top = ''.join(f'<th>{escape(cell)}</th>' for cell in head)
    body = ''.join(
        '<tr>' + ''.join(f'<td>{escape(cell)}</td>' for cell in row) + '</tr>' for row in rows
    )
    return f'<div class="scroll"><table><tr>{top}</tr>{body}</table></div>'


def _drawing(svg: str, note: str = '') -> str:
    if not svg:
        return '<p class="soft">Not measured.</p>'
    data = base64.b64encode(svg.encode()).decode('ascii')
    caption = f'<figcaption>{escape(note)}</figcaption>' if note else ''
    return f'<figure><img alt="" src="data:image/svg+xml;base64,{data}">{caption}</figure>'


def _picture(picture: Mapping[str, Any]) -> str:
    place = f'{picture["bag"]}, image {picture["number"]}, {picture["time_s"]:.2f} s'
    return (
        f'<figure><img alt="{escape(place)}" src="data:image/jpeg;base64,{picture["jpeg"]}">'
        f'<figcaption>{escape(place)}: {escape(picture["caption"])}</figcaption></figure>'
    )
