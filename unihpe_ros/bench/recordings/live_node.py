"""Play a recording to the real node: camera, node and subscriber in three processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
import math

from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.frame_table import BagResult
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.node_trial.trial import run_trial, Trial, TrialSettings


def run_live(
    reader: BagReader,
    recorder: Recorder,
    parameters: Mapping[str, object],
    on_tick: Callable[[int], None],
) -> tuple[BagResult, str, bool]:
    """
    Play a recording to the node in real time.

    Parameters
    ----------
    reader : BagReader
        The recording.
    recorder : Recorder
        Notes the answers.
    parameters : Mapping[str, object]
        The node's parameters, but for the keypoint set.
    on_tick : Callable[[int], None]
        Called about ten times a second with the number of images sent so far.

    Returns
    -------
    BagResult
        What was measured.
    str
        What ran the model, as the node says.
    bool
        Whether Ctrl-C ended it early.

    Raises
    ------
    BagError
        If the recording cannot be played.
    ProcessError
        If the camera or the node fails.

    """
    settings = TrialSettings(
        reader.path, reader.topic, parameters={**parameters, 'keypoints': 'union26'}
    )
    trial = run_trial(settings, on_tick)
    sent_at = {number: stamp for stamp, number in trial.sent.items()}
    for image in reader.images():
        stamp = sent_at.get(image.number)
        if stamp is None:
            continue
        if stamp not in trial.answers:
            recorder.dropped(image)
            continue
        latency_ms = 1e-6 * (trial.arrivals[stamp] - stamp)
        recorder.answered(
            image,
            image.decode,
            trial.answers[stamp],
            {'latency_ms': latency_ms, 'read_ms': math.nan},
        )
    backend_name = str(trial.figures.get('backend', 'unknown'))
    return recorder.result(_wall_s(trial), _figures(trial)), backend_name, trial.interrupted


def _wall_s(trial: Trial) -> float:
    if not trial.arrivals:
        return 0.0
    return 1e-9 * (max(trial.arrivals.values()) - min(trial.sent))


def _figures(trial: Trial) -> dict[str, float]:
    """Return the figures of the node that are numbers."""
    figures = {}
    for name, text in trial.figures.items():
        try:
            figures[name] = float(text)
        except ValueError:
            continue
    return figures
