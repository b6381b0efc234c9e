"""Charts of a report, as SVG."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
import io
import warnings

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bench.recordings.bench_report import ModelResult
from unihpe_ros.bench.recordings.frame_table import BagResult
from unihpe_ros.bench.recordings.summary import joined

# Okabe and Ito's colours, which people of all kinds of sight can tell apart.
COLOURS = ('#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000')
STAGE_COLOURS = (
    *('#bbbbbb', '#dddddd', '#88ccee', '#44aa99', '#0072b2', '#117733', '#ddcc77'),
    *('#cc6677', '#aa4499', '#882255'),
)
_BINS = 240
# Columns between 0 and 1.
_SHARES = ('score', 'agreement')
_STYLE = {
    'svg.fonttype': 'none',
    'font.family': 'sans-serif',
    'font.size': 10,
    'axes.spines.top': False,
    'axes.spines.right': False,
    'axes.edgecolor': '#888888',
    'axes.labelcolor': '#444444',
    'xtick.color': '#444444',
    'ytick.color': '#444444',
    'axes.grid': True,
    'grid.color': '#e6e6e6',
    'axes.axisbelow': True,
    'legend.frameon': False,
}


def histogram(models: Sequence[ModelResult], column: str, label: str) -> str:
    """Draw how often a value occurs; the tail beyond its 99.5th percentile is left out."""
    values = {one.model: _known(joined(one.bags, column)) for one in models}
    every = np.concatenate(list(values.values()))
    if not len(every):
        return ''
    high = float(np.percentile(every, 99.5))
    low = float(every.min())
    count = min(60, max(8, len(every) // 4))
    edges = np.linspace(low, high if high > low else low + 1, count + 1).tolist()
    with _canvas(f'histogram {column}', 3.0) as (figure, axes):
        for (name, known), colour in zip(values.items(), _cycle(), strict=False):
            axes.hist(known, edges, color=colour, alpha=0.35, label=name)
            axes.hist(known, edges, color=colour, histtype='step', linewidth=1.5)
            if len(known):
                axes.axvline(float(np.median(known)), color=colour, linestyle='--', linewidth=1)
        axes.set(xlabel=label, ylabel='images')
        _legend(figure, models)
        return _svg(figure)


def timeline(models: Sequence[ModelResult], column: str, label: str) -> str:
    """Draw a value over time: the median, and the range of 90 % of the images as a band."""
    if not any(len(_known(joined(one.bags, column))) for one in models):
        return ''
    with _canvas(f'timeline {column}', 2.6) as (figure, axes):
        for one, colour in zip(models, _cycle(), strict=False):
            times, values = _in_a_row(one.bags, column)
            middle, low, high = _binned(values)
            at = _binned(times)[0]
            axes.fill_between(at, low, high, color=colour, alpha=0.2, linewidth=0)
            axes.plot(at, middle, color=colour, linewidth=1.3, label=one.model)
        for border in _borders(models[0].bags):
            axes.axvline(border, color='#999999', linewidth=0.8, linestyle=':')
        axes.set(xlabel='time in the recordings, s', ylabel=label)
        top = max(float(np.nanmax(joined(one.bags, column), initial=0)) for one in models)
        axes.set_ylim(0, 1.02 if column in _SHARES else 1.08 * top or 1.0)
        _legend(figure, models)
        return _svg(figure)


def stages(models: Sequence[ModelResult]) -> str:
    """Draw the median time of each stage, one bar for each model."""
    medians = {one.model: one.summary['stages_ms'] for one in models}
    names = list(dict.fromkeys(stage for found in medians.values() for stage in found))
    if not names:
        return ''
    with _canvas('stages', 1.5 + 0.5 * len(models)) as (figure, axes):
        left = np.zeros(len(medians))
        for stage, colour in zip(names, STAGE_COLOURS, strict=False):
            width = [found.get(stage, {}).get('p50') or 0.0 for found in medians.values()]
            label = stage.replace('_', ' ')
            axes.barh(list(medians), width, left=left, color=colour, label=label, height=0.6)
            left += width
        axes.invert_yaxis()
        axes.set(xlabel='median time of an image, ms')
        figure.legend(ncols=5, loc='outside lower center')
        return _svg(figure)


def joints(models: Sequence[ModelResult]) -> str:
    """Draw the error of each joint."""
    found = {one.model: one.summary['accuracy'] for one in models}
    known = {name: figures['joints'] for name, figures in found.items() if figures}
    if not known:
        return ''
    names = list(next(iter(known.values())))
    rows = np.arange(len(names))
    height = 0.8 / len(known)
    with _canvas('joints', 1.0 + 0.25 * (len(names) + len(known))) as (figure, axes):
        for index, (model, colour) in enumerate(zip(known, _cycle(), strict=False)):
            errors = [known[model][name]['mpjpe_mm'] or 0.0 for name in names]
            aligned = [known[model][name]['pa_mpjpe_mm'] or 0.0 for name in names]
            at = rows + (index - (len(known) - 1) / 2) * height
            axes.barh(at, errors, height, color=colour, alpha=0.45, label=f'{model}, by the root')
            axes.barh(at, aligned, 0.5 * height, color=colour, label=f'{model}, aligned')
        axes.margins(y=0.01)
        axes.set_yticks(rows, [name.replace('_', ' ') for name in names])
        axes.invert_yaxis()
        axes.set(xlabel='mean error, mm')
        figure.legend(ncols=2, loc='outside lower center')
        return _svg(figure)


@contextmanager
def _canvas(name: str, height: float) -> Iterator[tuple[Figure, Axes]]:
    with mpl.rc_context({**_STYLE, 'svg.hashsalt': name}), warnings.catch_warnings():
        warnings.simplefilter('ignore', RuntimeWarning)  # Bins without any known value.
        figure = Figure(figsize=(8.6, height), layout='constrained')
        yield figure, figure.subplots()


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    nothing = dict.fromkeys(('Creator', 'Date', 'Format', 'Type'))
    figure.savefig(text, format='svg', metadata=nothing, transparent=True)
    return text.getvalue()


def _legend(figure: Figure, models: Sequence[ModelResult]) -> None:
    if len(models) > 1:
        handles, labels = figure.axes[0].get_legend_handles_labels()
        figure.legend(handles, labels, ncols=len(labels), loc='outside upper right')


def _cycle() -> tuple[str, ...]:
    return COLOURS * 4


def _known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    return values[np.isfinite(values)]


def _in_a_row(
    bags: Sequence[BagResult], column: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return times and values with the recordings one after the other."""
    starts = [0.0, *_borders(bags)]
    times = [bag.column('time_s') + start for bag, start in zip(bags, starts, strict=False)]
    return np.concatenate([np.zeros(0), *times]), joined(bags, column)


def _borders(bags: Sequence[BagResult]) -> list[float]:
    """Return where one recording ends and the next begins, s."""
    lengths = [float(np.max(bag.column('time_s', None), initial=0)) for bag in bags]
    return np.cumsum(lengths)[:-1].tolist()


def _binned(
    values: NDArray[np.float64], bins: int = _BINS
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return median, 5th and 95th percentile of consecutive images."""
    parts = np.array_split(values, min(bins, max(len(values), 1)))
    figures: list[Callable[[NDArray[np.float64]], float]] = [
        lambda part: float(np.nanmedian(part)),
        lambda part: float(np.nanpercentile(part, 5)),
        lambda part: float(np.nanpercentile(part, 95)),
    ]
    middle, low, high = (
        np.array([figure(part) if np.isfinite(part).any() else np.nan for part in parts])
        for figure in figures
    )
    return middle, low, high
