"""The lifecycle node `pose_estimator`."""

from __future__ import annotations

from collections.abc import Callable
import sys
import traceback

from diagnostic_msgs.msg import DiagnosticArray
from rcl_interfaces.msg import SetParametersResult
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from rclpy.parameter import Parameter
from std_srvs.srv import SetBool, Trigger
from unihpe_ros.engines import EngineError
from unihpe_ros.estimator import PoseEstimator, PrecisionNote
from unihpe_ros.ros.build_log import BuildLog
from unihpe_ros.ros.diagnostics import describe, health
from unihpe_ros.ros.frame_handler import estimator_settings
from unihpe_ros.ros.malloc import keep_image_buffers
from unihpe_ros.ros.model_loading import load_before_configure, Loading
from unihpe_ros.ros.parameter_files import (
    unknown_overrides,
    unknown_parameters,
    unmatched_files,
)
from unihpe_ros.ros.parameters import declare_parameters, Parameters
from unihpe_ros.ros.pipeline import Pipeline
from unihpe_ros.ros.statistics import Statistics

REPORT_PERIOD_S = 1.0
# Longest time that the image in work may keep the process from ending.
PATIENCE_S = 0.5
# The same for a transition, during which the node answers nothing: many times what an image takes.
_TRANSITION_PATIENCE_S = 5.0

SUCCESS = TransitionCallbackReturn.SUCCESS
# Errors of a model or a parameter, whose message says what to do.
_FORESEEN = (EngineError, ValueError, OSError)


class HangingEngineError(RuntimeError):
    """The engine does not return from an image; its memory cannot be freed."""


EstimatorFactory = Callable[[Parameters], PoseEstimator]


def make_estimator(parameters: Parameters) -> PoseEstimator:
    """Load the model that the parameters name."""
    return PoseEstimator(
        parameters.model,
        estimator_settings(parameters),
        backend=parameters.backend,
        threads=parameters.threads,
        precision=parameters.precision,
        streams=len(parameters.cameras),
        detector=parameters.detector_model,
        detect_beside=parameters.detect_beside,
        model_2d=parameters.model_2d,
        progress=BuildLog(),
    )


class PoseEstimatorNode(LifecycleNode):
    """
    Images in, skeletons out.

    Parameters
    ----------
    estimator_factory : EstimatorFactory
        Makes the estimator when the node is configured.
    **options
        Passed on to the rclpy node.

    """

    def __init__(
        self, *, estimator_factory: EstimatorFactory = make_estimator, **options: object
    ) -> None:
        super().__init__('pose_estimator', **options)
        self._make_estimator = estimator_factory
        self.parameters, self._problems = declare_parameters(self)
        for note in (
            *unknown_parameters(self),
            *unmatched_files(sys.argv, self.get_fully_qualified_name()),
        ):
            self.get_logger().warning(note)
        self._loading = Loading(lambda: self._make_estimator(self.parameters))
        load_before_configure(self, self._loading, self._is_ready_to_load)
        self.add_on_set_parameters_callback(self._on_parameters)
        self._statistics = {name: Statistics() for name in self.parameters.cameras}
        self._pipeline: Pipeline | None = None
        self._leaving: list[Pipeline] = []
        self._enabled = True
        self._failure = ''
        self._has_ended = False
        self._reports = self.create_publisher(DiagnosticArray, '/diagnostics', 1)
        # A steady clock, so that checks go on while simulated time stands still.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(REPORT_PERIOD_S, self._on_timer, clock=steady)
        self.create_service(SetBool, '~/enable', self._on_enable)
        self.create_service(Trigger, '~/reset_tracks', self._on_reset)

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model and announce the topics; on failure say why and stay unconfigured."""
        self._failure = ''
        result = self._attempt('cannot be configured', self._configure, _FORESEEN)
        return super().on_configure(state) if result == SUCCESS else result

    async def bring_up(self) -> None:
        """Configure and activate, and serve others while the model is loaded."""
        if self._is_ready_to_load():
            await self._loading.load()
        if self._has_ended:
            self._loading.discard()
        elif self.trigger_configure() == SUCCESS:
            self.trigger_activate()

    @property
    def is_loading(self) -> bool:
        """Whether the model is being loaded."""
        return self._loading.is_busy

    def _is_ready_to_load(self) -> bool:
        return self._pipeline is None and not self._problems and not self._has_ended

    def _attempt(
        self, what: str, step: Callable[[], object], foreseen: tuple[type[Exception], ...] = ()
    ) -> TransitionCallbackReturn:
        """Run a step of a transition and log its error, which rclpy would drop silently."""
        try:
            step()
        except foreseen as error:
            self._failure = f'{what}: {error}'
            self.get_logger().error(self._failure)
            return TransitionCallbackReturn.FAILURE
        except HangingEngineError as error:
            self._failure = f'{what}: {error}'
            self.get_logger().error(self._failure)
            return TransitionCallbackReturn.ERROR
        except Exception as error:  # noqa: BLE001 - whatever it is, it is processed and told.
            # The first of several is the cause.
            self._failure = self._failure or f'{what}: {error!r}'
            trace = ''.join(traceback.format_exception(error))
            self.get_logger().error(f'{what}:\n{trace}')
            return TransitionCallbackReturn.ERROR
        return SUCCESS

    def _loaded(self, parameters: Parameters) -> PoseEstimator:
        estimator: PoseEstimator | None = self._loading.take()
        if estimator is None:
            return self._make_estimator(parameters)
        # They may have changed while it was loaded.
        estimator.configure(estimator_settings(parameters))
        return estimator

    def _configure(self) -> None:
        if self._problems:
            raise ValueError('; '.join(self._problems.values()))
        if self.parameters.tune_malloc and not keep_image_buffers():
            self.get_logger().info('tune_malloc: this C library has no mallopt')
        self._pipeline = Pipeline(self, self._loaded, self.parameters, self._statistics)
        for note in unknown_overrides(self):
            self.get_logger().warning(note)
        estimator = self._pipeline.estimator
        for note in estimator.notes:
            # Separate lines of code: rclpy allows only one severity for each line.
            if isinstance(note, PrecisionNote):
                self.get_logger().info(note)
            else:
                self.get_logger().warning(note)
        self.get_logger().info(f'{estimator.spec.model} on {estimator.backend}')

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Process images."""
        super().on_activate(state)
        return self._attempt('cannot be activated', self._start)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Process no more images, but keep the model."""
        result = self._attempt('cannot be deactivated', self._stop)
        super().on_deactivate(state)
        return result

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unload the model."""
        result = self._attempt('cannot be cleaned up', self._unload)
        super().on_cleanup(state)
        return result

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Stop and unload, from whatever state; nothing keeps the node from its end."""
        self._has_ended = True
        self._attempt('cannot be unloaded', self._unload)
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Release everything and return to unconfigured."""
        self._attempt('cannot be unloaded', lambda: self.release(PATIENCE_S))
        return super().on_error(state)

    def _start(self) -> None:
        if self._pipeline is not None:
            self._pipeline.start(listen=self._enabled)

    def _stop(self) -> None:
        _check_idle(self._pipeline is None or self._pipeline.stop(_TRANSITION_PATIENCE_S))

    def _unload(self) -> None:
        _check_idle(self.release(_TRANSITION_PATIENCE_S))

    def destroy_node(self) -> None:
        """Join the worker before what it publishes with is gone, unless it is known to hang."""
        self.release(0.0 if self._leaving else None)
        super().destroy_node()

    def release(self, patience: float | None = None) -> bool:
        """Release what `on_configure` made; return whether it is done, see `Pipeline.close`."""
        if self._pipeline is not None:
            self._leaving.append(self._pipeline)
            self._pipeline = None
        self._leaving = [left for left in self._leaving if not left.close(patience)]
        return not self._leaving

    def _on_parameters(self, changed: list[Parameter]) -> SetParametersResult:
        ours = {p.name: p.value for p in changed if p.name in Parameters.__dataclass_fields__}
        if not ours:
            # A person's human_description, which is not an input of the node.
            return SetParametersResult(successful=True)
        try:
            self.parameters = self.parameters.updated(ours)
        except ValueError as error:
            return SetParametersResult(successful=False, reason=str(error))
        for name in ours:
            self._problems.pop(name, None)
        if self._pipeline is not None:
            self._pipeline.set_parameters(self.parameters)
        return SetParametersResult(successful=True)

    def _on_enable(self, request: SetBool.Request, response: SetBool.Response) -> SetBool.Response:
        self._enabled = request.data
        if self._pipeline is not None and self._enabled:
            self._pipeline.listen()
        elif self._pipeline is not None:
            self._pipeline.ignore()
        response.success = True
        states = [self._health(name) for name in self._statistics]
        response.message = max(states, key=lambda state: state[0])[1]
        return response

    def _on_reset(self, request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
        del request
        response.success = self._pipeline is not None
        response.message = 'tracks are forgotten' if response.success else 'not configured'
        if self._pipeline is not None:
            self._pipeline.reset_tracks()
        return response

    def _on_timer(self) -> None:
        reports = [self._report(name) for name in self._statistics]
        reports[0].status = [status for report in reports for status in report.status]
        self._reports.publish(reports[0])

    def _report(self, camera: str) -> DiagnosticArray:
        state = self._health(camera)
        return describe(self, camera, self._statistics[camera], self._pipeline, state)

    def _health(self, camera: str) -> tuple[bytes, str]:
        rest = 'finalized' if self._has_ended else 'unconfigured'
        rest = 'loading the model' if self.is_loading else rest
        return health(camera, self._statistics[camera], self._pipeline, self._failure, rest)


def _check_idle(is_idle: bool) -> None:
    if not is_idle:
        raise HangingEngineError(
            f'the engine has been at work on an image for {_TRANSITION_PATIENCE_S:.0f} s; '
            'end the process if it does not come back'
        )
