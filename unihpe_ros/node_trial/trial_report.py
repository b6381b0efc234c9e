"""Figures of a trial: rates, latencies, stage times and accuracy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.metrics.ground_truth import accuracy, TruthMeter
from unihpe_ros.node_trial.trial import Trial

# The node's stages in order, and whether each is the node's own work, neither engine nor waiting.
_STAGES = {
    'wait': False,
    'decode_image': True,
    'crop': True,
    'image_branch': False,
    'decode': True,
    'lifting_branch': False,
    'locate': True,
    'track': True,
    'publish': True,
}


@dataclass(frozen=True)
class TrialReport:
    """
    The figures of a trial.

    Parameters
    ----------
    sent, answered, dropped : int
        Images that the camera sent, that the node answered, and that it left for a newer one.
    fps_in, fps_out : float
        Images sent and answered per second.
    latency_ms : tuple[float, float]
        From stamp to publishing by the node's clock, 50th and 95th percentile.
    arrival_ms : tuple[float, float]
        From stamp to the arrival of the answer in another process, likewise.
    stages_ms : Mapping[str, float]
        Median time of each stage in the node.
    own_ms : float
        Median time of the stages outside the engine together.
    backend : str
        What ran the model.
    people : float
        Mean number of people in an answer.
    ids : int
        How many ids were given.
    accuracy : Mapping[str, Any], optional
        How well the people fit the true ones as `unihpe_ros.metrics.ground_truth.accuracy` has
        it, if these are known.

    """

    sent: int
    answered: int
    dropped: int
    fps_in: float
    fps_out: float
    latency_ms: tuple[float, float]
    arrival_ms: tuple[float, float]
    stages_ms: Mapping[str, float]
    own_ms: float
    backend: str
    people: float
    ids: int
    accuracy: Mapping[str, Any] | None


def summarise_trial(trial: Trial, recording: BagReader) -> TrialReport:
    """
    Return the figures of a trial.

    Parameters
    ----------
    trial : Trial
        What the node answered.
    recording : BagReader
        What the camera played, or recorded.

    Raises
    ------
    BagError
        If the recording is damaged.

    """
    stages = {
        stage: float(trial.figures[f'{stage}_ms_p50'])
        for stage in _STAGES
        if f'{stage}_ms_p50' in trial.figures
    }
    delays = [1e-6 * (arrived - stamp) for stamp, arrived in trial.arrivals.items()]
    everybody = list(trial.answers.values())
    return TrialReport(
        sent=len(trial.sent),
        answered=len(trial.answers),
        dropped=int(trial.figures.get('dropped', 0)),
        fps_in=rate(trial.sent),
        fps_out=rate(trial.arrivals.values()),
        latency_ms=_percentiles(trial.latencies_ms),
        arrival_ms=_percentiles(delays),
        stages_ms=stages,
        own_ms=sum(ms for stage, ms in stages.items() if _STAGES[stage]),
        backend=trial.figures.get('backend', 'unknown'),
        people=float(np.mean([len(poses) for poses in everybody])) if everybody else 0.0,
        ids=len({int(i) for poses in everybody for i in poses.track_ids}),
        accuracy=_accuracy(trial, recording),
    )


def _accuracy(trial: Trial, recording: BagReader) -> dict[str, Any] | None:
    truth = recording.truth()
    if truth is None:
        return None
    stamps, meter = recording.stamps(), TruthMeter()
    for stamp, poses in sorted(trial.answers.items()):
        number = trial.sent.get(stamp)
        true_people = truth.get(stamps[number]) if number is not None else None
        if true_people is not None:
            meter.add(poses, true_people)
    return accuracy([meter.result()])


def rate(times: Iterable[int]) -> float:
    """Return the mean rate of events at times in ns, 1/s; 0 for fewer than two."""
    ordered = sorted(times)
    if len(ordered) < 2 or ordered[-1] == ordered[0]:
        return 0.0
    return 1e9 * (len(ordered) - 1) / (ordered[-1] - ordered[0])


def _percentiles(values: Sequence[float]) -> tuple[float, float]:
    if not values:
        return float('nan'), float('nan')
    middle, high = np.percentile(values, (50, 95))
    return float(middle), float(high)
