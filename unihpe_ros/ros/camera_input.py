"""The subscriptions of one camera: images, camera_info, depth and boxes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode
from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.core.repeated_stamps import RepeatedStamps
from unihpe_ros.ros.auxiliary_inputs import AuxiliaryInputs
from unihpe_ros.ros.boxes_in import detections_type
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.optional_packages import MissingPackageError
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.pose2d_in import keypoints_type
from unihpe_ros.ros.publishers import Publishers
from unihpe_ros.ros.statistics import Statistics
from unihpe_ros.ros.watchdog import Watchdog

try:
    from rclpy.event_handler import SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import SubscriptionEventCallbacks

ERROR_REPEAT_S = 5.0
_WARNING_REPEAT_S = 30.0
_LATCHED = 'camera_info, latched'
_DEPTHS = ('depth_image', 'depth_image, compressed')


@dataclass(frozen=True)
class Frame:
    """
    A received image (or 2D keypoints) and its time of arrival.

    Parameters
    ----------
    msg : Image | CompressedImage | PointCloud2 | hri_msgs.msg.Skeleton2D
        The message.
    received : float
        time.monotonic() of the callback, s.
    camera_input : CameraInput
        The camera that it is from.
    is_stamped : bool
        Whether its stamp can be used: the camera does not repeat one.

    """

    msg: Any
    received: float
    camera_input: CameraInput
    is_stamped: bool = True

    @property
    def stamp(self) -> float:
        """Time at which it was taken, s; without a stamp, that of its arrival."""
        return (seconds(self.msg.header) if self.is_stamped else 0.0) or self.received

    def depth(self, size: tuple[int, int], parameters: Parameters) -> NDArray[np.float32] | None:
        """Return the depth image of the same moment, if there is one."""
        return self.camera_input.auxiliary.depth_of(
            self.stamp, self.received, size, parameters, self.msg.header.frame_id
        )


class CameraInput:
    """
    The subscriptions of one camera, whose messages are passed to the worker.

    Its methods are called by the executor's thread.

    Parameters
    ----------
    node : LifecycleNode
        Node that subscribes.
    name : str
        Name of the camera, under which its topics are; empty for the only one.
    parameters : Parameters
        The node's.
    statistics : Statistics
        This camera's; they outlive this object.
    outputs : Publishers
        This camera's.

    Attributes
    ----------
    log : CameraLog
        This camera's.
    auxiliary : AuxiliaryInputs
        Calibration, depth images and boxes.
    intensity : IntensityRange
        Raw values that become black and white in images of more than 8 bits.
    rotation : int
        By how many degrees the picture is turned clockwise to be upright.

    Raises
    ------
    MissingPackageError
        If the messages that are asked for are not there.

    """

    def __init__(
        self,
        node: LifecycleNode,
        name: str,
        parameters: Parameters,
        statistics: Statistics,
        outputs: Publishers,
    ) -> None:
        self.name = name
        self.statistics = statistics
        self.outputs = outputs
        self.log = CameraLog(node.get_logger(), name)
        self.rotation = parameters.rotation_of(name)
        self.auxiliary = AuxiliaryInputs(parameters.rectified, self.log, self.rotation)
        self.intensity = IntensityRange(parameters.intensity_limits)
        self._node = node
        self._watchdog = Watchdog(node, statistics, self.log)
        self._repeated: dict[str, RepeatedStamps] = defaultdict(RepeatedStamps)
        self._topic, self._kind = _input(parameters)
        self._submit: Callable[[Frame, str], bool] | None = None
        self._subscriptions: dict[str, Subscription] = {}

    @property
    def is_listening(self) -> bool:
        """Whether the images are subscribed to."""
        return self._topic in self._subscriptions

    def start(self, submit: Callable[[Frame, str], bool]) -> None:
        """Pass images to the worker from now on, and read the calibration."""
        self._submit = submit
        self._subscribe('camera_info', CameraInfo, self._on_camera_info)

    def stop(self) -> None:
        """Remove all subscriptions."""
        self.ignore()
        self._unsubscribe('camera_info')
        self._unsubscribe(_LATCHED)
        self._submit = None

    def listen(self, parameters: Parameters) -> None:
        """Subscribe to the images, if started, and to the other inputs."""
        if self._submit is None:
            return
        self.follow(parameters)
        if not self.is_listening:
            reliable = parameters.image_qos == 'reliable'
            qos = _newest(reliable=reliable)
            self._subscribe(self._topic, self._kind, self._on_image, qos)
            self._watchdog.start()

    def follow(self, parameters: Parameters) -> None:
        """Subscribe to the inputs that the parameters need; drop others, as depth is large."""
        if parameters.root_mode in ('auto', 'depth'):
            self._follow_depth(parameters.depth_transport)
        else:
            for topic in _DEPTHS:
                self._unsubscribe(topic)
            self.auxiliary.depths.clear()
        if parameters.mode == 'lifting':
            return
        try:
            self._subscribe('boxes_in', detections_type(), self._on_boxes)
        except MissingPackageError as error:
            if parameters.detector == 'none':
                self.log.warning(f'nobody finds newcomers: {error}')

    def ignore(self) -> None:
        """Drop the subscriptions, so that a camera that works on demand may rest."""
        for topic in (self._topic, *_DEPTHS, 'boxes_in'):
            self._unsubscribe(topic)

    def missing_input(self, parameters: Parameters) -> str:
        """Return why no image comes; empty if they come, or none is expected."""
        images, infos = (self._subscriptions.get(name) for name in (self._topic, 'camera_info'))
        if images is None or infos is None:
            return ''
        # An unusable one is reported when it arrives.
        blind = not self.auxiliary.cameras.ever_came
        if blind:
            self._ask_for_latched(infos)
        if _DEPTHS[0] in self._subscriptions and not self.auxiliary.depths.ever_came:
            self._follow_depth(parameters.depth_transport)
        for topic, beside in (
            (_DEPTHS[0], self.auxiliary.depths),
            ('boxes_in', self.auxiliary.boxes),
        ):
            if topic in self._subscriptions and not beside.ever_came:
                self._watchdog.check_beside(self._subscriptions[topic])
        lost = self.auxiliary.lost_share
        return self._watchdog.check(images, infos, parameters, blind=blind, lost=lost)

    def report(self, text: str, trace: str = '') -> None:
        """Count an error and log it, now and then."""
        self.statistics.error(text)
        self.log.error(text, ERROR_REPEAT_S, trace)

    def _follow_depth(self, transport: str) -> None:
        """Subscribe to depth; packed depth is under the topic that depth_image is mapped to."""
        raw = self._node.resolve_topic_name(self._path('depth_image'))
        packed, count = f'{raw}/compressedDepth', self._node.count_publishers
        if transport != 'compressed':
            self._subscribe('depth_image', Image, self._on_depth)
        if transport == 'compressed' or (transport == 'auto' and not count(raw) and count(packed)):
            self._subscribe(packed, CompressedImage, self._on_depth, name=_DEPTHS[1])

    def _path(self, topic: str) -> str:
        return f'{self.name}/{topic}' if self.name and topic[0] != '/' else topic

    def _ask_for_latched(self, infos: Subscription) -> None:
        """Subscribe to a camera_info that was published once, before this node was there."""
        # Only if a publisher latches: otherwise the middleware would report a QoS mismatch.
        found = self._node.get_publishers_info_by_topic(infos.topic_name)
        latched = DurabilityPolicy.TRANSIENT_LOCAL
        if any(publisher.qos_profile.durability == latched for publisher in found):
            qos = _newest(reliable=True)
            qos.durability = latched
            # A publisher that does not latch is received already: this mismatch is no reason to
            # warn.
            quiet = SubscriptionEventCallbacks(use_default_callbacks=False)
            self._subscribe(
                *('camera_info', CameraInfo, self._on_camera_info, qos),
                name=_LATCHED,
                event_callbacks=quiet,
            )

    def warn(self, text: str) -> None:
        """Log a warning, rarely, and show in /diagnostics why no poses are published."""
        self.statistics.warn(text)
        self.log.warning(text, _WARNING_REPEAT_S)

    def _subscribe(
        self,
        topic: str,
        kind: type,
        callback: Callable[[Any], None],
        qos: QoSProfile | None = None,
        *,
        name: str = '',
        **options: Any,
    ) -> None:
        if (name or topic) not in self._subscriptions:
            self._subscriptions[name or topic] = self._node.create_subscription(
                kind, self._path(topic), callback, qos or _newest(reliable=False), **options
            )

    def _unsubscribe(self, topic: str) -> None:
        if topic in self._subscriptions:
            self._node.destroy_subscription(self._subscriptions.pop(topic))

    def _on_image(self, msg: Any) -> None:
        # hri_msgs/Skeleton2D has no data.
        self.statistics.received(len(getattr(msg, 'data', ())))
        is_repeated = self._repeated['image'].note(seconds(msg.header))
        if is_repeated:
            self.log.warning(
                'images repeat their stamp: the time of arrival is used, latency is not measured; '
                'expected a header.stamp of its own for each image'
            )
        frame = Frame(msg, time.monotonic(), self, is_stamped=not is_repeated)
        self.auxiliary.note_image(frame.stamp)
        if self._submit is not None and self._submit(frame, self.name):
            self.statistics.count('dropped')

    def _on_depth(self, msg: Image | CompressedImage) -> None:
        self.auxiliary.depths.put(self._stamp_of('depth', msg), msg)

    def _on_boxes(self, msg: Any) -> None:
        self.auxiliary.boxes.put(self._stamp_of('boxes', msg), msg)

    def _stamp_of(self, topic: str, msg: Any) -> float:
        """Return the stamp of a message, s; its arrival if it has none, or one that stays."""
        stamp = seconds(msg.header)
        return time.monotonic() if not stamp or self._repeated[topic].note(stamp) else stamp

    def _on_camera_info(self, msg: CameraInfo) -> None:
        calibration = self.auxiliary.cameras.update(msg)
        if calibration is None:
            return
        for note in calibration.notes:
            if calibration.camera is None:
                self.report(f'camera_info is not used: {note}; a field of view is assumed instead')
            else:
                self.log.warning(note)


def _input(parameters: Parameters) -> tuple[str, type]:
    if parameters.mode == 'lifting':
        return 'pose2d_in', keypoints_type(parameters.pose2d_type)
    if parameters.image_transport == 'compressed':
        return 'image/compressed', CompressedImage
    return 'image', Image


def _newest(*, reliable: bool) -> QoSProfile:
    # A deeper queue makes a slow reader late by its length: 320 ms at depth 10 against 19 ms.
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability)


def seconds(header: Header) -> float:
    """Return the stamp of a message, s; 0 if it has none."""
    return float(header.stamp.sec + 1e-9 * header.stamp.nanosec)
