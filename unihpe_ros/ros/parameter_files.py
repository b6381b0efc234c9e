"""Find parameters that were given to the node but are not used, and suggest what was meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path
import re
from typing import Any

from rclpy.node import Node
from unihpe_ros.ros.parameters import Parameters
import yaml

# Parameters that rclpy declares itself.
_OF_ROS = ('use_sim_time', 'start_type_description_service')
_LATER = 'qos_overrides.'
_MARK = 'ros__parameters'


def unknown_parameters(node: Node) -> list[str]:
    """
    Return a sentence for each parameter that was given at start but does not exist.

    Parameters
    ----------
    node : Node
        Node whose parameters are declared.

    """
    # rclpy has no public way to ask what was given.
    given = getattr(node, '_parameter_overrides', {})
    return [
        _unknown(name)
        for name in sorted(given)
        if not (node.has_parameter(name) or name in _OF_ROS or name.startswith(_LATER))
    ]


def unknown_overrides(node: Node) -> list[str]:
    """
    Return a sentence for each QoS override that was given at start but applies to no topic.

    Parameters
    ----------
    node : Node
        Node whose publishers are there.

    """
    given = [name for name in getattr(node, '_parameter_overrides', {}) if name.startswith(_LATER)]
    return [
        f'parameter {name!r} is not used: expected {_LATER}<topic>.publisher.<policy> with the '
        'full name of a topic that this node publishes; of images that come in, set image_qos'
        for name in sorted(given)
        # Topics of single people are made when they are seen.
        if not node.has_parameter(name) and '/bodies/' not in name
    ]


def _unknown(name: str) -> str:
    known = [item.name for item in fields(Parameters)]
    last = name.rpartition('.')[2]
    close = get_close_matches(last, known, 1, 0.6)
    text = f'parameter {name!r} is not used: there is none of that name'
    if last in known:
        return f'{text}; parameters are not in groups, expected {last!r}'
    return f'{text}; did you mean {close[0]!r}?' if close else text


def unmatched_files(arguments: Sequence[str], node: str) -> list[str]:
    """
    Return a sentence for each parameter file that holds nothing for a node.

    Parameters
    ----------
    arguments : Sequence[str]
        The command line.
    node : str
        The node's name with its namespace, as /robot1/pose_estimator.

    """
    told = []
    for flag, path in pairwise(arguments):
        if flag != '--params-file':
            continue
        try:
            content = yaml.safe_load(Path(path).read_text(encoding='utf-8'))
        except (OSError, ValueError, yaml.YAMLError):
            continue  # rcl refuses such a file itself, with its own message.
        names = sorted(set(_node_names(content)))
        if names and not any(_matches(name, node) for name in names):
            told.append(
                f'parameter file {path} is not used: it holds parameters of '
                f'{", ".join(names[:8])}; expected {node}, or /** for any node'
            )
    return told


def _node_names(content: Any, above: str = '') -> Iterator[str]:
    """Yield the names of nodes in a parameter file, with their namespaces."""
    if not isinstance(content, Mapping):
        return
    for name, below in content.items():
        if name == _MARK:
            yield above
        else:
            yield from _node_names(below, f'{above.rstrip("/")}/{str(name).lstrip("/")}')


def _matches(pattern: str, node: str) -> bool:
    parts = re.escape(pattern).replace(r'/\*\*', r'(/\w+)*').replace(r'\*', r'\w+')
    return re.fullmatch(parts, node) is not None
