"""How a test talks with a node: images until something comes of them, reports, transitions."""

from collections.abc import Callable
from itertools import count

from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from ros_fixtures import image, PATIENCE_S, Peer, wait_until

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
