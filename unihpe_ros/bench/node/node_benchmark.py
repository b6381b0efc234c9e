"""One run of `unihpe bench node`: camera, node and subscriber in three processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass
import os
from pathlib import Path
import time

import numpy as np
from unihpe_ros.bench.node.cases import Case, Figures
from unihpe_ros.core.process_memory import resident_mb
from unihpe_ros.node_trial.processes import Process, ProcessError
from unihpe_ros.node_trial.receivers import Arrivals
from unihpe_ros.node_trial.ros_session import (
    await_node,
    camera_environment,
    ESTIMATOR,
    listen,
    node_arguments,
    quiet_ros,
)

_TOPIC = '/camera/image_raw'
# Time for a large model on a slow disk, or an engine that is compiled first.
_START_S = 120.0
# Warm-up from the first answer on: caches, search for newcomers, memory of the first images.
WARM_S = 2.0
_SHARES = (50, 95, 99)
_NOT_WORK = {'wait', 'end_to_end'}
_ENGINE = {'image_branch', 'lifting_branch', 'detect'}


@dataclass(frozen=True)
class ProcessSample:
    """
    CPU time and memory of the two processes at one moment.

    Parameters
    ----------
    at : int
        When, ns.
    node_s, camera_s : float
        CPU time so far.
    rss_mb : float
        Memory of the node, MB; NaN if unknown.

    """

    at: int
    node_s: float
    camera_s: float
    rss_mb: float


def run_case(
    case: Case,
    picture: Path,
    parameters: Mapping[str, object],
    on_tick: Callable[[float], object] = lambda seconds: None,
) -> Figures:
    """
    Run one case.

    Parameters
    ----------
    case : Case
        What to run.
    picture : Path
        What the camera shows, of the case's size.
    parameters : Mapping[str, object]
        Of the node: model and backend.
    on_tick : Callable[[float], object]
        Called about ten times a second with the seconds measured so far.

    Raises
    ------
    ProcessError
        If the camera or the node fails; it holds the last lines of the log.

    """
    stamps: list[int] = []
    main = (
        'unihpe_ros.bench.node.naive_node:main' if case.is_naive else 'unihpe_ros.ros.start:main'
    )
    with (
        quiet_ros() as context,
        closing(Arrivals(context, ESTIMATOR)) as arrivals,
        Process('node', main, _node_arguments(case, parameters), {}) as node,
    ):
        await_node(node, arrivals, _START_S)
        with Process(
            'camera',
            'unihpe_ros.node_trial.synthetic_camera:main',
            _camera_arguments(case, picture),
            camera_environment(),
            lambda line: stamps.append(int(line)),
        ) as camera:
            samples = _watch(node, camera, arrivals, case.seconds, on_tick)
        # Time for the last answers and the node's last report, which it makes once a second.
        arrivals.spin(1.2)
    return _figures(case, samples, stamps, arrivals)


def _watch(
    node: Process,
    camera: Process,
    arrivals: Arrivals,
    seconds: float,
    on_tick: Callable[[float], object],
) -> list[ProcessSample]:
    """Sample the processes for so many seconds after the warm-up, while the camera plays on."""
    samples: list[ProcessSample] = []
    first = measured = 0.0
    while measured < seconds and not camera.has_ended():
        listen(node, arrivals)
        now = time.monotonic()
        first = first or (now if arrivals.ages else 0.0)
        if first and now - first >= WARM_S:
            samples = [*samples[:1], sample(node.pid, camera.pid)]
            measured = 1e-9 * (samples[-1].at - samples[0].at)
            on_tick(measured)
    return samples


def _node_arguments(case: Case, parameters: Mapping[str, object]) -> list[str]:
    values = {**parameters, 'image_transport': case.transport}
    if not case.is_naive:
        values['tune_malloc'] = 'false' if case.kind == 'malloc off' else 'true'
    topics = {'image': _TOPIC, 'image/compressed': f'{_TOPIC}/compressed'}
    return [*node_arguments(topics, values), '--log-level', 'warn']


def _camera_arguments(case: Case, picture: Path) -> list[str]:
    topic = _TOPIC if case.transport == 'raw' else f'{_TOPIC}/compressed'
    # The camera is stopped when enough was measured; the first answer may take long.
    seconds = case.seconds + WARM_S + _START_S
    return [
        *(str(picture), topic, '--transport', case.transport),
        *('--fps', str(case.fps), '--seconds', str(seconds)),
    ]


def sample(node: int, camera: int) -> ProcessSample:
    """Return the CPU time of two processes, 0 where there is no /proc, and the node's memory."""
    return ProcessSample(
        time.time_ns(), _cpu_seconds(node), _cpu_seconds(camera), resident_mb(node)
    )


def _cpu_seconds(pid: int) -> float:
    try:
        words = Path(f'/proc/{pid}/stat').read_text(encoding='utf-8').rpartition(')')[2].split()
    except OSError:
        return 0.0
    return (int(words[11]) + int(words[12])) / os.sysconf('SC_CLK_TCK')


def _figures(
    case: Case, samples: list[ProcessSample], stamps: list[int], arrivals: Arrivals
) -> Figures:
    if len(samples) < 2:
        raise ProcessError(f'{case.name}: no answers came within {WARM_S + case.seconds} s', [])
    start, end = samples[0], samples[-1]
    seconds = 1e-9 * (end.at - start.at)
    sent = [stamp for stamp in stamps if start.at <= stamp < end.at]
    ages = {stamp: arrivals.ages[stamp] for stamp in sent if stamp in arrivals.ages}
    if not ages:
        raise ProcessError(f'{case.name}: no image of {len(sent)} was answered', [])
    arrived = [stamp for stamp, age in arrivals.ages.items() if start.at <= stamp + age < end.at]
    p50, p95, p99 = np.percentile(np.array(list(ages.values())) * 1e-6, _SHARES)
    stages = _stages(arrivals.figures)
    return Figures(
        case,
        fps_in=len(sent) / seconds,
        fps_out=len(arrived) / seconds,
        dropped=len(sent) - len(ages),
        ages_ms=(float(p50), float(p95), float(p99)),
        node_cpu=100 * (end.node_s - start.node_s) / seconds,
        camera_cpu=100 * max(end.camera_s - start.camera_s, 0.0) / seconds,
        rss_mb=(start.rss_mb, end.rss_mb),
        stages_ms=stages,
        engine_ms=sum(ms for stage, ms in stages.items() if stage in _ENGINE),
        people=float(np.mean([arrivals.people[stamp] for stamp in ages])),
        backend=arrivals.figures.get('backend', ''),
    )


def _stages(figures: Mapping[str, str]) -> dict[str, float]:
    end = '_ms_p50'
    stages = {key.removesuffix(end): value for key, value in figures.items() if key.endswith(end)}
    return {stage: float(ms) for stage, ms in stages.items() if stage not in _NOT_WORK}
