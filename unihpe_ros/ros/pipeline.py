"""The parts of a configured node: camera inputs, worker thread, estimator, publishers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
import traceback

from rclpy.lifecycle import LifecycleNode
from unihpe_ros.engines import EngineError
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.ros.bodies import Bodies
from unihpe_ros.ros.camera_input import CameraInput, Frame
from unihpe_ros.ros.frame_handler import estimator_settings, FrameHandler
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.publishers import Publishers
from unihpe_ros.ros.statistics import Statistics
from unihpe_ros.ros.transforms import Transforms
from unihpe_ros.ros.worker import Worker
from unihpe_ros.web.feed import Feed
from unihpe_ros.web.server import WebView


class Pipeline:
    """
    Camera inputs, worker, estimator and publishers of a configured node.

    Its methods are called by the executor's thread; the worker's thread runs the FrameHandler.

    Parameters
    ----------
    node : LifecycleNode
        Node that subscribes and publishes.
    make_estimator : Callable[[Parameters], PoseEstimator]
        Loads the model.
    parameters : Parameters
        The node's parameters.
    statistics : Mapping[str, Statistics]
        Of each camera; they outlive the pipeline.

    Raises
    ------
    EngineError
        If the model can't be run.
    DecodeError, MissingPackageError
        If a package that is asked for is not there.
    WebError
        If the page's port is taken.

    """

    def __init__(
        self,
        node: LifecycleNode,
        make_estimator: Callable[[Parameters], PoseEstimator],
        parameters: Parameters,
        statistics: Mapping[str, Statistics],
    ) -> None:
        self._parameters = parameters
        self._worker: Worker[Frame] | None = None
        with ExitStack() as undo:
            transforms = bodies = None
            wishes = [
                f'{name} is {frame}'
                for name in ('target_frame', 'tracking_frame')
                if (frame := getattr(parameters, name))
            ]
            if wishes:
                transforms = Transforms(node, ', '.join(wishes))
                undo.callback(transforms.close)
            if parameters.ros4hri or parameters.bodies_tf:
                bodies = Bodies(
                    node,
                    parameters.cameras,
                    parameters.bodies_topic,
                    parameters.frame_prefix,
                    hri=parameters.ros4hri,
                )
                undo.callback(bodies.destroy)
            feeds: Mapping[str, Feed] = {}
            if parameters.web_port:
                web = WebView(parameters.web_port, parameters.web_address, parameters.cameras)
                undo.callback(web.close)
                feeds = web.feeds
                for name, feed in feeds.items():
                    feed.rotation = parameters.rotation_of(name)
                node.get_logger().info(f'people are shown on {web.url}')
            self.estimator = make_estimator(parameters)
            undo.callback(self.estimator.close)
            self._handler = FrameHandler(self.estimator, parameters, node, transforms)
            self._inputs: dict[str, CameraInput] = {}
            for name in parameters.cameras:
                outputs = Publishers(node, parameters, name, transforms, bodies, feeds.get(name))
                undo.callback(outputs.destroy)
                self._inputs[name] = CameraInput(node, name, parameters, statistics[name], outputs)
            self._undo = undo.pop_all()

    @property
    def is_active(self) -> bool:
        """Whether arriving images are processed."""
        return self._worker is not None

    @property
    def is_listening(self) -> bool:
        """Whether the image topics are subscribed to."""
        return any(camera_input.is_listening for camera_input in self._inputs.values())

    def start(self, listen: bool) -> None:
        """Process images; subscribe to them only if told so."""
        self.reset_tracks()
        self._publish_skeleton()
        self._worker = Worker(self._handle, self._on_error)
        for camera_input in self._inputs.values():
            camera_input.start(self._worker.submit)
        if listen:
            self.listen()

    def stop(self, patience: float | None = None) -> bool:
        """Remove the subscriptions and stop the worker, see `Worker.stop`."""
        try:
            for camera_input in self._inputs.values():
                camera_input.stop()
        finally:
            # A worker that has not ended yet is stopped again.
            if self._worker is not None and self._worker.stop(patience):
                self._worker = None
        return self._worker is None

    def close(self, patience: float | None = None) -> bool:
        """
        Stop, remove the topics and unload the model.

        Parameters
        ----------
        patience : float, optional
            See `Worker.stop`.

        Returns
        -------
        bool
            Whether it is done; if not, the engine is still running and its memory was not freed.

        """
        ended = True
        try:
            ended = self.stop(patience)
        finally:
            if ended:
                self._undo.close()
        return ended

    def listen(self) -> None:
        """Subscribe to the images, if active."""
        for camera_input in self._inputs.values():
            camera_input.listen(self._parameters)

    def ignore(self) -> None:
        """Drop the subscriptions, so that cameras that work on demand may rest."""
        for camera_input in self._inputs.values():
            camera_input.ignore()

    def reset_tracks(self) -> None:
        """Forget all tracks before the next image."""
        self.estimator.reset()

    def set_parameters(self, parameters: Parameters) -> None:
        """Apply parameters that may change at run time, from the next image on."""
        self._parameters = self._handler.parameters = parameters
        self.estimator.configure(estimator_settings(parameters))
        if self.is_active:
            self._publish_skeleton()
        for camera_input in self._inputs.values():
            if camera_input.is_listening:
                camera_input.follow(parameters)

    def missing_input(self, camera: str) -> str:
        """Return why no image of a camera arrives; empty if they arrive, or none is expected."""
        return self._inputs[camera].missing_input(self._parameters)

    def calibration(self, camera: str) -> str:
        """Return the calibration of a camera in a few words."""
        return self._inputs[camera].auxiliary.calibration

    def depth_use(self, camera: str) -> str:
        """Return the use of a camera's depth images in a few words."""
        if self._parameters.root_mode not in ('auto', 'depth'):
            return f'not read with root_mode {self._parameters.root_mode}'
        return self._inputs[camera].auxiliary.depth_use.state

    def _publish_skeleton(self) -> None:
        for camera_input in self._inputs.values():
            camera_input.outputs.publish_skeleton(self._parameters, self.estimator.spec.model)

    def _handle(self, frames: Sequence[Frame]) -> None:
        self._handler.handle(frames)

    def _on_error(self, error: Exception) -> None:
        text, trace = f'image skipped: {error}', ''
        if not isinstance(error, EngineError):
            trace = '\n' + ''.join(traceback.format_exception(error))
            text = f'image skipped: {error!r}'
        for camera_input in self._inputs.values():
            camera_input.report(text, trace)
