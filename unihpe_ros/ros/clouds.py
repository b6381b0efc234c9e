"""
Write and read skeletons as a PointCloud2: one row per person, one column per keypoint.

It is the one core message that holds id, confidence and missing joints of several people under
one stamp; RViz draws it and tf2 transforms it. ``joint_id`` counts in the union of all keypoint
sets, whose first 17 are COCO's, so a row can be read without knowing the node's parameters.

"""

from __future__ import annotations

from array import array
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, Skeleton, SKELETONS, UNION

if TYPE_CHECKING:
    from sensor_msgs.msg import PointCloud2, PointField
    from std_msgs.msg import Header

# Always little-endian: is_bigendian of the message is false.
POSE3D = np.dtype(
    [
        ('x', '<f4'),
        ('y', '<f4'),
        ('z', '<f4'),
        ('confidence', '<f4'),
        ('u', '<f4'),
        ('v', '<f4'),
        ('person_id', '<u4'),
        ('joint_id', '<u2'),
        ('flags', '<u2'),
    ]
)
# No x, y, z, so that pixels cannot be mistaken for metres.
POSE2D = np.dtype(
    [
        ('u', '<f4'),
        ('v', '<f4'),
        ('confidence', '<f4'),
        ('person_id', '<u4'),
        ('joint_id', '<u2'),
        ('flags', '<u2'),
    ]
)

# FLOAT32, UINT32 and UINT16 of sensor_msgs/PointField: a recording is read without ROS.
_DATATYPES = {'<f4': 7, '<u4': 6, '<u2': 4}
_FORMATS = {datatype: format_ for format_, datatype in _DATATYPES.items()}


def to_cloud(poses: Poses, header: Header) -> PointCloud2:
    """
    Write poses as the message of topic pose3d.

    The fields are shared with all other clouds and must not be changed.

    Parameters
    ----------
    poses : Poses
        N people; with none, the cloud has height 0.
    header : Header
        The image's header, which is used as it is.

    """
    dense = bool(np.isfinite(poses.keypoints_3d).all())
    return to_message(cloud_points(poses, POSE3D), header, dense)


def to_cloud_2d(poses: Poses, header: Header) -> PointCloud2:
    """
    Write poses as the message of topic pose2d: pixels only; see `to_cloud`.

    Parameters
    ----------
    poses : Poses
        N people; with none, the cloud has height 0.
    header : Header
        The image's header, which is used as it is.

    """
    dense = bool(np.isfinite(poses.keypoints_2d).all())
    return to_message(cloud_points(poses, POSE2D), header, dense)


def cloud_points(poses: Poses, dtype: np.dtype[np.void]) -> NDArray[np.void]:
    """
    Return the points of a cloud as an array, for programs without ROS.

    Parameters
    ----------
    poses : Poses
        N people.
    dtype : np.dtype[np.void]
        POSE3D or POSE2D.

    Returns
    -------
    NDArray[np.void]
        ``(N, K)`` points.

    """
    points = np.empty(poses.scores.shape, dtype)
    points['u'] = poses.keypoints_2d[..., 0]
    points['v'] = poses.keypoints_2d[..., 1]
    points['confidence'] = poses.scores
    points['person_id'] = poses.track_ids[:, None]
    points['joint_id'] = joint_ids(poses.skeleton)
    points['flags'] = poses.flags
    if dtype == POSE3D:
        for axis, name in enumerate('xyz'):
            points[name] = poses.keypoints_3d[..., axis]
    return points


def field_layout(dtype: np.dtype[np.void]) -> list[tuple[str, int, int]]:
    """Return name, offset and sensor_msgs/PointField datatype of each field of a point."""
    layout, offset = [], 0
    for name in _names(dtype):
        layout.append((name, offset, _DATATYPES[dtype[name].str]))
        offset += dtype[name].itemsize
    return layout


@lru_cache(maxsize=8)
def joint_ids(skeleton: Skeleton) -> NDArray[np.intp]:
    """Return ``(K,)`` the joint_id of each keypoint: its index in the union of all sets."""
    ids = np.array(UNION.indices(*skeleton.keypoints), np.intp)
    ids.flags.writeable = False  # All callers share one array.
    return ids


def to_message(points: NDArray[np.void], header: Header, dense: bool) -> PointCloud2:
    """
    Write points as a cloud.

    Parameters
    ----------
    points : NDArray[np.void]
        ``(H, W)`` points, whose fields are little-endian f4, u4 or u2.
    header : Header
        Used as it is.
    dense : bool
        Whether all places are finite.

    """
    from sensor_msgs.msg import PointCloud2

    dtype = points.dtype
    msg = PointCloud2(header=header, is_dense=dense, is_bigendian=False)
    msg.height, msg.width = points.shape
    msg.point_step = dtype.itemsize
    msg.row_step = dtype.itemsize * msg.width
    msg.fields = list(_fields(dtype))
    # An ndarray assigned to data is checked and copied value by value: 1000 times slower.
    msg.data = array('B', points.tobytes())
    return msg


@lru_cache(maxsize=8)
def _fields(dtype: np.dtype[np.void]) -> tuple[PointField, ...]:
    """Return the fields, which clouds share: to make them takes as long as the rest."""
    from sensor_msgs.msg import PointField

    return tuple(
        PointField(name=name, offset=offset, datatype=datatype, count=1)
        for name, offset, datatype in field_layout(dtype)
    )


def from_cloud(msg: PointCloud2) -> Poses:
    """
    Read poses back from a message of topic pose3d or pose2d.

    Fields may lie anywhere, as after a transform that keeps what it does not know. Boxes are the
    extent of the keypoints and agreement is unknown, since the message holds neither.

    Parameters
    ----------
    msg : PointCloud2
        What `to_cloud` or `to_cloud_2d` wrote.

    Raises
    ------
    ValueError
        If a field is missing, bytes are missing, or the joints are no known keypoint set.

    """
    points = _points(msg)
    if not points.size:
        # No people: tools that write lists of points make one row without points.
        return Poses.empty(_skeleton(points) if msg.width else COCO_17)
    skeleton = _skeleton(points)
    spatial = 'x' in _names(points.dtype)
    keypoints_2d = _columns(points, 'uv')
    return Poses(
        skeleton=skeleton,
        boxes=_extents(keypoints_2d),
        keypoints_2d=keypoints_2d,
        keypoints_3d=_columns(points, 'xyz')
        if spatial
        else np.full((*points.shape, 3), np.nan, np.float32),
        scores=points['confidence'].astype(np.float32),
        flags=points['flags'].astype(np.uint16),
        track_ids=points['person_id'][:, 0].astype(np.uint32),
        agreement=np.full(len(points), np.nan, np.float32),
        root_mode=_root_mode(points['flags']),
    )


def columns_2d(
    msg: PointCloud2, skeleton: Skeleton
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Read 2D keypoints by the order of the columns; joint_id is not looked at.

    Parameters
    ----------
    msg : PointCloud2
        With the fields of pose2d: one row per person, one column per keypoint.
    skeleton : Skeleton
        The set that the columns are in the order of.

    Returns
    -------
    keypoints : NDArray[np.float32]
        ``(N, K, 2)`` px.
    scores : NDArray[np.float32]
        ``(N, K)``.

    Raises
    ------
    ValueError
        If a field or bytes are missing, or the columns are too few or many.

    """
    points = _points(msg)
    if not points.size:
        points = points.ravel()[:0].reshape(0, len(skeleton))
    if points.shape[1] != len(skeleton):
        raise ValueError(
            f'cloud: expected {len(skeleton)} columns for {skeleton.name}; got {points.shape[1]}'
        )
    return _columns(points, 'uv'), points['confidence'].astype(np.float32)


def _root_mode(flags: NDArray[np.uint16]) -> RootMode:
    if (flags & KeypointFlag.DEPTH_ROOT).any():
        return RootMode.DEPTH
    metric = (flags & KeypointFlag.METRIC_ROOT).any()
    return RootMode.PROJECTIVE if metric else RootMode.RELATIVE


def _points(msg: PointCloud2) -> NDArray[np.void]:
    given = {field.name: field for field in msg.fields}
    missing = [name for name in _names(POSE2D) if name not in given]
    if missing:
        raise ValueError(
            f'cloud: expected the fields of pose3d or pose2d; got {", ".join(given) or "none"}'
        )
    names = [name for name in _names(POSE3D) if name in given]
    strange = [name for name in names if given[name].datatype not in _FORMATS]
    if strange:
        raise ValueError(f'cloud field {strange[0]}: unexpected type {given[strange[0]].datatype}')
    formats = [_FORMATS[given[name].datatype] for name in names]
    dtype = np.dtype(
        {
            'names': names,
            'formats': formats,
            'offsets': [given[name].offset for name in names],
            'itemsize': msg.point_step,
        }
    )
    if msg.is_bigendian:
        dtype = dtype.newbyteorder('>')
    needed = msg.row_step * msg.height
    if msg.row_step < msg.point_step * msg.width:
        raise ValueError(
            f'cloud row_step: expected at least {msg.point_step * msg.width}, got {msg.row_step}'
        )
    if len(msg.data) < needed:
        raise ValueError(f'cloud: expected {needed} bytes of data, got {len(msg.data)}')
    shape, strides = (msg.height, msg.width), (msg.row_step, msg.point_step)
    return np.ndarray(shape, dtype, msg.data, strides=strides)


def _skeleton(points: NDArray[np.void]) -> Skeleton:
    sets = [skeleton for skeleton in SKELETONS.values() if len(skeleton) == points.shape[1]]
    if sets and not len(points):
        return sets[0]
    for skeleton in sets:
        if (points['joint_id'] == joint_ids(skeleton)).all():
            return skeleton
    raise ValueError(f'cloud of {points.shape[1]} joints: expected one of {", ".join(SKELETONS)}')


def _names(dtype: np.dtype[np.void]) -> tuple[str, ...]:
    return dtype.names or ()


def _columns(points: NDArray[np.void], names: str) -> NDArray[np.float32]:
    return np.stack([points[name] for name in names], -1).astype(np.float32)


def _extents(keypoints: NDArray[np.float32]) -> NDArray[np.float32]:
    low = np.where(np.isnan(keypoints), np.inf, keypoints).min(1)
    high = np.where(np.isnan(keypoints), -np.inf, keypoints).max(1)
    boxes = np.concatenate([low, high], -1)
    return np.where(np.isfinite(boxes), boxes, np.nan).astype(np.float32)
