"""Run the node in a process: signal handlers, executor, exit status."""

from __future__ import annotations

import os
import signal
import sys

import rclpy
from rclpy.executors import ExternalShutdownException, SingleThreadedExecutor
from rclpy.signals import SignalHandlerOptions
from unihpe_ros.ros.node import (
    EstimatorFactory,
    make_estimator,
    PATIENCE_S,
    PoseEstimatorNode,
)
from unihpe_ros.ros.start_errors import cause_of_no_ros


def main(
    args: list[str] | None = None, estimator_factory: EstimatorFactory = make_estimator
) -> int:
    """Run the node until SIGINT or SIGTERM; return the exit status."""
    received: list[int] = []

    def stop(number: int, frame: object) -> None:
        # Under launch, Ctrl-C sends SIGINT twice. An interpreter that is about to end has no
        # handlers any more, so that the second signal would kill it, with status -2.
        del frame
        signal.signal(number, signal.SIG_IGN)
        received.append(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    try:
        rclpy.init(args=args, signal_handler_options=SignalHandlerOptions.NO)
    except Exception as error:  # noqa: BLE001 - rclpy's own errors have no name outside of it.
        print(f'pose_estimator: error: {cause_of_no_ros(error)}', file=sys.stderr)
        return 1
    node = PoseEstimatorNode(estimator_factory=estimator_factory)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    try:
        if node.parameters.autostart:
            executor.create_task(node.bring_up)
        while not received:
            executor.spin_once(timeout_sec=0.2)
    except ExternalShutdownException:
        pass
    finally:
        executor.shutdown()
        is_idle = node.release(PATIENCE_S)
        node.destroy_node()
        rclpy.try_shutdown()
        # Launch sends SIGTERM 5 s after SIGINT. On a busy machine the interpreter may still be
        # ending then: it has no handlers any more, but ignored signals stay ignored.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
    if node.is_loading or not is_idle:
        # At the end of the interpreter, threads inside C++ code would abort the process.
        sys.stderr.flush()
        os._exit(0)
    return 0
