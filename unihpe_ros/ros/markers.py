"""Write skeletons as RViz markers and as a PoseArray."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

from builtin_interfaces.msg import Duration
from geometry_msgs.msg import Point, Pose, PoseArray, Quaternion, Vector3
import numpy as np
from numpy.typing import NDArray
from std_msgs.msg import ColorRGBA, Header
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import Skeleton
from unihpe_ros.ros.transforms import IDENTITY, Transform
from unihpe_ros.visualisation.skeletons import SIDE_COLOURS
from visualization_msgs.msg import Marker, MarkerArray

_KEYPOINT_DIAMETER = 0.06
_BONE_WIDTH = 0.025
_TEXT_HEIGHT = 0.15
_TEXT_ABOVE_HEAD = 0.2
_LIFETIME = Duration(sec=0, nanosec=500_000_000)
_SPHERES, _LINES, _TEXT = range(3)
NO_LABELS: Mapping[int, str] = MappingProxyType({})


class MarkerWriter:
    """Makes the markers of each image, and deletes those of people who have left."""

    def __init__(self) -> None:
        self._shown: set[int] = set()

    def write(
        self,
        poses: Poses,
        header: Header,
        camera: Transform = IDENTITY,
        words: Mapping[int, str] = NO_LABELS,
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

        Returns
        -------
        MarkerArray
            Spheres, lines and text per person; deletions for people who are gone.

        """
        present = set(poses.track_ids.tolist())
        markers = [
            _marker(header, person, part, Marker.DELETE)
            for person in sorted(self._shown - present)
            for part in (_SPHERES, _LINES, _TEXT)
        ]
        self._shown = present
        about = '' if poses.root_mode is RootMode.RELATIVE else '{:.1f} m'
        if about and poses.is_view_assumed:
            about = f'~{about}'
        for person, keypoints in zip(poses.track_ids.tolist(), poses.keypoints_3d, strict=True):
            told = '  '.join(part for part in (about, words.get(person, '')) if part)
            markers += _person(header, person, keypoints, poses.skeleton, told, camera)
        return MarkerArray(markers=markers)


def _person(
    header: Header,
    person: int,
    keypoints: NDArray[np.float32],
    skeleton: Skeleton,
    about: str,
    camera: Transform,
) -> list[Marker]:
    colours = _colours(skeleton)
    # One tolist() per person, and one Point for both the sphere and the bones that end in it.
    points = [
        Point(x=x, y=y, z=z) if x == x and y == y and z == z else None
        for x, y, z in keypoints.tolist()
    ]
    spheres = _marker(header, person, _SPHERES, Marker.ADD)
    spheres.type = Marker.SPHERE_LIST
    spheres.scale = Vector3(x=_KEYPOINT_DIAMETER, y=_KEYPOINT_DIAMETER, z=_KEYPOINT_DIAMETER)
    seen = [index for index, point in enumerate(points) if point is not None]
    spheres.points = [points[index] for index in seen]
    spheres.colors = [colours[index] for index in seen]
    lines = _marker(header, person, _LINES, Marker.ADD)
    lines.type = Marker.LINE_LIST
    lines.scale.x = _BONE_WIDTH
    bones = [bone for bone in skeleton.bones if points[bone[0]] and points[bone[1]]]
    lines.points = [points[end] for bone in bones for end in bone]
    lines.colors = [colours[child] for _, child in bones for _ in range(2)]
    text = _text(header, person, keypoints[seen], about, camera)
    # RViz complains about lists without points.
    return [marker for marker in (spheres, lines) if marker.points] + ([text] if seen else [])


def _text(
    header: Header, person: int, seen: NDArray[np.float32], about: str, camera: Transform
) -> Marker:
    text = _marker(header, person, _TEXT, Marker.ADD)
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


def _marker(header: Header, person: int, part: int, action: int) -> Marker:
    marker = Marker(header=header, ns=f'person_{person}', id=part, action=action)
    marker.pose.orientation.w = 1.0
    marker.lifetime = _LIFETIME
    return marker


@lru_cache(maxsize=8)
def _colours(skeleton: Skeleton) -> tuple[ColorRGBA, ...]:
    sides = [SIDE_COLOURS[skeleton.side(index)] for index in range(len(skeleton))]
    return tuple(ColorRGBA(r=r, g=g, b=b, a=1.0) for r, g, b in sides)


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
