"""Write skeletons as RViz markers and as a PoseArray."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, PoseArray, Quaternion, Vector3
import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.ros.transforms import IDENTITY, Transform
from unihpe_ros.visualisation.skeletons import NO_LABELS, SIDE_COLOURS
from visualization_msgs.msg import Marker, MarkerArray

_KEYPOINT_DIAMETER = 0.06
_BONE_WIDTH = 0.025
_TEXT_HEIGHT = 0.15
_TEXT_ABOVE_HEAD = 0.2
_LIFETIME = Duration(sec=0, nanosec=500_000_000)
_SPHERES, _LINES, _TEXT = range(3)
# How opaque keypoints are: not observed; of a person whose 3D is not to be trusted; observed with
# a low score; observed.
_ALPHAS = (0.25, 0.45, 0.7, 1.0)
_GUESSED, _DOUBTFUL, _UNSURE, _SURE = range(len(_ALPHAS))
_SURE_SCORE = 0.6


class MarkerWriter:
    """Makes the markers of each image, and deletes those that are not drawn any more."""

    def __init__(self) -> None:
        # Namespace and id of each.
        self._shown: set[tuple[str, int]] = set()

    def write(
        self,
        poses: Poses,
        header: Header,
        camera: Transform = IDENTITY,
        words: Mapping[int, str] = NO_LABELS,
        more: Sequence[Marker] = (),
    ) -> MarkerArray:
        """
        Write poses as the message of topic markers.

        Parameters
        ----------
        poses : Poses
            N people; keypoints without a 3D position are left out.
        header : Header
            Header of the poses, which is used as it is.
        camera : Transform
            Where the camera is in the frame of the poses.
        words : Mapping[int, str]
            What is written behind a person's id, as their posture.
        more : Sequence[Marker]
            Further markers of these people, see `unihpe_ros.ros.motion_markers`.

        Returns
        -------
        MarkerArray
            Spheres, lines and text per person, the more transparent the less certain; deletions
            of what is not drawn any more.

        """
        about = '' if poses.root_mode is RootMode.RELATIVE else '{:.1f} m'
        if about and poses.is_view_assumed:
            about = f'~{about}'
        markers: list[Marker] = []
        levels = _certainties(poses)
        for row, person in enumerate(poses.track_ids.tolist()):
            told = '  '.join(part for part in (about, words.get(person, '')) if part)
            markers += _person(header, poses, row, levels[row], told, camera)
        markers += more
        now = {(marker.ns, marker.id) for marker in markers}
        gone = [
            Marker(header=header, ns=namespace, id=part, action=Marker.DELETE)
            for namespace, part in sorted(self._shown - now)
        ]
        self._shown = now
        return MarkerArray(markers=[*gone, *markers])


def _certainties(poses: Poses) -> list[list[int]]:
    """Return which of `_ALPHAS` each keypoint of each person has."""
    levels = np.where(poses.scores > _SURE_SCORE, _SURE, _UNSURE)
    levels[(poses.flags & KeypointFlag.LOW_AGREEMENT) > 0] = _DOUBTFUL
    levels[~poses.observed] = _GUESSED
    found: list[list[int]] = levels.tolist()
    return found


def _person(
    header: Header, poses: Poses, row: int, levels: list[int], about: str, camera: Transform
) -> list[Marker]:
    person, keypoints = int(poses.track_ids[row]), poses.keypoints_3d[row]
    skeleton, colours = poses.skeleton, _colours(poses.skeleton)
    # One tolist() per person, and one Point for both the sphere and the bones that end in it.
    points = [
        Point(x=x, y=y, z=z) if x == x and y == y and z == z else None
        for x, y, z in keypoints.tolist()
    ]
    spheres = person_marker(header, person, _SPHERES)
    spheres.type = Marker.SPHERE_LIST
    spheres.scale = Vector3(x=_KEYPOINT_DIAMETER, y=_KEYPOINT_DIAMETER, z=_KEYPOINT_DIAMETER)
    seen = [index for index, point in enumerate(points) if point is not None]
    spheres.points = [points[index] for index in seen]
    spheres.colors = [colours[levels[index]][index] for index in seen]
    lines = person_marker(header, person, _LINES)
    lines.type = Marker.LINE_LIST
    lines.scale.x = _BONE_WIDTH
    bones = [bone for bone in skeleton.bones if points[bone[0]] and points[bone[1]]]
    lines.points = [points[end] for bone in bones for end in bone]
    # A bone is as certain as its less certain end.
    drawn = [colours[min(levels[parent], levels[child])][child] for parent, child in bones]
    lines.colors = [colour for colour in drawn for _ in range(2)]
    text = _text(header, person, keypoints[seen], about, camera)
    # RViz complains about lists without points.
    return [marker for marker in (spheres, lines) if marker.points] + ([text] if seen else [])


def _text(
    header: Header, person: int, seen: NDArray[np.float32], about: str, camera: Transform
) -> Marker:
    text = person_marker(header, person, _TEXT)
    if not len(seen):
        return text
    text.type = Marker.TEXT_VIEW_FACING
    text.scale.z = _TEXT_HEIGHT
    text.color = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
    middle = seen.mean(0)
    distance = np.linalg.norm(middle - camera.translation)
    text.text = f'{person}  {about.format(distance)}' if about else str(person)
    above = float(((seen - middle) @ camera.up).max()) + _TEXT_ABOVE_HEAD
    x, y, z = (middle + above * camera.up).tolist()
    text.pose.position = Point(x=x, y=y, z=z)
    return text


def person_marker(header: Header, person: int, part: int) -> Marker:
    """Return an empty marker of a person, which RViz removes if it is not sent again."""
    marker = Marker(header=header, ns=f'person_{person}', id=part, action=Marker.ADD)
    marker.pose.orientation.w = 1.0
    marker.lifetime = _LIFETIME
    return marker


@lru_cache(maxsize=8)
def _colours(skeleton: Skeleton) -> tuple[tuple[ColorRGBA, ...], ...]:
    """Return the colours of all keypoints, for each of `_ALPHAS`."""
    sides = [SIDE_COLOURS[skeleton.side(index)] for index in range(len(skeleton))]
    return tuple(
        tuple(ColorRGBA(r=r, g=g, b=b, a=alpha) for r, g, b in sides) for alpha in _ALPHAS
    )


def to_pose_array(poses: Poses, header: Header) -> PoseArray:
    """
    Write the known keypoints of all people as a PoseArray.

    Parameters
    ----------
    poses : Poses
        N people.
    header : Header
        The image's header, which is used as it is.

    Returns
    -------
    PoseArray
        Positions alone, unrotated; what is not finite is left out, since RViz drops a whole array
        for one NaN.

    """
    points = poses.keypoints_3d[np.isfinite(poses.keypoints_3d).all(-1)]
    upright = Quaternion(w=1.0)
    return PoseArray(
        header=header,
        poses=[
            Pose(position=Point(x=x, y=y, z=z), orientation=upright) for x, y, z in points.tolist()
        ],
    )
