"""All that a configured node has: inputs, the worker with the estimator, outputs."""

from __future__ import annotations

from collections.abc import Callable
import time
import traceback

from rclpy.lifecycle import LifecycleNode
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.subscription import Subscription
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from unihpe_ros.engines import EngineError
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.ros.cameras import CameraSource
from unihpe_ros.ros.diagnostics import Statistics
from unihpe_ros.ros.frames import estimator_settings, Frame, FrameHandler
from unihpe_ros.ros.images import DecodeError
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.publishers import Publishers
from unihpe_ros.ros.watchdog import Watchdog
from unihpe_ros.ros.worker import Worker

ERROR_REPEAT_S = 5.0


class Pipeline:
    """
    From the image topic to the output topics.

    Its methods are called by the executor's thread; the worker's thread runs the FrameHandler.

    Parameters
    ----------
    node : LifecycleNode
        Node that subscribes and publishes.
    make_estimator : Callable[[Parameters], PoseEstimator]
        Loads the model.
    parameters : Parameters
        The node's parameters.
    statistics : Statistics
        Outlives the pipeline.

    Raises
    ------
    EngineError
        If the model can't be run.
    DecodeError
        If the image decoder that is asked for is not there.

    """

    def __init__(
        self,
        node: LifecycleNode,
        make_estimator: Callable[[Parameters], PoseEstimator],
        parameters: Parameters,
        statistics: Statistics,
    ) -> None:
        self._node = node
        self._parameters = parameters
        self._statistics = statistics
        self._watchdog = Watchdog(node, statistics)
        self._cameras = CameraSource(parameters.rectified)
        self._worker: Worker[Frame] | None = None
        self._images: Subscription | None = None
        self._camera_infos: Subscription | None = None
        self.estimator = make_estimator(parameters)
        self._handler = FrameHandler(self.estimator, self._cameras, parameters, statistics, node)
        self._outputs = Publishers(node, parameters.output_depth)

    @property
    def is_active(self) -> bool:
        """Whether images are worked on if they come."""
        return self._worker is not None

    @property
    def is_listening(self) -> bool:
        """Whether the image topic is subscribed to."""
        return self._images is not None

    def start(self, listen: bool) -> None:
        """Work on images; listen to them only if so asked."""
        self.reset_tracks()
        self._outputs.publish_skeleton(self._parameters, self.estimator.spec.model)
        self._worker = Worker(self._handle, self._on_error)
        self._camera_infos = self._node.create_subscription(
            CameraInfo, 'camera_info', self._on_camera_info, _newest(reliable=False)
        )
        if listen:
            self.listen()

    def stop(self) -> None:
        """Let go of the inputs and finish the image in work."""
        self.ignore()
        if self._camera_infos is not None:
            self._node.destroy_subscription(self._camera_infos)
            self._camera_infos = None
        if self._worker is not None:
            self._worker.stop()
            self._worker = None

    def close(self) -> None:
        """Stop, remove the topics and unload the model."""
        self.stop()
        self._outputs.destroy()
        self.estimator.close()

    def listen(self) -> None:
        """Subscribe to the images, if active."""
        if not self.is_active or self.is_listening:
            return
        compressed = self._parameters.image_transport == 'compressed'
        self._images = self._node.create_subscription(
            CompressedImage if compressed else Image,
            'image/compressed' if compressed else 'image',
            self._on_image,
            _newest(reliable=self._parameters.image_qos == 'reliable'),
        )
        self._watchdog.start()

    def ignore(self) -> None:
        """Drop the subscription, so that a camera that works on demand may rest."""
        if self._images is not None:
            self._node.destroy_subscription(self._images)
            self._images = None

    def reset_tracks(self) -> None:
        """Forget all tracks before the next image."""
        self.estimator.reset()

    def set_parameters(self, parameters: Parameters) -> None:
        """Take over parameters that may change at run time; they hold for the next image."""
        self._parameters = parameters
        self.estimator.configure(estimator_settings(parameters))
        if self.is_active:
            self._outputs.publish_skeleton(parameters, self.estimator.spec.model)

    def missing_input(self) -> str:
        """Return why no image comes; empty if they come, or none is expected."""
        if self._images is None or self._camera_infos is None:
            return ''
        blind = self._cameras.camera is None
        return self._watchdog.check(self._images, self._camera_infos, self._parameters, blind)

    def _handle(self, frame: Frame) -> None:
        self._handler.handle(frame, self._outputs)

    def _on_image(self, msg: Image | CompressedImage) -> None:
        self._statistics.received(len(msg.data))
        if self._worker is not None and self._worker.submit(Frame(msg, time.monotonic())):
            self._statistics.count('dropped')

    def _on_camera_info(self, msg: CameraInfo) -> None:
        try:
            self._cameras.update(msg)
        except ValueError as error:
            self._report(f'camera_info is not used: {error}')

    def _on_error(self, error: Exception) -> None:
        if isinstance(error, (DecodeError, EngineError)):
            self._report(f'image skipped: {error}')
        else:
            trace = ''.join(traceback.format_exception(error))
            self._report(f'image skipped: {error!r}', f'\n{trace}')

    def _report(self, text: str, trace: str = '') -> None:
        self._statistics.error(text)
        self._node.get_logger().error(text + trace, throttle_duration_sec=ERROR_REPEAT_S)


def _newest(*, reliable: bool) -> QoSProfile:
    # A deeper queue makes a slow reader late by its length: 320 ms at depth 10 against 19 ms.
    reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(history=HistoryPolicy.KEEP_LAST, depth=1, reliability=reliability)
