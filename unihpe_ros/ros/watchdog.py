"""Find and log the reason why no images, or fewer than expected, arrive."""

from __future__ import annotations

from collections.abc import Sequence
import time

from rclpy.node import Node
from rclpy.qos import qos_check_compatible, QoSCompatibility, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from rclpy.topic_endpoint_info import TopicEndpointInfo
from rclpy.utilities import get_rmw_implementation_identifier
from unihpe_ros.ros.camera_info import calibration_command
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.statistics import Statistics

# Size of Fast DDS's default shared memory segment; only a few larger images arrive.
_SEGMENT_BYTES = 512 * 1024
_SEGMENT_ADVICE = (
    'Fast DDS loses images above 512 KB between processes: start the camera with '
    'FASTDDS_DEFAULT_PROFILES_FILE and FASTRTPS_DEFAULT_PROFILES_FILE set to '
    'config/fastdds.xml of unihpe_ros, or use compressed images (image_transport:=compressed)'
)
# Images from this size on, bytes, may get lost.
_LARGE_TYPES = ('sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage')
_CAMERA_TYPES = (*_LARGE_TYPES, 'sensor_msgs/msg/CameraInfo')
_SLOW_FPS = 5.0
_REPEAT_S = 30.0
# Share of images that may be dropped for a newer one before a warning.
_TOLERATED_DROPS = 0.2
# Share of images that may be missing by their stamps before it counts as loss; below it, the
# camera may be uneven.
_TOLERATED_LOSS = 0.4
_NO_CLOCK = (
    'no /clock has come: use_sim_time is true, and nobody publishes it; latency and TF need it. '
    'Play the bag with --clock, or set use_sim_time to false'
)


class Watchdog:
    """
    Check of the inputs, which logs once why one is missing.

    Parameters
    ----------
    node : Node
        The node that subscribes.
    statistics : Statistics
        Time of the last image, and counts.
    log : CameraLog
        The camera's.

    """

    def __init__(self, node: Node, statistics: Statistics, log: CameraLog) -> None:
        self._node = node
        self._statistics = statistics
        self._log = log
        self._logged = ''
        self._logged_at = 0.0
        self._told_blind = False
        self.start()

    def start(self) -> None:
        """Count silence from now on."""
        self._since = time.monotonic()
        self._counted_since, self._counts = self._since, self._totals()
        self._slow = ''

    def check(
        self,
        images: Subscription,
        camera_infos: Subscription,
        parameters: Parameters,
        *,
        blind: bool,
        lost: float = 0.0,
    ) -> str:
        """
        Check the inputs, and return and log why one is missing.

        Parameters
        ----------
        images, camera_infos : Subscription
            The inputs; 2D poses take the place of images in mode lifting.
        parameters : Parameters
            The time without images after which to warn, and the default field of view.
        blind : bool
            Whether no camera_info has arrived.
        lost : float
            Share of the images that were lost on their way, by the gaps between their stamps.

        Returns
        -------
        str
            Why there is no input, or fewer answers than there is; empty if all is well.

        """
        what = '2D poses' if parameters.mode == 'lifting' else 'images'
        patience, now = parameters.watchdog_s, time.monotonic()
        if not self._totals()[0]:
            # Rates count from the first image.
            self._counted_since = now
        if not patience or now - self._since < patience:
            return ''
        if self._clock_stands():
            self._log.warning(_NO_CLOCK)
        if self._statistics.image_age() < patience:
            if blind and not self._told_blind:
                self._told_blind = True
                self._warn(
                    f'no camera_info ({cause_of_silence(self._node, camera_infos)}): assuming a '
                    f'field of view of {parameters.default_fov_deg:.0f} degrees, '
                    f'{_without_calibration(parameters, images)}'
                )
            if now - self._counted_since >= patience:
                self._check_rates(now, what, lost)
            return self._crowded(images) or self._slow
        cause = f'no {what}: {cause_of_silence(self._node, images)}'
        self._warn_anew(cause, cause, now)
        return cause

    def check_beside(self, subscription: Subscription) -> None:
        """Log once if an input beside the images is published, but in no form that is read."""
        # Counting is cheap, and nobody publishes most of these inputs.
        if self._node.count_publishers(subscription.topic_name):
            misfit = cause_of_misfit(self._node, subscription)
            if misfit:
                self._log.warning(f'input is not used: {misfit}')

    def _totals(self) -> tuple[int, int]:
        return self._statistics.total('received'), self._statistics.total('dropped')

    def _check_rates(self, now: float, what: str, lost: float) -> None:
        counts, seconds = self._totals(), now - self._counted_since
        received, dropped = (a - b for a, b in zip(counts, self._counts, strict=True))
        self._counted_since, self._counts = now, counts
        rate = received / seconds
        self._slow = ''
        if dropped > _TOLERATED_DROPS * received:
            self._slow = (
                f'slower than the camera: {rate:.1f} {what} come in a second, '
                f'{(received - dropped) / seconds:.1f} are worked on, always the newest; '
                'lower the rate of the camera, or look for a faster backend'
            )
            self._warn_anew('slow', self._slow, now)
        large = self._statistics.image_bytes > _SEGMENT_BYTES
        if large and rate < _SLOW_FPS and lost > _TOLERATED_LOSS and _is_fast_dds():
            self._log.warning(
                f'few images arrive: {rate:.1f} in a second, {lost:.0%} are lost by their stamps. '
                f'{_SEGMENT_ADVICE}'
            )

    def _clock_stands(self) -> bool:
        """Whether time is simulated without a publisher of /clock."""
        simulated = self._node.get_parameter('use_sim_time').value
        return bool(simulated) and self._node.get_clock().now().nanoseconds == 0

    def _crowded(self, images: Subscription) -> str:
        """Return the names of the publishers if more than one node publishes the images."""
        topic = images.topic_name
        if self._node.count_publishers(topic) < 2:
            return ''
        wanted = _type_name(images)
        found = [
            publisher
            for publisher in self._node.get_publishers_info_by_topic(topic)
            if publisher.topic_type == wanted
        ]
        if len(found) < 2:
            return ''
        text = (
            f'{len(found)} publishers on {topic}: {_who(found)}; their images are mixed, and '
            'tracks with them; expected one camera per topic (cameras:=front,rear for two)'
        )
        self._log.warning(text, _REPEAT_S)
        return text

    def _warn_anew(self, kind: str, text: str, now: float) -> None:
        """Log a warning, unless it was the last one and recent."""
        if kind != self._logged or now - self._logged_at > _REPEAT_S:
            self._logged, self._logged_at = kind, now
            self._warn(text)

    def _warn(self, text: str) -> None:
        self._log.warning(text, 0.0)


def _without_calibration(parameters: Parameters, images: Subscription) -> str:
    if parameters.root_mode == 'relative':
        return '3D is relative to the pelvis'
    words = 'places in the room are only as right as that (flag 64)'
    if parameters.mode == 'lifting':
        return words
    return f'{words}; to calibrate: {calibration_command(images.topic_name)}'


def cause_of_silence(node: Node, subscription: Subscription) -> str:
    """
    Return why a subscription receives nothing.

    Parameters
    ----------
    node : Node
        The subscriber's node, through which the graph is read.
    subscription : Subscription
        The silent one.

    Returns
    -------
    str
        One sentence with the cause and what to do.

    """
    topic, wanted = subscription.topic_name, _type_name(subscription)
    publishers = node.get_publishers_info_by_topic(topic)
    if not publishers:
        cure = _other_transport(node, topic, wanted) or _others(node, wanted)
        return f'no publisher on {topic}; {cure}'
    misfit = cause_of_misfit(node, subscription)
    if misfit:
        return misfit
    fitting = [publisher for publisher in publishers if publisher.topic_type == wanted]
    what = 'frame' if wanted in _LARGE_TYPES else 'message'
    cause = f'{topic} has a publisher ({_who(fitting)}) but no {what} arrives; is it running?'
    if wanted in _LARGE_TYPES and _is_fast_dds():
        cause = f'{cause} If so: {_SEGMENT_ADVICE}'
    return cause


def cause_of_misfit(node: Node, subscription: Subscription) -> str:
    """Return why none of the publishers on a topic reaches a subscription; '' if one does."""
    topic, wanted = subscription.topic_name, _type_name(subscription)
    publishers = node.get_publishers_info_by_topic(topic)
    fitting = [publisher for publisher in publishers if publisher.topic_type == wanted]
    if publishers and not fitting:
        found = publishers[0].topic_type
        text = f'{topic} carries {found}, expected {wanted}'
        if (found, wanted) == (_LARGE_TYPES[1], _LARGE_TYPES[0]):
            base = topic.removesuffix('/compressed')
            return f'{text}; set image_transport:=compressed and image:={base}'
        return text
    mismatches = [_mismatch(publisher, subscription.qos_profile) for publisher in fitting]
    return f'{topic}: {mismatches[0]}' if mismatches and all(mismatches) else ''


def _other_transport(node: Node, topic: str, wanted: str) -> str:
    """Return what to set if the images are published in the other form; '' if they are not."""
    raw = topic.removesuffix('/compressed')
    other, kind = (f'{topic}/compressed', 'compressed') if raw == topic else (raw, 'raw')
    if wanted not in _LARGE_TYPES or not node.count_publishers(other):
        return ''
    return f'{other} has one: set image_transport:={kind}'


def _is_fast_dds() -> bool:
    return 'fastrtps' in get_rmw_implementation_identifier()


def _mismatch(publisher: TopicEndpointInfo, wanted: QoSProfile) -> str:
    """Return the QoS mismatch of the two sides; empty if they fit."""
    compatibility, reason = qos_check_compatible(publisher.qos_profile, wanted)
    if compatibility != QoSCompatibility.ERROR:
        return ''
    offered = publisher.qos_profile
    text = (
        f'QoS mismatch: {_who([publisher])} offers {_terms(offered)}, '
        f'this node asks for {_terms(wanted)}'
    )
    unreliable = offered.reliability == ReliabilityPolicy.BEST_EFFORT
    if unreliable and wanted.reliability == ReliabilityPolicy.RELIABLE:
        return f'{text}; set image_qos:=auto'
    return f'{text} ({reason.strip(" ;")})'


def _terms(qos: QoSProfile) -> str:
    return f'{qos.reliability.name} {qos.durability.name}'


def _who(publishers: Sequence[TopicEndpointInfo]) -> str:
    return ', '.join(
        f'{publisher.node_namespace.rstrip("/")}/{publisher.node_name}' for publisher in publishers
    )


def _others(node: Node, wanted: str) -> str:
    myself = (node.get_name(), node.get_namespace())
    topics = [
        name
        for name, types in node.get_topic_names_and_types()
        if wanted in types
        and any(
            (publisher.node_name, publisher.node_namespace) != myself
            for publisher in node.get_publishers_info_by_topic(name)
        )
    ]
    if not topics:
        who = 'the camera' if wanted in _CAMERA_TYPES else 'the node that publishes it'
        return f'nobody publishes {wanted}: is {who} running, in this ROS_DOMAIN_ID?'
    return f'{wanted} is published on {", ".join(sorted(topics)[:8])}: remap the input'


def _type_name(subscription: Subscription) -> str:
    package = subscription.msg_type.__module__.partition('.')[0]
    return f'{package}/msg/{subscription.msg_type.__name__}'
