"""Find arguments that were given to the launch file but that it does not have."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from difflib import get_close_matches

from unihpe_ros.ros.parameters import Parameters

# How alike a name must be to one that exists. A launch file that includes ours hands on its own
# arguments, which are no mistakes.
_ALIKE = 0.75


def unused_arguments(given: Collection[str], known: Collection[str]) -> list[str]:
    """
    Return a sentence for each argument that seems to be meant for the launch file, but is not.

    Parameters
    ----------
    given : Collection[str]
        Names of all launch configurations.
    known : Collection[str]
        Names of the launch file's arguments.

    """
    parameters = {item.name for item in fields(Parameters)}
    told = []
    for name in sorted(set(given) - set(known)):
        close = get_close_matches(name, known, 1, _ALIKE)
        if name in parameters:
            told.append(
                f'{name}:= is not used: it is a parameter of the node, and no argument of the '
                'launch file; write it into a file, and give that as params_file'
            )
        elif close:
            told.append(f'{name}:= is not used: did you mean {close[0]}:=?')
    return told
