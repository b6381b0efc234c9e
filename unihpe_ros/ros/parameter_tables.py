"""Generate config/pose.yaml and the parameter table of the README."""

from __future__ import annotations

from dataclasses import fields
import textwrap
from typing import Any

from unihpe_ros.ros.parameter_checks import expected_of, range_of
from unihpe_ros.ros.parameters import Parameters


def markdown_table() -> str:
    """Return the table of all parameters for the README."""
    lines = ['| parameter | default | values | at run time | meaning |', '|---|---|---|---|---|']
    for item in fields(Parameters):
        about = item.metadata
        values = ', '.join(f'`{choice}`' for choice in about['choices'])
        if about['limits']:
            values = range_of(item)
        values = values or expected_of(item)
        live = 'no' if about['fixed'] else 'yes'
        lines.append(
            f'| `{item.name}` | `{_yaml(item.default)}` | {values} | {live} '
            f'| {about["description"]} |'
        )
    return '\n'.join(lines) + '\n'


def yaml_file() -> str:
    """Return the text of config/pose.yaml: every parameter at its default, with its meaning."""
    lines = ['/**:', '  ros__parameters:']
    for item in fields(Parameters):
        choices = ' | '.join(item.metadata['choices'])
        about = f'{item.metadata["description"]}{f" ({choices})" if choices else ""}'
        lines += textwrap.wrap(about, 99, initial_indent='    # ', subsequent_indent='    # ')
        lines.append(f'    {item.name}: {_yaml(item.default)}')
    return '\n'.join(lines) + '\n'


def _yaml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    # off without quotes is false in YAML.
    return "'off'" if value == 'off' else str(value) or "''"
