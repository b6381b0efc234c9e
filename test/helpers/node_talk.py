"""How a test talks with a node: images until something comes of them, reports, transitions."""

from collections.abc import Callable
from itertools import count

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
import numpy as np
from ros_fixtures import image, PATIENCE_S, Peer, wait_until
from sensor_msgs.msg import Image, PointCloud2
from tiny_model import paint_person, person_box
from unihpe_ros.ros.images import encode_image

NODE = 'pose_estimator'


def publish_until(
    publisher,
    condition: Callable[[], object],
    message=image,
    period: float = 0.02,
    first: float = 100.0,
    patience: float = PATIENCE_S,
) -> float:
    """Publish images whose stamps grow until a condition holds; return the last stamp."""
    stamps, last = count(first, period), [0.0]

    def publish() -> bool:
        last[0] = next(stamps)
        publisher.publish(message(last[0]))
        return wait_until(condition, period)

    assert wait_until(publish, patience)
    return last[0]


def report_of(reports: list, words: str = '') -> DiagnosticStatus:
    """Wait for a diagnostic status whose message contains the words; return the latest."""
    found: list[DiagnosticStatus] = []

    def look() -> list[DiagnosticStatus]:
        found[:] = [s for report in list(reports) for s in report.status if words in s.message]
        return found

    assert wait_until(look), [report.status[0].message for report in reports]
    return found[-1]


def values_of(status: DiagnosticStatus) -> dict[str, str]:
    """Return the figures of a diagnostic status."""
    return {item.key: item.value for item in status.values}


def change_state(peer: Peer, *transitions: int) -> bool:
    """Ask for transitions, one after the other; return whether the last one went well."""
    for number in transitions:
        request = ChangeState.Request(transition=Transition(id=number))
        success = peer.call(ChangeState, f'{NODE}/change_state', request).success
    return success


def state_of(peer: Peer) -> int:
    """Return the number of the node's lifecycle state."""
    return peer.call(GetState, f'{NODE}/get_state', GetState.Request()).current_state.id


def outputs(peer):
    """Listen to the node's poses and reports."""
    return peer.listen(PointCloud2, 'pose3d'), peer.listen(DiagnosticArray, 'diagnostics')


def more(messages, number=2):
    """Return a condition: so many more messages have come than now."""
    before = len(messages)
    return lambda: len(messages) >= before + number


def picture(stamp=1.0, size=(128, 96)) -> Image:
    """Make an image of one person, as the model of constants sees one."""
    width, height = size
    shown = np.full((height, width, 3), 40, np.uint8)
    paint_person(shown, person_box(0.5 * width, 0.5 * height, 0.7 * height))
    return encode_image(shown, image(stamp).header)
