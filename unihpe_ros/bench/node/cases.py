"""Runs of `unihpe bench node`, and the figures of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

CASE_SIZES = ((640, 480), (1280, 720), (1920, 1080))
TRANSPORTS = ('raw', 'compressed')
RATES = (15.0, 30.0, 60.0, 120.0)
PEOPLE = (1, 5)
# Images a second in the runs of the naive node, memory settings and overload.
_PLAIN_RATE = 30.0


@dataclass(frozen=True)
class Case:
    """
    One run of a camera and a node.

    Parameters
    ----------
    kind : str
        What it is for: 'node', 'naive', 'malloc off', 'overload', 'naive overload' or 'soak'.
    size : tuple[int, int]
        (w, h) of the images, px.
    transport : str
        'raw' or 'compressed'.
    fps : float
        Images a second.
    people : int
        In the picture.
    seconds : float
        How long it is measured.

    """

    kind: str
    size: tuple[int, int]
    transport: str
    fps: float
    people: int
    seconds: float

    @property
    def is_naive(self) -> bool:
        """Whether the naive node runs, not ours."""
        return self.kind.startswith('naive')

    @property
    def name(self) -> str:
        """Name of the run in tables."""
        width, height = self.size
        people = '1 person' if self.people == 1 else f'{self.people} people'
        return f'{self.kind}: {width}x{height} {self.transport}, {self.fps:.0f} fps, {people}'


@dataclass(frozen=True)
class Figures:
    """
    Figures of a run, after its warm-up.

    Parameters
    ----------
    case : Case
        What was run.
    fps_in, fps_out : float
        Images sent and answered in a second.
    dropped : int
        Images without an answer.
    ages_ms : tuple[float, float, float]
        Age of the image when its answer arrives in another process: p50, p95, p99.
    node_cpu, camera_cpu : float
        % of one core.
    rss_mb : tuple[float, float]
        Memory of the node at start and end of the measurement, MB.
    stages_ms : dict[str, float]
        Median of each stage, as the node says; empty for the naive one.
    engine_ms : float
        Of it in the engine.
    people : float
        Mean number of people in an answer.
    backend : str
        What ran the model.

    """

    case: Case
    fps_in: float
    fps_out: float
    dropped: int
    ages_ms: tuple[float, float, float]
    node_cpu: float
    camera_cpu: float
    rss_mb: tuple[float, float]
    stages_ms: dict[str, float] = field(default_factory=dict)
    engine_ms: float = 0.0
    people: float = 0.0
    backend: str = ''

    @property
    def busy_ms(self) -> float:
        """Time that the worker has for each image; 0 if unknown."""
        return sum(self.stages_ms.values())

    @property
    def own_ms(self) -> float:
        """Of it outside the engine."""
        return self.busy_ms - self.engine_ms


def plan(
    sizes: Sequence[tuple[int, int]],
    transports: Sequence[str],
    rates: Sequence[float],
    people: Sequence[int],
    seconds: float,
) -> list[Case]:
    """
    Return all runs but overload and soak, whose rates depend on the results of the others.

    The naive node runs right after ours on the same case, for each size and number of people.
    """
    cases = []
    near = min(rates, key=lambda rate: abs(rate - _PLAIN_RATE))
    for size in sizes:
        for transport in transports:
            for count in people:
                for rate in rates:
                    cases.append(Case('node', size, transport, rate, count, seconds))
                    if rate == near and transport == transports[0]:
                        cases.append(Case('naive', size, transport, rate, count, seconds))
    cases += [Case('malloc off', size, transports[0], near, people[0], seconds) for size in sizes]
    return cases


def overload(calm: Figures) -> list[Case]:
    """Return the runs at twice the rate that the node can process, ours and naive."""
    if not calm.busy_ms:
        return []
    case, rate = calm.case, 2e3 / calm.busy_ms
    return [
        Case(kind, case.size, case.transport, rate, case.people, case.seconds)
        for kind in ('overload', 'naive overload')
    ]


def soak(calm: Figures, frames: int) -> Case:
    """Return the long run over so many images, at a rate well below the highest."""
    case = calm.case
    rate = min(120.0, 0.8e3 / max(calm.busy_ms, 1.0))
    return Case('soak', case.size, case.transport, rate, case.people, frames / rate)


def age_limit_ms(figures: Figures) -> float:
    """Return the limit of p99 of the age under overload: two periods, two images' work."""
    return 2e3 / figures.case.fps + 2 * figures.busy_ms
