"""The gestures that hri_msgs has names for, from where hands are: raised, crossed, on the face."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION

# Shares of the width between the shoulders: how near a hand is to the nose, and to the other
# elbow.
_ON_FACE, _ON_ELBOW = 0.55, 0.6

HANDS_ON_FACE, ARMS_CROSSED = 'hands_on_face', 'arms_crossed'
LEFT_HAND_RAISED, RIGHT_HAND_RAISED = 'left_hand_raised', 'right_hand_raised'
BOTH_HANDS_RAISED = 'both_hands_raised'


def gestures(points: NDArray[np.floating], up: NDArray[np.floating]) -> list[str]:
    """
    Return the gesture of each person; empty for none.

    Parameters
    ----------
    points : NDArray
        ``(N, 26, 3)`` keypoints of UNION, m; NaN where unknown.
    up : NDArray
        ``(3,)`` unit vector against gravity, in the frame of the points.

    """
    return [
        _gesture(dict(zip(UNION.keypoints, person, strict=True)), up)
        for person in points.astype(np.float64)
    ]


def _gesture(at: dict[str, NDArray[np.float64]], up: NDArray[np.floating]) -> str:
    width = math.dist(at['left_shoulder_joint'], at['right_shoulder_joint'])
    if not width > 0:
        return ''
    hands = {side: at[f'{side}_wrist'] for side in ('left', 'right')}
    # Comparisons with what is unknown are false.
    if all(math.dist(hand, at['nose']) < _ON_FACE * width for hand in hands.values()):
        return HANDS_ON_FACE
    raised = [side for side, hand in hands.items() if (hand - at['nose']) @ up > 0]
    if raised:
        return BOTH_HANDS_RAISED if len(raised) > 1 else f'{raised[0]}_hand_raised'
    crossed = (
        math.dist(hands['left'], at['right_elbow']) < _ON_ELBOW * width
        and math.dist(hands['right'], at['left_elbow']) < _ON_ELBOW * width
    )
    return ARMS_CROSSED if crossed else ''
