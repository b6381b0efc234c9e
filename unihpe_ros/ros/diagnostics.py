"""The /diagnostics message of the node: state and figures of each camera."""

from __future__ import annotations

from collections.abc import Mapping
import math

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from rclpy.node import Node
from rclpy.time import Time
from unihpe_ros.core.process_memory import resident_mb
from unihpe_ros.ros.camera_input import ERROR_REPEAT_S
from unihpe_ros.ros.pipeline import Pipeline
from unihpe_ros.ros.statistics import Statistics


def health(
    camera: str, statistics: Statistics, pipeline: Pipeline | None, failure: str, rest: str
) -> tuple[bytes, str]:
    """
    Return how serious a camera's state is, and what it is.

    Parameters
    ----------
    camera : str
        Its name; empty for the only one.
    statistics : Statistics
        Its statistics.
    pipeline : Pipeline, optional
        The node's, once it is configured.
    failure : str
        Why the last transition failed; empty if it did not.
    rest : str
        What the node does without a pipeline.

    """
    if failure:
        return DiagnosticStatus.ERROR, failure
    if pipeline is None:
        return DiagnosticStatus.OK, rest
    if not pipeline.is_active:
        return DiagnosticStatus.OK, 'inactive'
    if not pipeline.is_listening:
        return DiagnosticStatus.OK, 'disabled'
    # Asked in any case: it looks for missing inputs. A reason to refuse images matters more than
    # dropped images.
    missing = pipeline.missing_input(camera)
    problem = statistics.recent_error(ERROR_REPEAT_S) or missing
    if problem:
        return DiagnosticStatus.WARN, problem
    return DiagnosticStatus.OK, 'estimating'


def describe(
    node: Node,
    camera: str,
    statistics: Statistics,
    pipeline: Pipeline | None,
    state: tuple[bytes, str],
) -> DiagnosticArray:
    """Return the report on a camera whose `health` is known."""
    figures, hardware = statistics.report(), ''
    if pipeline is not None:
        estimator = pipeline.estimator
        hardware, memory = estimator.spec.model, resident_mb()
        figures = {
            'backend': estimator.backend,
            'camera_info': pipeline.calibration(camera),
            'depth': pipeline.depth_use(camera),
            'memory_mb': 'unknown' if math.isnan(memory) else f'{memory:.0f}',
            **figures,
        }
    name = node.get_fully_qualified_name().lstrip('/')
    name = f'{name}: {camera}' if camera else name
    return to_diagnostics(name, hardware, *state, figures, node.get_clock().now())


def to_diagnostics(
    name: str, hardware: str, level: bytes, message: str, figures: Mapping[str, str], now: Time
) -> DiagnosticArray:
    """
    Write a report as the message of topic /diagnostics.

    Parameters
    ----------
    name : str
        Who reports.
    hardware : str
        Model and engine in use.
    level : bytes
        DiagnosticStatus.OK, WARN or ERROR.
    message : str
        One line for a person.
    figures : Mapping[str, str]
        Key and value of each figure.
    now : Time
        Stamp of the report.

    """
    status = DiagnosticStatus(
        level=level,
        name=name,
        message=message,
        hardware_id=hardware,
        values=[KeyValue(key=key, value=value) for key, value in figures.items()],
    )
    report = DiagnosticArray(status=[status])
    report.header.stamp = now.to_msg()
    return report
