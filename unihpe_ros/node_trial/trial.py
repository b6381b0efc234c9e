"""Trial of the real node: camera, node and subscriber in three processes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
import time

from unihpe_ros.core.pose import Poses
from unihpe_ros.node_trial.processes import Process
from unihpe_ros.node_trial.receivers import PoseListener
from unihpe_ros.node_trial.ros_session import (
    await_node,
    camera_environment,
    ESTIMATOR,
    listen,
    node_arguments,
    quiet_ros,
)

_TOPICS = {'image': '/camera/image_raw', 'camera_info': '/camera/camera_info'}
# Time for a large model on a slow disk, or an engine that is compiled first.
_START_S = 60.0
# Time for the last answers and the node's last report, which it makes once a second.
_LINGER_S = 1.5


@dataclass(frozen=True)
class Trial:
    """
    Result of a trial.

    Parameters
    ----------
    sent : Mapping[int, int]
        Stamp of each image that the camera sent, ns, to its number in the recording.
    answers : Mapping[int, Poses]
        The answers by the stamp of their image, ns; those to images that were dropped are missing.
    arrivals : Mapping[int, int]
        When the answers came, ns.
    latencies_ms : Sequence[float]
        From stamp to publishing as the node says.
    figures : Mapping[str, str]
        The node's last report about itself.
    interrupted : bool
        Whether Ctrl-C ended it before the recording did.

    """

    sent: Mapping[int, int]
    answers: Mapping[int, Poses]
    arrivals: Mapping[int, int]
    latencies_ms: Sequence[float]
    figures: Mapping[str, str]
    interrupted: bool = False


@dataclass(frozen=True)
class TrialSettings:
    """
    Settings of a trial.

    Parameters
    ----------
    bag : Path, optional
        What the camera plays; None for a webcam.
    image_topic : str
        Topic of the bag; if empty, the one there is.
    device : int
        Number of the webcam.
    record : Path, optional
        Bag to write what the webcam sees to.
    seconds : float
        How long; 0 plays all of the bag.
    parameters : Mapping[str, object]
        Parameters of the node.

    """

    bag: Path | None
    image_topic: str = ''
    device: int = 0
    record: Path | None = None
    seconds: float = 0.0
    parameters: Mapping[str, object] = field(default_factory=dict)


def run_trial(settings: TrialSettings, on_tick: Callable[[int], None]) -> Trial:
    """
    Play images to the node and collect its answers; Ctrl-C while it plays ends it early.

    Parameters
    ----------
    settings : TrialSettings
        See there.
    on_tick : Callable[[int], None]
        Called about ten times a second with the number of images sent so far.

    Raises
    ------
    ProcessError
        If the camera or the node fails; it holds the last lines of the log.

    """
    sent: dict[int, int] = {}

    def note(line: str) -> None:
        stamp, number = line.split()
        sent[int(stamp)] = int(number)

    arguments = node_arguments(_TOPICS, settings.parameters)
    with quiet_ros() as context, closing(PoseListener(context, ESTIMATOR)) as listener:
        with Process('node', 'unihpe_ros.ros.start:main', arguments, {}) as node:
            await_node(node, listener, _START_S)
            with Process(
                'camera',
                'unihpe_ros.node_trial.camera_player:main',
                _camera_arguments(settings),
                camera_environment(),
                note,
            ) as camera:
                try:
                    while not camera.has_ended():
                        listen(node, listener)
                        on_tick(len(sent))
                    interrupted = False
                except KeyboardInterrupt:
                    interrupted = True
            end = time.monotonic() + _LINGER_S
            while time.monotonic() < end:
                listen(node, listener)
        return Trial(
            sent,
            listener.poses(),
            listener.arrivals,
            listener.latencies,
            listener.figures,
            interrupted,
        )


def _camera_arguments(settings: TrialSettings) -> list[str]:
    arguments = ['--seconds', str(settings.seconds)]
    if settings.bag is not None:
        return [*arguments, '--bag', str(settings.bag), '--image-topic', settings.image_topic]
    return [*arguments, '--device', str(settings.device), '--record', str(settings.record)]
