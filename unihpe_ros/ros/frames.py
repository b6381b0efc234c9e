"""What happens to one image: decode, estimate, publish, measure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
import time

import numpy as np
from numpy.typing import NDArray
from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import SKELETONS
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.ros.cameras import CameraSource
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.diagnostics import Statistics
from unihpe_ros.ros.images import make_decoder
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.publishers import Publishers

# A stamp that is older by less is an image that was overtaken, by more a bag that began anew.
_JUMP_BACK_S = 0.1


@dataclass(frozen=True)
class Frame:
    """
    An image and when it came.

    Parameters
    ----------
    msg : Image | CompressedImage
        The message.
    received : float
        time.monotonic() of the callback, s.

    """

    msg: Image | CompressedImage
    received: float


def estimator_settings(parameters: Parameters) -> EstimatorSettings:
    """Return what of the parameters is the estimator's."""
    mode = parameters.root_mode
    return EstimatorSettings(
        max_people=parameters.max_people,
        score_threshold=parameters.score_threshold,
        agreement_threshold=parameters.agreement_threshold,
        root_mode='auto' if mode == 'auto' else RootMode(mode),
        person_height_m=parameters.person_height_m,
        default_fov_deg=parameters.default_fov_deg,
        detector='none' if parameters.detector == 'none' else 'builtin',
        detect_every=parameters.detect_every,
        search_crops=parameters.search_crops,
        confirm_time=parameters.confirm_time_s,
        track_timeout=parameters.track_timeout_s,
        lost_timeout=parameters.lost_timeout_s,
        smoothing=parameters.smoothing,
        smooth_min_cutoff=parameters.smooth_min_cutoff_hz,
        smooth_beta=parameters.smooth_beta,
        fixed_bones=parameters.fixed_bones,
    )


class FrameHandler:
    """
    Turns image messages into published poses, in the worker's thread.

    Parameters
    ----------
    estimator : PoseEstimator
        Image to poses.
    cameras : CameraSource
        Where the camera comes from.
    parameters : Parameters
        The node's parameters.
    statistics : Statistics
        Where the times go.
    node : Node
        Lends its clock, to which image stamps are compared, and its logger.

    Raises
    ------
    DecodeError
        If the image decoder that is asked for is not there.

    """

    def __init__(
        self,
        estimator: PoseEstimator,
        cameras: CameraSource,
        parameters: Parameters,
        statistics: Statistics,
        node: Node,
    ) -> None:
        self._estimator = estimator
        self._cameras = cameras
        self._statistics = statistics
        self._clock = node.get_clock()
        self._logger = node.get_logger()
        self._skeleton = SKELETONS[parameters.keypoints]
        self._decode: Callable[..., NDArray[np.uint8]] = decode_compressed
        if parameters.image_transport == 'raw':
            self._decode = make_decoder(parameters.image_decoder)
        self._last_stamp = -np.inf

    def handle(self, frame: Frame, outputs: Publishers) -> None:
        """
        Publish the people of one image.

        Parameters
        ----------
        frame : Frame
            The image.
        outputs : Publishers
            Where the poses go.

        Raises
        ------
        DecodeError
            If the message does not hold an image.
        EngineError
            If the engine fails.

        """
        header, started = frame.msg.header, time.monotonic()
        stamp = _seconds(header)
        if self._is_late(stamp or frame.received):
            self._statistics.count('dropped')
            return
        self._statistics.add('wait', started - frame.received)
        image = self._decode(frame.msg)
        self._statistics.add('decode_image', time.monotonic() - started)
        poses = self._estimator.estimate(image, self._camera(image), stamp or frame.received)
        for stage, seconds in self._estimator.stage_times.items():
            self._statistics.add(stage, seconds)
        estimated = time.monotonic()
        outputs.publish(poses.to(self._skeleton), header, image)
        self._statistics.add('publish', time.monotonic() - estimated)
        self._statistics.count('published')
        self._statistics.people = len(poses)
        self._measure_latency(stamp, outputs)

    def _is_late(self, stamp: float) -> bool:
        back = self._last_stamp - stamp
        if 0 < back <= _JUMP_BACK_S:
            return True
        if 0 < back < np.inf:
            self._logger.info(f'time went back by {back:.1f} s: all tracks are forgotten')
            self._estimator.reset()
        self._last_stamp = stamp
        return False

    def _camera(self, image: NDArray[np.uint8]) -> Camera | None:
        camera = self._cameras.camera
        height, width = image.shape[:2]
        if camera is not None and (camera.width, camera.height) != (width, height):
            self._logger.error(
                f'camera_info is of {camera.width}x{camera.height}, the image is {width}x{height}:'
                ' it is not used',
                throttle_duration_sec=30.0,
            )
            return None
        return camera

    def _measure_latency(self, stamp: float, outputs: Publishers) -> None:
        if not stamp:
            self._logger.warning(
                'images have no stamp: the time of arrival is used, latency is not measured',
                once=True,
            )
            return
        latency = self._clock.now().nanoseconds * 1e-9 - stamp
        self._statistics.add('end_to_end', latency)
        outputs.publish_latency(latency)


def _seconds(header: Header) -> float:
    return float(header.stamp.sec + 1e-9 * header.stamp.nanosec)
