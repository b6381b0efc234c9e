"""A trial of the real node: a camera, the node and we who listen, in three processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
import os
from pathlib import Path
from tempfile import TemporaryDirectory
import time

import rclpy
from rclpy.signals import SignalHandlerOptions
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.resources import find_resource
from unihpe_ros.ros.listener import Listener
from unihpe_ros.ros.processes import Process, ProcessError

NAMESPACE = '/unihpe'
_CAMERA = '/camera'
_TICK_S = 0.1
# A large model on a slow disk, or one that an engine has to compile first.
_START_S = 60.0
# The last answers and the node's last report, which it makes once a second.
_LINGER_S = 1.5
# Ids above 101 may collide with the ports that Linux hands out.
_DOMAINS = 101


@dataclass(frozen=True)
class Trial:
    """
    What came of a trial.

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
    What to try.

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
        What to try.
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

    with quiet_ros() as context, closing(Listener(context, _node_name())) as listener:
        with Process('node', 'unihpe_ros.ros.node:main', _node_arguments(settings), {}) as node:
            _wait_for(node, listener)
            with Process(
                'camera',
                'unihpe_ros.ros.camera_player:main',
                _camera_arguments(settings),
                camera_environment(),
                note,
            ) as camera:
                try:
                    while not camera.has_ended():
                        _listen(node, listener)
                        on_tick(len(sent))
                    interrupted = False
                except KeyboardInterrupt:
                    interrupted = True
            end = time.monotonic() + _LINGER_S
            while time.monotonic() < end:
                _listen(node, listener)
        return Trial(
            sent,
            listener.poses(),
            listener.arrivals,
            listener.latencies,
            listener.figures,
            interrupted,
        )


def _wait_for(node: Process, listener: Listener) -> None:
    """Wait until the node's answers will reach us: finding each other may take it 3 s."""
    end = time.monotonic() + _START_S
    while not listener.is_matched():
        _listen(node, listener)
        if time.monotonic() > end:
            raise ProcessError(f'the node was not ready within {_START_S:.0f} s', node.log)


def _listen(node: Process, listener: Listener) -> None:
    listener.spin(_TICK_S)
    if listener.failure:
        raise ProcessError(f'the node {listener.failure}', node.log)
    if node.has_ended():
        raise ProcessError('the node ended before the camera did', node.log)


def _node_name() -> str:
    return f'{NAMESPACE}/pose_estimator'


def _node_arguments(settings: TrialSettings) -> list[str]:
    rules = {
        '__ns': NAMESPACE,
        'image': f'{_CAMERA}/image_raw',
        'camera_info': f'{_CAMERA}/camera_info',
    }
    arguments = ['--ros-args']
    for name, target in rules.items():
        arguments += ['-r', f'{name}:={target}']
    for name, value in settings.parameters.items():
        arguments += ['-p', f'{name}:={value}']
    return arguments


def _camera_arguments(settings: TrialSettings) -> list[str]:
    arguments = ['--seconds', str(settings.seconds)]
    if settings.bag is not None:
        return [*arguments, '--bag', str(settings.bag), '--image-topic', settings.image_topic]
    return [*arguments, '--device', str(settings.device), '--record', str(settings.record)]


def camera_environment() -> dict[str, str]:
    """Give the camera shared memory that holds an image; on the receiver's side it is no use."""
    profiles = str(find_resource('config/fastdds.xml'))
    return {
        'FASTDDS_DEFAULT_PROFILES_FILE': profiles,
        'FASTRTPS_DEFAULT_PROFILES_FILE': profiles,
        # Why a webcam cannot be opened is said once, by us.
        'OPENCV_LOG_LEVEL': 'SILENT',
    }


@contextmanager
def quiet_ros() -> Iterator[rclpy.Context]:
    """Open ROS on this machine alone, for us and for the processes that we start."""
    domain = os.getpid() % _DOMAINS + 1
    ours = {'ROS_DOMAIN_ID': str(domain), 'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST'}
    if os.environ.get('ROS_DISTRO') == 'humble':
        ours['ROS_LOCALHOST_ONLY'] = '1'
    before = {name: os.environ.get(name) for name in (*ours, 'ROS_LOG_DIR')}
    context = rclpy.Context()
    try:
        with TemporaryDirectory(prefix='unihpe_ros_log_') as logs:
            # By default every run leaves files in the user's home.
            os.environ.update(ours, ROS_LOG_DIR=logs)
            rclpy.init(args=[], context=context, signal_handler_options=SignalHandlerOptions.NO)
            yield context
    finally:
        context.try_shutdown()
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
