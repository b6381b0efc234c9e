"""The topics that REP-155 has for one body: region, crop, 2D skeleton, posture and gesture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from rclpy.publisher import Publisher
from sensor_msgs.msg import Image
from std_msgs.msg import Header
from unihpe_ros.core import boxes
from unihpe_ros.core.pose import person_scores, Poses
from unihpe_ros.kinematics.gestures import SeenGesture
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.images import encode_image
from unihpe_ros.ros.pose2d_in import hri_indices

# Names of the postures in hri_msgs.
_POSTURES = {
    Posture.UNKNOWN: 'OTHER',
    Posture.STANDING: 'STANDING',
    Posture.SITTING: 'SITTING',
    Posture.KNEELING: 'CROUCHING',
    Posture.LYING: 'LAYING',
    Posture.FALLEN: 'LAYING',
}


@dataclass(frozen=True)
class BodyContext:
    """
    Image, postures and gestures of the people whose bodies are published.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the image, px.
    header : Header
        The image's.
    frame : Header
        That of the 3D.
    image : NDArray[np.uint8], optional
        ``(H, W, 3)`` BGR.
    postures : Sequence[Posture]
        Of each person; empty if they were not computed.
    gestures : Sequence[SeenGesture]
        Of each person; empty if they were not computed.

    """

    size: tuple[int, int]
    header: Header
    frame: Header
    image: NDArray[np.uint8] | None = None
    postures: Sequence[Posture] = ()
    gestures: Sequence[SeenGesture] = ()


class HriTopics:
    """
    The topics of one person that need hri_msgs, and their picture.

    Parameters
    ----------
    node : Node
        Publishes.
    hri : ModuleType
        hri_msgs.msg, or what stands for it.
    topic : str
        Topic under which those of the person are.

    """

    def __init__(self, node: Node, hri: Any, topic: str) -> None:
        self._node, self._hri = node, hri

        def create(kind: type, name: str) -> Publisher:
            return node.create_publisher(kind, f'{topic}/{name}', 1)

        self._roi = create(hri.NormalizedRegionOfInterest2D, 'roi')
        self._skeleton = create(hri.Skeleton2D, 'skeleton2d')
        self._cropped = create(Image, 'cropped')
        self._posture = create(hri.BodyPosture, 'posture')
        self._gesture = create(hri.Gesture, 'gesture')
        self._all = [self._roi, self._skeleton, self._cropped, self._posture, self._gesture]
        self._indices = hri_indices(hri.Skeleton2D).tolist()

    @property
    def draws(self) -> bool:
        """Whether somebody wants to see the person."""
        return bool(self._cropped.get_subscription_count())

    @property
    def needs_postures(self) -> bool:
        """Whether somebody wants to know how the person holds themselves."""
        return bool(self._posture.get_subscription_count())

    @property
    def needs_gestures(self) -> bool:
        """Whether somebody wants to know which gesture the person makes."""
        return bool(self._gesture.get_subscription_count())

    def publish(self, poses: Poses, row: int, context: BodyContext) -> None:
        """
        Publish what somebody listens to.

        Parameters
        ----------
        poses : Poses
            People in ROS4HRI_18.
        row : int
            Which of them the person is.
        context : BodyContext
            What else is known.

        """
        size, header, image = context.size, context.header, context.image
        if self._roi.get_subscription_count():
            x0, y0, x1, y1 = _shares(poses.boxes[row].reshape(2, 2), size).clip(0, 1).ravel()
            region = self._hri.NormalizedRegionOfInterest2D(header=header)
            region.xmin, region.ymin = float(x0), float(y0)
            region.xmax, region.ymax = float(x1), float(y1)
            region.c = float(person_scores(poses.scores[row]))
            self._roi.publish(region)
        if self._skeleton.get_subscription_count():
            shares = _shares(poses.keypoints_2d[row], size)
            self._skeleton.publish(self._skeleton_of(shares, poses.scores[row], header))
        if image is not None and self.draws:
            crop = _crop(image, poses.boxes[row])
            if crop.size:
                self._cropped.publish(encode_image(crop, header))
        if context.postures and self.needs_postures:
            constant = getattr(self._hri.BodyPosture, _POSTURES[context.postures[row]])
            self._posture.publish(self._hri.BodyPosture(header=header, posture=constant))
        if context.gestures and self.needs_gestures:
            name = context.gestures[row].name.upper()
            # hri_msgs has names for some gestures only.
            constant = getattr(self._hri.Gesture, name or 'OTHER', self._hri.Gesture.OTHER)
            self._gesture.publish(self._hri.Gesture(header=header, gesture=constant))

    def _skeleton_of(
        self, shares: NDArray[np.float32], scores: NDArray[np.float32], header: Header
    ) -> Any:
        # Outside of the image REP-155 has no place: such a point is not seen.
        inside = (np.abs(shares - 0.5) <= 0.5).all(-1)
        shares, scores = np.where(inside[:, None], shares, 0), np.where(inside, scores, 0)
        points = [self._hri.NormalizedPointOfInterest2D() for _ in self._indices]
        values = zip(self._indices, shares.tolist(), scores.tolist(), strict=True)
        for index, (x, y), score in values:
            points[index].x, points[index].y, points[index].c = x, y, score
        return self._hri.Skeleton2D(header=header, skeleton=points)

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in self._all:
            self._node.destroy_publisher(publisher)


def _shares(points: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    return ((points + 0.5) / np.array(size)).astype(np.float32)


def _crop(image: NDArray[np.uint8], box: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Return a copy of the part of an image in a box, ``(4,)`` px."""
    height, width = image.shape[:2]
    x0, y0, x1, y1 = np.rint(boxes.clip(box[None], (width, height))[0]).astype(int).tolist()
    return np.ascontiguousarray(image[max(y0, 0) : y1 + 1, max(x0, 0) : x1 + 1])
