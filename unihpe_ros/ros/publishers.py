"""The publishers of one camera: clouds, markers, annotated image, latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from geometry_msgs.msg import PoseArray
import numpy as np
from numpy.typing import NDArray
from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.qos import (
    DurabilityPolicy,
    HistoryPolicy,
    QoSProfile,
    ReliabilityPolicy,
)
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import Image, PointCloud2
from std_msgs.msg import Float32, Header, String
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.skeleton import SKELETONS
from unihpe_ros.kinematics.gestures import SeenGesture
from unihpe_ros.kinematics.posture import Posture
from unihpe_ros.ros.bodies import Bodies, BodyContext
from unihpe_ros.ros.clouds import to_cloud, to_cloud_2d
from unihpe_ros.ros.gesture_output import GestureOutput, with_gestures
from unihpe_ros.ros.images import encode_image
from unihpe_ros.ros.markers import MarkerWriter, to_pose_array
from unihpe_ros.ros.motion_markers import motion_markers
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.people_outputs import labels, PeopleOutputs
from unihpe_ros.ros.people_states import Place, place_of
from unihpe_ros.ros.skeleton_info import skeleton_info
from unihpe_ros.ros.transforms import IDENTITY, Transform, Transforms
from unihpe_ros.visualisation.anonymise import anonymise
from unihpe_ros.visualisation.skeletons import draw_poses, NO_LABELS
from unihpe_ros.web.feed import Feed
from visualization_msgs.msg import MarkerArray


class Publishers:
    """
    The output topics of one camera.

    Parameters
    ----------
    node : LifecycleNode
        Node that publishes.
    parameters : Parameters
        The node's parameters.
    camera : str
        Name of the camera, under which its topics are; empty for the only one.
    transforms : Transforms, optional
        Lookup of the transform into `target_frame`, if there is one.
    bodies : Bodies, optional
        Publish bodies too.
    feed : Feed, optional
        Newest image and people for the page in the browser.

    Attributes
    ----------
    postures : str
        Postures of the people in the last image, if they were computed.

    """

    def __init__(
        self,
        node: LifecycleNode,
        parameters: Parameters,
        camera: str = '',
        transforms: Transforms | None = None,
        bodies: Bodies | None = None,
        feed: Feed | None = None,
    ) -> None:
        self._node = node
        self._depth = parameters.output_depth
        self._camera = camera
        self._transforms = transforms
        self._target = parameters.target_frame
        self._bodies = bodies
        self._feed = feed
        self._skeleton = SKELETONS[parameters.keypoints]
        self._all: list[LifecyclePublisher] = []
        self._pose3d = self._create(PointCloud2, 'pose3d')
        self._pose2d = self._create(PointCloud2, 'pose2d')
        self._pose3d_array = self._create(PoseArray, 'pose3d_array')
        self._markers = self._create(MarkerArray, 'markers')
        # Without images there is nothing to draw on.
        self._annotated: LifecyclePublisher | None = None
        if parameters.mode == 'image':
            self._annotated = self._create(Image, 'image_annotated')
        self._latency = self._create(Float32, 'latency_ms')
        self._skeleton_info = self._create(
            String, 'skeleton_info', DurabilityPolicy.TRANSIENT_LOCAL
        )
        self._marker_writer = MarkerWriter()
        self._people = PeopleOutputs(self._create)
        self._gestures: GestureOutput | None = None
        if parameters.gesture_gallery:
            self._gestures = GestureOutput(self._create, parameters.gesture_gallery)
        self.postures = ''

    def _create(
        self, kind: type, topic: str, durability: DurabilityPolicy = DurabilityPolicy.VOLATILE
    ) -> LifecyclePublisher:
        # A new one for each publisher, because rclpy writes overrides into it.
        qos = QoSProfile(
            history=HistoryPolicy.KEEP_LAST,
            depth=self._depth,
            reliability=ReliabilityPolicy.RELIABLE,
            durability=durability,
        )
        overridable = QoSOverridingOptions.with_default_policies()
        path = f'{self._camera}/{topic}' if self._camera else topic
        publisher = self._node.create_lifecycle_publisher(
            kind, path, qos, qos_overriding_options=overridable
        )
        self._all.append(publisher)
        return publisher

    def picture(
        self, image: NDArray[np.uint8] | None, poses: Poses, mode: str
    ) -> NDArray[np.uint8] | None:
        """
        Return the image to show, anonymised if so configured; None without a viewer.

        Parameters
        ----------
        image : NDArray[np.uint8], optional
            ``(H, W, 3)`` BGR.
        poses : Poses
            N people in it.
        mode : str
            See `unihpe_ros.visualisation.anonymise.anonymise`.

        """
        return anonymise(image, poses, mode) if image is not None and self.draws else None

    def publish(
        self,
        poses: Poses,
        header: Header,
        size: tuple[int, int],
        image: NDArray[np.uint8] | None,
        parameters: Parameters,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> None:
        """
        Publish the people of one image; topics without a subscriber are not computed.

        Parameters
        ----------
        poses : Poses
            N people in the camera's frame.
        header : Header
            The image's header.
        size : tuple[int, int]
            (w, h) of the image, px.
        image : NDArray[np.uint8], optional
            ``(H, W, 3)`` BGR of that size, from `picture`, which is not changed.
        parameters : Parameters
            The node's parameters of this moment.
        world_from_camera : NDArray[np.float64], optional
            ``(4, 4)`` where the camera is in `tracking_frame`, if that is known.

        Raises
        ------
        TransformError
            If the 3D cannot be transformed into the wanted frame; topics in pixels are published
            all the same.

        """
        shown = poses.to(self._skeleton)
        words: Mapping[int, str] = NO_LABELS
        if _wanted(self._pose2d):
            self._pose2d.publish(to_cloud_2d(shown, header))
        try:
            words = self._publish_3d(
                poses, shown, header, size, image, parameters, world_from_camera
            )
        finally:
            # Drawn last, because it says what people do, and even if the 3D failed.
            annotated = self._listened_annotated()
            if image is not None and annotated is not None:
                annotated.publish(encode_image(draw_poses(image, shown, words), header))

    def _publish_3d(
        self,
        poses: Poses,
        shown: Poses,
        header: Header,
        size: tuple[int, int],
        image: NDArray[np.uint8] | None,
        parameters: Parameters,
        world_from_camera: NDArray[np.float64] | None,
    ) -> Mapping[int, str]:
        """Publish what depends on the 3D, and return the postures and gestures in words."""
        frame, transform = header, IDENTITY
        if self._transforms is not None and self._target:
            timeout = parameters.target_frame_timeout_s
            transform = self._transforms.at(self._target, header, timeout)
            frame = Header(stamp=header.stamp, frame_id=self._target)
            poses = _moved(poses, transform)
            shown = poses.to(self._skeleton)
        if _wanted(self._pose3d):
            self._pose3d.publish(to_cloud(shown, frame))
        if _wanted(self._pose3d_array):
            self._pose3d_array.publish(to_pose_array(shown, frame))
        rotation = parameters.rotation_of(self._camera)
        place = place_of(_seconds(header), transform, self._target, rotation, world_from_camera)
        known, motion, seen = self._publish_people(poses, frame, place, parameters)
        words = labels(poses.track_ids.tolist(), known)
        self.postures = ', '.join(f'{i} {word}' for i, word in words.items())
        words = with_gestures(words, poses.track_ids.tolist(), seen)
        if _wanted(self._markers):
            more = [] if motion is None else motion_markers(poses, motion, frame, place)
            self._markers.publish(self._marker_writer.write(shown, frame, transform, words, more))
        if self._bodies is not None:
            context = BodyContext(size, header, frame, image, known, seen)
            self._bodies.publish(self._camera, poses, context)
        return words

    def _publish_people(
        self, poses: Poses, frame: Header, place: Place, parameters: Parameters
    ) -> tuple[Sequence[Posture], NDArray[np.void] | None, Sequence[SeenGesture]]:
        """Publish people and gestures; return postures, motion and gestures where needed."""
        bodies, marked = self._bodies, _wanted(self._markers)
        drawn = self._listened_annotated() is not None
        hri = bodies is not None and bodies.needs_postures(self._camera)
        moves = marked and parameters.motion_markers
        known, motion = self._people.publish(
            poses, frame, place, needs_postures=marked or drawn or hri, needs_motion=moves
        )
        seen: Sequence[SeenGesture] = ()
        if self._gestures is not None:
            hri = bodies is not None and bodies.needs_gestures(self._camera)
            use = marked or drawn or hri
            seen = self._gestures.publish(poses, frame, place.stamp, has_other_use=use)
        return known, motion if moves else None, seen

    def time_went_back(self) -> None:
        """Drop all state of the time before the jump."""
        if self._transforms is not None:
            self._transforms.forget()

    @property
    def draws(self) -> bool:
        """Whether the picture has a subscriber or a viewer."""
        if self._feed is not None and self._feed.is_watched:
            return True
        if self._bodies is not None and self._bodies.draws(self._camera):
            return True
        return self._listened_annotated() is not None

    def _listened_annotated(self) -> LifecyclePublisher | None:
        """Return the publisher of the annotated image if it has a subscriber."""
        return (
            self._annotated if self._annotated is not None and _wanted(self._annotated) else None
        )

    def show(
        self,
        image: NDArray[np.uint8] | None,
        poses: Poses,
        figures: Mapping[str, float],
    ) -> None:
        """
        Show people on the page, if it has a viewer.

        Parameters
        ----------
        image : NDArray[np.uint8], optional
            ``(H, W, 3)`` BGR, from `picture`, which is not changed any more.
        poses : Poses
            N people in the camera's frame.
        figures : Mapping[str, float]
            Numbers to show, by name.

        """
        if self._feed is not None and self._feed.is_watched:
            self._feed.offer(image, poses.to(self._skeleton), figures)

    def publish_latency(self, seconds: float) -> None:
        """Publish the time from the image's stamp to now."""
        if _wanted(self._latency):
            self._latency.publish(Float32(data=seconds * 1e3))

    def publish_skeleton(self, parameters: Parameters, model: str) -> None:
        """Publish the description of the clouds; latched."""
        self._skeleton_info.publish(String(data=skeleton_info(parameters, model)))

    def destroy(self) -> None:
        """Remove the topics."""
        for publisher in self._all:
            self._node.destroy_lifecycle_publisher(publisher)
        self._all.clear()


def _moved(poses: Poses, transform: Transform) -> Poses:
    """Return people in the target frame; those without a position are only rotated."""
    relative = poses.root_mode is RootMode.RELATIVE
    points = transform.apply(poses.keypoints_3d, turn_only=relative)
    return replace(poses, keypoints_3d=points)


def _seconds(header: Header) -> float:
    return float(header.stamp.sec) + 1e-9 * float(header.stamp.nanosec)


def _wanted(publisher: LifecyclePublisher) -> bool:
    return publisher.get_subscription_count() > 0
