"""Markers of where people stand on the ground and where they go."""

from __future__ import annotations

from geometry_msgs.msg import Point, Quaternion, Vector3
import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from std_msgs.msg import ColorRGBA, Header
from unihpe_ros.core.directions import smallest_rotation
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.ros.markers import person_marker
from unihpe_ros.ros.people_states import Place
from unihpe_ros.visualisation.floor_plan import person_colour
from visualization_msgs.msg import Marker

Float64 = NDArray[np.float64]

# Ids after those of `unihpe_ros.ros.markers`.
_DISC, _ARROW = 3, 4
# Smallest radius and height of the disc, m, and how opaque it is.
_LEAST_RADIUS, _DISC_HEIGHT, _DISC_ALPHA = 0.2, 0.01, 0.4
# Diameters of the arrow's shaft and head, m.
_SHAFT, _HEAD = 0.05, 0.12
# Slower people have no arrow, m/s; nor have those whose velocity is as uncertain as it is large.
_LEAST_SPEED = 0.2
# Height of an ankle above the ground, m.
_ANKLE_HEIGHT = 0.08
_ANKLES = list(UNION.indices('left_ankle', 'right_ankle'))


def motion_markers(
    poses: Poses, states: NDArray[np.void], header: Header, place: Place
) -> list[Marker]:
    """
    Return a disc on the ground below each person, and an arrow along their velocity.

    Parameters
    ----------
    poses : Poses
        N people in the UNION skeleton, 3D in the frame of the header.
    states : NDArray[np.void]
        ``(N,)`` of `unihpe_ros.ros.people_states.PERSON`.
    header : Header
        Header of the 3D.
    place : Place
        Which way is up, and whether the ground is at 0.

    Returns
    -------
    list[Marker]
        The disc's radius is one standard deviation of the place, 0.2 m at least; the arrow is as
        long as the way of one second. People without a place, or of whom it is not known where the
        ground is, have neither.

    """
    if poses.root_mode is RootMode.RELATIVE:
        return []
    made, up = [], place.up
    levels = _ground_levels(poses.keypoints_3d, place)
    for state, level in zip(states, levels.tolist(), strict=True):
        middle, velocity = _vectors(state, ''), _vectors(state, 'v')
        foot = middle + (level - middle @ up) * up
        if not np.isfinite(foot).all():
            continue
        made.append(_disc(header, state, foot, up))
        velocity -= (velocity @ up) * up
        speed = float(np.linalg.norm(velocity))
        if speed > max(_LEAST_SPEED, float(_vectors(state, 'std_v').max())):
            made.append(_arrow(header, state, foot, foot + velocity))
    return made


def _ground_levels(keypoints: NDArray[np.floating], place: Place) -> Float64:
    """``(N,)`` Height of the ground below each person, along `up`, m; NaN where unknown."""
    if place.has_ground:
        return np.zeros(len(keypoints))
    # Without a frame of the ground it is below the lower foot.
    ankles = keypoints[:, _ANKLES].astype(np.float64) @ place.up
    return np.asarray(np.fmin(ankles[:, 0], ankles[:, 1]) - _ANKLE_HEIGHT)


def _disc(header: Header, state: np.void, foot: Float64, up: Float64) -> Marker:
    disc = _marker(header, state, _DISC, Marker.CYLINDER, _DISC_ALPHA)
    disc.pose.position = _point(foot)
    turn = smallest_rotation(np.array([[0.0, 0.0, 1.0]]), up[None])[0]
    x, y, z, w = Rotation.from_matrix(turn).as_quat().tolist()
    disc.pose.orientation = Quaternion(x=x, y=y, z=z, w=w)
    wide = 2 * max(_LEAST_RADIUS, float(_vectors(state, 'std_').max()))
    disc.scale = Vector3(x=wide, y=wide, z=_DISC_HEIGHT)
    return disc


def _arrow(header: Header, state: np.void, start: Float64, end: Float64) -> Marker:
    arrow = _marker(header, state, _ARROW, Marker.ARROW, 1.0)
    arrow.points = [_point(start), _point(end)]
    arrow.scale = Vector3(x=_SHAFT, y=_HEAD, z=0.0)
    return arrow


def _marker(header: Header, state: np.void, part: int, kind: int, alpha: float) -> Marker:
    person = int(state['person_id'])
    blue, green, red = (channel / 255 for channel in person_colour(person))
    marker = person_marker(header, person, part)
    marker.type = kind
    marker.color = ColorRGBA(r=red, g=green, b=blue, a=alpha)
    return marker


def _vectors(state: np.void, prefix: str) -> Float64:
    return np.array([state[f'{prefix}{axis}'] for axis in 'xyz'], np.float64)


def _point(place: Float64) -> Point:
    x, y, z = place.tolist()
    return Point(x=x, y=y, z=z)
