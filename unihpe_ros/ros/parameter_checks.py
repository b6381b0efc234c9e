"""Check parameter values, and describe their types and ranges to ROS."""

from __future__ import annotations

from dataclasses import Field
import re
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

KINDS = {
    bool: 'true or false',
    int: 'a whole number',
    float: 'a number',
    str: 'a text',
    tuple: 'a list of texts',
}
_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')
_MOST_NAMES = 16


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
    if kind is tuple:
        return _names(item, value)
    # A double parameter takes an integer, as a person who types `1` for 1.0 expects.
    if kind is float and type(value) is int:
        value = float(value)
    if type(value) is not kind:
        raise ValueError(f'{item.name}: expected {KINDS[kind]}, got {value!r}')
    choices, limits, zero = (item.metadata[name] for name in ('choices', 'limits', 'zero'))
    if choices and value not in choices:
        raise ValueError(f'{item.name}: expected one of {", ".join(choices)}; got {value!r}')
    if limits and not (limits[0] <= value <= limits[1] or (zero and value == 0)):
        raise ValueError(f'{item.name}: expected {range_of(item)}, got {value}')
    return value


def range_of(item: Field[Any]) -> str:
    """Return in words what a number may be."""
    low, high = item.metadata['limits']
    return f'{"0, or " if item.metadata["zero"] else ""}{low} to {high}'


def _names(item: Field[Any], value: Any) -> tuple[str, ...]:
    """Return names under which topics are; none, or an empty one, is for a single unnamed."""
    # An empty list in a file arrives as nothing at all.
    value = () if value is None else value
    if not isinstance(value, (list, tuple)) or not all(isinstance(name, str) for name in value):
        raise ValueError(f'{item.name}: expected {KINDS[tuple]}, got {value!r}')
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
    """Return what ROS tells of a parameter."""
    descriptor = ParameterDescriptor(
        name=item.name,
        description=item.metadata['description'],
        read_only=item.metadata['fixed'],
        # rclpy's own check of types refuses an integer for a double: ours decides.
        dynamic_typing=True,
    )
    if item.metadata['choices']:
        descriptor.additional_constraints = 'one of ' + ', '.join(item.metadata['choices'])
    limits = item.metadata['limits']
    if item.metadata['zero']:
        # ROS knows no range with a gap.
        descriptor.additional_constraints, limits = range_of(item), (0.0, limits[1])
    if limits and isinstance(item.default, float):
        descriptor.floating_point_range = [
            FloatingPointRange(from_value=limits[0], to_value=limits[1])
        ]
    elif limits:
        descriptor.integer_range = [IntegerRange(from_value=limits[0], to_value=limits[1])]
    return descriptor
