"""Process the newest images: decode, estimate poses, publish, measure the time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
import math
import re
import time

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import Image
from unihpe_ros.core.image_input import assumed_camera
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.estimator import CameraImage, PoseEstimator
from unihpe_ros.ros.camera_input import Frame, seconds
from unihpe_ros.ros.camera_poses import CameraPoses
from unihpe_ros.ros.compressed import CompressedPicture
from unihpe_ros.ros.images import BgrImage, DecodeError, make_decoder
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.pose2d_in import decode_keypoints
from unihpe_ros.ros.transforms import TransformError, Transforms

# The estimator's settings are in SI units, without a suffix.
_UNIT = re.compile('_(s|hz)$')
# An image older by less than this, s, was overtaken by a newer one; older by more, a bag has begun
# anew.
_JUMP_BACK_S = 0.1
# Clocks of two machines that are synchronised differ by less.
_CLOCKS_S = 0.01
# Between its stamp and its arrival an image takes less.
_LONG_WAY_S = 1.0
# If two cameras publish on one topic, the stamps go back and forth with every image.
_REPEAT_S = 1.0


@dataclass(frozen=True)
class _Look:
    """A frame to process, with its decoded image, and whether that is the full size."""

    frame: Frame
    size: tuple[int, int]
    image: NDArray[np.uint8] | None
    depth: NDArray[np.float32] | None
    world_from_camera: NDArray[np.float64] | None


def estimator_settings(parameters: Parameters) -> EstimatorSettings:
    """Return the parameters that the estimator has settings for, under names without the unit."""
    values = {_UNIT.sub('', name): value for name, value in vars(parameters).items()}
    return EstimatorSettings(
        **{item.name: values[item.name] for item in fields(EstimatorSettings)}
    )


class FrameHandler:
    """
    Processing of messages into published poses, in the worker's thread.

    Parameters
    ----------
    estimator : PoseEstimator
        Images to poses.
    parameters : Parameters
        The node's parameters; replaced when some change at run time.
    node : Node
        Lends its clock, to which image stamps are compared.
    transforms : Transforms, optional
        Say where the camera is in `tracking_frame`, if there is one.

    Raises
    ------
    DecodeError
        If the image decoder that is asked for is not there.

    """

    def __init__(
        self,
        estimator: PoseEstimator,
        parameters: Parameters,
        node: Node,
        transforms: Transforms | None = None,
    ) -> None:
        self.parameters = parameters
        self._estimator = estimator
        self._clock = node.get_clock()
        self._camera_poses: CameraPoses | None = None
        if transforms is not None and parameters.tracking_frame:
            self._camera_poses = CameraPoses(transforms, parameters.tracking_frame)
        # None for compressed images, whose header is read before they are decoded.
        self._decode: Callable[[Image, IntensityRange | None], BgrImage] | None = None
        if parameters.image_transport == 'raw':
            self._decode = make_decoder(parameters.image_decoder)
        self._last_stamps: dict[str, float] = {}

    def handle(self, frames: Sequence[Frame]) -> None:
        """
        Publish the people of the newest images; those of all cameras are found in one batch.

        Parameters
        ----------
        frames : Sequence[Frame]
            One of each camera that has a new one.

        Raises
        ------
        EngineError
            If the engine fails.

        """
        estimate = self._lift if self.parameters.mode == 'lifting' else self._estimate
        estimate([frame for frame in frames if not self._is_late(frame)])

    def _estimate(self, frames: Sequence[Frame]) -> None:
        looks, images = [], []
        for frame in frames:
            try:
                image = self._open_image(frame)
            except DecodeError as error:
                frame.camera_input.report(f'image skipped: {error}')
                continue
            images.append(image)
            whole = image.image if image.reduction == 1 else None
            looks.append(_Look(frame, image.size, whole, image.depth, image.world_from_camera))
        if not images:
            return
        answers = self._estimator.estimate_batch(images)
        for look, poses in zip(looks, answers, strict=True):
            self._publish(look, poses)

    def _open_image(self, frame: Frame) -> CameraImage:
        camera_input, parameters, started = frame.camera_input, self.parameters, time.monotonic()
        camera_input.statistics.add('wait', started - frame.received)
        intensity = camera_input.intensity
        if self._decode is None:
            opened: CompressedPicture | BgrImage = CompressedPicture(frame.msg)
        else:
            opened = self._decode(frame.msg, intensity)
        size = _size(opened)
        stamp, beside = frame.stamp, camera_input.auxiliary
        beside.note_frame(frame.msg.header.frame_id)
        camera, boxes = beside.camera_of(size), beside.boxes_of(stamp, parameters)
        pose = self._camera_pose(frame)
        if isinstance(opened, CompressedPicture):
            reduction = 1
            # A picture to draw on must not be reduced.
            if opened.is_jpeg and not camera_input.outputs.draws:
                reduction = self._estimator.reduction(
                    *(size, camera, stamp),
                    stream=camera_input.name,
                    boxes=boxes,
                    world_from_camera=pose,
                )
            opened = opened.decode(reduction, intensity)
        if getattr(frame.msg, 'encoding', '') == '16UC1':
            camera_input.log.warning(
                'image is 16UC1: taken for an infrared picture; depth belongs on depth_image'
            )
        if intensity.problem:
            camera_input.warn(f'no contrast: {intensity.problem}')
        camera_input.statistics.add('decode_image', time.monotonic() - started)
        depth = frame.depth(size, parameters)
        return CameraImage(
            *(opened, camera, stamp, camera_input.name, boxes, depth, size),
            rotation=camera_input.rotation,
            world_from_camera=pose,
        )

    def _lift(self, frames: Sequence[Frame]) -> None:
        for frame in frames:
            stamp = frame.stamp
            frame.camera_input.statistics.add('wait', time.monotonic() - frame.received)
            known = frame.camera_input.auxiliary.cameras.camera
            camera = known or assumed_camera(
                self.parameters.default_width,
                self.parameters.default_height,
                self.parameters.default_fov_deg,
                frame.camera_input.rotation,
            )
            size = camera.width, camera.height
            try:
                given = decode_keypoints(frame.msg, size, self.parameters.pose2d_keypoints)
            except DecodeError as error:
                frame.camera_input.report(f'message skipped: {error}')
                continue
            depth, pose = frame.depth(size, self.parameters), self._camera_pose(frame)
            poses = self._estimator.lift(
                given.points,
                given.scores,
                camera,
                stamp,
                skeleton=given.skeleton,
                stream=frame.camera_input.name,
                depth=depth,
                world_from_camera=pose,
            )
            self._publish(_Look(frame, size, None, depth, pose), poses)

    def _camera_pose(self, frame: Frame) -> NDArray[np.float64] | None:
        """``(4, 4)`` Where the camera was in `tracking_frame`; None if that is not known."""
        if self._camera_poses is None:
            return None
        name, log = frame.camera_input.name, frame.camera_input.log
        timeout = self.parameters.target_frame_timeout_s
        return self._camera_poses.at(name, frame.msg.header, timeout, log)

    def _publish(self, look: _Look, poses: Poses) -> None:
        camera_input, header, began = (
            look.frame.camera_input,
            look.frame.msg.header,
            time.monotonic(),
        )
        for stage, spent in self._estimator.stage_times.items():
            camera_input.statistics.add(stage, spent)
        unused = camera_input.auxiliary.depth_use.note(look.depth, poses)
        if unused:
            camera_input.warn(unused)
        mode = self.parameters.anonymise
        picture = camera_input.outputs.picture(look.image, poses, mode)
        try:
            camera_input.outputs.publish(
                poses, header, look.size, picture, self.parameters, look.world_from_camera
            )
        except TransformError as error:
            camera_input.report(f'no 3D is published: {error}')
            return
        camera_input.statistics.add('publish', time.monotonic() - began)
        camera_input.statistics.count('published')
        camera_input.statistics.people = len(poses)
        camera_input.statistics.postures = camera_input.outputs.postures
        figures: dict[str, float] = {'dropped': camera_input.statistics.total('dropped')}
        latency = self._measure_latency(look.frame)
        if latency is not None:
            figures['latency'] = round(1e3 * latency, 1)
        camera_input.outputs.show(picture, poses, figures)

    def _is_late(self, frame: Frame) -> bool:
        """Whether a newer image of this camera has been answered."""
        stamp, name = frame.stamp, frame.camera_input.name
        back = self._last_stamps.get(name, -math.inf) - stamp
        if 0 < back <= _JUMP_BACK_S:
            frame.camera_input.statistics.count('dropped')
            return True
        if 0 < back < math.inf:
            # The estimator then drops its tracks by itself.
            words = f'time went back: by {back:.1f} s; all tracks are forgotten'
            frame.camera_input.log.info(words, _REPEAT_S)
            if seconds(frame.msg.header):
                frame.camera_input.outputs.time_went_back()
        self._last_stamps[name] = stamp
        return False

    def _measure_latency(self, frame: Frame) -> float | None:
        """Publish and return the time from the image's stamp to now, s; None if unknown."""
        stamp, camera_input = seconds(frame.msg.header), frame.camera_input
        if not (stamp and frame.is_stamped):
            if not stamp:
                camera_input.log.warning(
                    'images have no stamp: the time of arrival is used, latency is not measured'
                )
            camera_input.statistics.unknown('end_to_end')
            return None
        now = self._clock.now().nanoseconds
        if not now:
            # Simulated time does not run; the watchdog reports it.
            camera_input.statistics.unknown('end_to_end')
            return None
        latency = now * 1e-9 - stamp
        if latency < -_CLOCKS_S:
            camera_input.log.warning(
                f'images are stamped in the future: by {-latency:.2f} s; the clocks of this '
                "machine and the camera's differ, latency is not measured"
            )
            camera_input.statistics.unknown('end_to_end')
            return None
        before = latency - (time.monotonic() - frame.received)
        if before > _LONG_WAY_S:
            camera_input.log.warning(
                f'images are old when they come: by {before:.1f} s; the clock of their machine is '
                'behind, the driver keeps them back, or a bag is played without --clock and '
                'use_sim_time; latency includes that'
            )
        latency = max(latency, 0.0)
        camera_input.statistics.add('end_to_end', latency)
        camera_input.outputs.publish_latency(latency)
        return latency


def _size(picture: CompressedPicture | BgrImage) -> tuple[int, int]:
    if isinstance(picture, CompressedPicture):
        return picture.size
    return picture.shape[1], picture.shape[0]
