"""One parameter of the node: its field, the check of its value, and how ROS sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import Field, field
import math
import re
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

VALUE_KINDS = {
    bool: 'true or false',
    int: 'a whole number',
    float: 'a number',
    str: 'a text',
    tuple: 'a list of texts',
}
# Expected values of parameters whose type is not enough.
_EXPECTED = {
    'image_rotation': '0, 90, 180 or 270, or a list of them',
    'intensity_range': 'auto, full, or two rising numbers',
}
_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')
_MOST_NAMES = 16


def parameter(
    default: bool | int | float | str | tuple[str, ...] | tuple[int, ...],
    description: str,
    *,
    choices: Iterable[str] = (),
    limits: tuple[float, float] | None = None,
    zero: bool = False,
    fixed: bool = False,
) -> Any:
    """
    Return the field of a parameter for a dataclass.

    Parameters
    ----------
    default : bool | int | float | str | tuple[str, ...] | tuple[int, ...]
        Its value where none is given.
    description : str
        What it does, for ROS, README and config/pose.yaml.
    choices : Iterable[str]
        The only values; empty for any.
    limits : tuple[float, float], optional
        Smallest and largest number.
    zero : bool
        Whether 0 is allowed outside the limits.
    fixed : bool
        Whether it can be set only at start.

    """
    about = {
        'description': description,
        'choices': tuple(choices),
        'limits': limits,
        'zero': zero,
        'fixed': fixed,
    }
    return field(default=default, metadata=about)


def checked(item: Field[Any], value: Any) -> Any:
    """
    Return a value as the parameter holds it.

    Parameters
    ----------
    item : Field[Any]
        The parameter.
    value : Any
        What was given.

    Raises
    ------
    ValueError
        If it has the wrong type or lies outside the range.

    """
    kind = type(item.default)
    if item.name == 'image_rotation':
        return _rotations(item, value)
    if item.name == 'intensity_range':
        return _range(item, value)
    if kind is tuple:
        return _names(item, value)
    # A double parameter accepts an integer, because people type `1` for 1.0.
    if kind is float and type(value) is int:
        value = float(value)
    # YAML reads off without quotes as false.
    if value is False and 'off' in item.metadata['choices']:
        value = 'off'
    if type(value) is not kind:
        raise ValueError(f'{item.name}: expected {VALUE_KINDS[kind]}, got {value!r}')
    choices, limits, zero = (item.metadata[name] for name in ('choices', 'limits', 'zero'))
    if choices and value not in choices:
        raise ValueError(f'{item.name}: expected one of {", ".join(choices)}; got {value!r}')
    if limits and not (limits[0] <= value <= limits[1] or (zero and value == 0)):
        raise ValueError(f'{item.name}: expected {range_of(item)}, got {value}')
    return value


def range_of(item: Field[Any]) -> str:
    """Return the range of a number in words."""
    low, high = item.metadata['limits']
    return f'{"0, or " if item.metadata["zero"] else ""}{low} to {high}'


def expected_of(item: Field[Any]) -> str:
    """Return the expected values of a parameter in words, without its choices and limits."""
    return _EXPECTED.get(item.name, VALUE_KINDS[type(item.default)])


def _rotations(item: Field[Any], value: Any) -> tuple[int, ...]:
    """Return a quarter turn for all cameras, or one for each."""
    values = value
    if isinstance(value, str):
        values = re.findall(r'[^,\s]+', value.strip(' []'))
    elif isinstance(value, int):
        values = [value]
    values = tuple(map(str, values)) if isinstance(values, Iterable) else ()
    if not values or not set(values) <= set(item.metadata['choices']) or len(values) > _MOST_NAMES:
        raise ValueError(f'{item.name}: expected {expected_of(item)}; got {value!r}')
    return tuple(map(int, values))


def _range(item: Field[Any], value: Any) -> str:
    """Return auto, full, or two numbers as text."""
    if value in ('auto', 'full'):
        return str(value)
    parts = re.findall(r'[^,\s]+', value.strip(' []')) if isinstance(value, str) else value
    try:
        low, high = (float(part) for part in parts)
    except (TypeError, ValueError):
        low = high = math.nan
    if not 0 <= low < high <= 65535:
        raise ValueError(
            f'{item.name}: expected {expected_of(item)} from 0 to 65535; got {value!r}'
        )
    return f'{low:g}, {high:g}'


def _names(item: Field[Any], value: Any) -> tuple[str, ...]:
    """Return the names of cameras; ('',) for a single camera whose topics have no prefix."""
    # An empty list in a file arrives as None.
    value = () if value is None else value
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise ValueError(f'{item.name}: expected {VALUE_KINDS[tuple]}, got {value!r}')
    names = tuple(value)
    if names in ((), ('',)):
        return ('',)
    if len(names) > _MOST_NAMES or len(set(names)) < len(names):
        raise ValueError(
            f'{item.name}: expected at most {_MOST_NAMES} names, all different; got {value!r}'
        )
    for name in names:
        if not _NAME.fullmatch(name):
            raise ValueError(
                f'{item.name}: expected letters, digits and _, a letter first; got {name!r}'
            )
    return names


def descriptor_of(item: Field[Any]) -> ParameterDescriptor:
    """Return the ROS descriptor of a parameter."""
    descriptor = ParameterDescriptor(
        name=item.name,
        description=item.metadata['description'],
        read_only=item.metadata['fixed'],
        # rclpy's own type check refuses an integer for a double, so that ours is used.
        dynamic_typing=True,
    )
    if item.metadata['choices']:
        descriptor.additional_constraints = 'one of ' + ', '.join(item.metadata['choices'])
    limits = item.metadata['limits']
    if item.metadata['zero']:
        # ROS has no range with a gap.
        descriptor.additional_constraints, limits = range_of(item), (0.0, limits[1])
    if limits and isinstance(item.default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=limits[0], to_value=limits[1])
        ]
    elif limits:
        descriptor.integer_range = [IntegerRange(from_value=limits[0], to_value=limits[1])]
    return descriptor
