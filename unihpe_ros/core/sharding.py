"""Split a list of work between machines: part i of n."""

from __future__ import annotations

from collections.abc import Sequence
import re
from typing import TypeVar

T = TypeVar('T')


def choose_shard(items: Sequence[T], shard: str) -> list[T]:
    """
    Return every n-th item from the i-th on.

    Parameters
    ----------
    items : Sequence[Item]
        All of them.
    shard : str
        'i/n', 1 <= i <= n.

    Raises
    ------
    ValueError
        If it is no such text, or there are fewer items than shards.

    """
    match = re.fullmatch(r'([1-9]\d*)/([1-9]\d*)', shard)
    if not match or int(match[1]) > int(match[2]):
        raise ValueError(f'--shard: expected i/n with 1 <= i <= n; got {shard!r}')
    index, count = int(match[1]), int(match[2])
    if count > len(items):
        raise ValueError(
            f'--shard: expected at most as many shards as inputs, {len(items)}; got {shard}'
        )
    return list(items[index - 1 :: count])
