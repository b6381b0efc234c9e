"""Why DDS may hide cameras: other domains on this machine, and a narrow discovery range."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

_TABLES = (Path('/proc/net/udp'), Path('/proc/net/udp6'))
# By the RTPS standard a participant of domain d listens to all at 7400 + 250 d, and for itself at
# a higher port of the same 250.
_FIRST_PORT, _PORTS = 7400, 250
_FIRST_OWN = 10
_MOST_DOMAIN = 232


def domains_in_use(tables: Sequence[Path] = _TABLES) -> list[int]:
    """
    Return the ROS domains that processes of this machine listen in, by their UDP ports.

    Parameters
    ----------
    tables : Sequence[Path]
        Linux's lists of UDP sockets; those that are not there are left out.

    """
    ports: set[int] = set()
    for table in tables:
        with suppress(OSError, ValueError, IndexError):
            for line in table.read_text(encoding='ascii').splitlines()[1:]:
                ports.add(int(line.split()[1].rpartition(':')[2], 16))
    found = []
    for domain in range(_MOST_DOMAIN + 1):
        first = _FIRST_PORT + _PORTS * domain
        own = range(first + _FIRST_OWN, first + _PORTS)
        # Others use single ports of that range.
        if first in ports and ports.intersection(own):
            found.append(domain)
    return found


def why_hidden(domain: int, used: Sequence[int], environment: Mapping[str, str]) -> str:
    """
    Return what to do if no camera is seen, the likeliest first.

    Parameters
    ----------
    domain : int
        The domain that was listened in.
    used : Sequence[int]
        Domains in use on this machine.
    environment : Mapping[str, str]
        Environment variables.

    """
    discovery = environment.get('ROS_AUTOMATIC_DISCOVERY_RANGE', '').upper()
    if discovery == 'OFF':
        return (
            'ROS_AUTOMATIC_DISCOVERY_RANGE=OFF hides all other processes: set it to SUBNET or '
            'LOCALHOST'
        )
    others = [str(number) for number in used if number != domain]
    if others:
        return (
            f'this is ROS_DOMAIN_ID={domain}, and on this machine ROS also runs in '
            f'{", ".join(others[:8])}: set ROS_DOMAIN_ID to that of the camera'
        )
    cures = 'compare ROS_DOMAIN_ID, RMW_IMPLEMENTATION and discovery range with its'
    if discovery == 'LOCALHOST' or environment.get('ROS_LOCALHOST_ONLY') == '1':
        return (
            f'start the camera, and {cures}; only this machine is looked at '
            '(ROS_AUTOMATIC_DISCOVERY_RANGE or ROS_LOCALHOST_ONLY)'
        )
    return f'start the camera, and {cures}'
