"""The parameters of the node, declared to ROS and checked; fixed ones are set at start alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from unihpe_ros.core.resources import MODEL
from unihpe_ros.ros.input_parameters import InputParameters
from unihpe_ros.ros.output_parameters import OutputParameters
from unihpe_ros.ros.parameter_checks import checked, descriptor_of, parameter
from unihpe_ros.ros.people_parameters import PeopleParameters


@dataclass(frozen=True)
class NodeParameters:
    """Parameters of the network, its engine and the start of the node."""

    model: str = parameter(
        MODEL,
        'Name of a shipped model, or path of an exported one',
        fixed=True,
    )
    model_2d: str = parameter(
        '',
        'ONNX file of another 2D network, which then finds the 2D keypoints; of the model, only '
        'the lifting to 3D is used',
        fixed=True,
    )
    backend: str = parameter(
        'auto',
        'Engine that runs the model: auto for the fastest one that works here, or a name such '
        'as onnxruntime-cpu, which is used or the node fails',
        fixed=True,
    )
    threads: int = parameter(
        0, 'CPU threads of the engine; 0 lets the engine choose', limits=(0, 256), fixed=True
    )
    precision: str = parameter(
        'auto',
        'What the networks compute in on a CPU: int8 takes the copies that unihpe quantise makes, '
        'auto takes them where they were measured to be faster on this processor',
        choices=('auto', 'fp32', 'int8'),
        fixed=True,
    )
    autostart: bool = parameter(
        True, 'Configure and activate at start; false waits for lifecycle commands', fixed=True
    )
    tune_malloc: bool = parameter(
        True,
        'Keep freed image buffers in the process instead of returning them to the system (Linux)',
        fixed=True,
    )
    watchdog_s: float = parameter(
        5.0,
        'Time without images after which the likely cause is logged, s; 0 is never',
        limits=(0.0, 3600.0),
    )


# The order of the fields is that of the bases from right to left.
@dataclass(frozen=True)
class Parameters(OutputParameters, PeopleParameters, InputParameters, NodeParameters):
    """All parameters of the node."""

    def updated(self, values: Mapping[str, object]) -> Parameters:
        """
        Return a copy with some values replaced.

        Parameters
        ----------
        values : Mapping[str, object]
            New values by name.

        Raises
        ------
        ValueError
            If a name is unknown or a value has the wrong type or lies outside its range.

        """
        known = {item.name: item for item in fields(self)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(
                f'unknown parameter {", ".join(unknown)}; expected {", ".join(known)}'
            )
        return replace(
            self, **{name: checked(known[name], value) for name, value in values.items()}
        )


def declare_parameters(node: Node) -> tuple[Parameters, dict[str, str]]:
    """
    Declare all parameters with their descriptors and read the values given at start.

    An unusable value raises no error: the node has to stay alive to report it.

    Parameters
    ----------
    node : Node
        Node that gets the parameters.

    Returns
    -------
    parameters : Parameters
        The values; the default where the given one can't be used.
    problems : dict[str, str]
        What is wrong, by parameter.

    """
    parameters, problems = Parameters(), {}
    for item in fields(Parameters):
        name, descriptor = item.name, descriptor_of(item)
        default = list(item.default) if isinstance(item.default, tuple) else item.default
        try:
            given = node.declare_parameter(name, default, descriptor).value
            parameters = parameters.updated({name: given})
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            node.declare_parameter(name, default, descriptor, ignore_override=True)
            problems[name] = str(error)
        except ValueError as error:
            problems[name] = str(error)
    turns, cameras = parameters.image_rotation, parameters.cameras
    if len(turns) not in (1, len(cameras)):
        problems['image_rotation'] = (
            f'image_rotation: expected one for all cameras, or {len(cameras)} for '
            f'{", ".join(cameras)}; got {list(turns)}'
        )
    return parameters, problems
