"""Body ids of REP-155: five characters, made from the number of a track."""

from __future__ import annotations

from itertools import count
import secrets

_DIGITS = '0123456789abcdefghijklmnopqrstuvwxyz'
# A letter and four digits: 2^9 * 3^8 * 13 of them.
_IDS = 26 * len(_DIGITS) ** 4
_CAMERAS = 16


class BodyIds:
    """
    The five characters by which REP-155 knows people; they start with a letter.

    Two people of one node never have the same id. For two people of different nodes the
    probability is one in 44 million, so that robots need not agree on ids.

    Parameters
    ----------
    salt : int, optional
        Makes this node's ids differ from those of other nodes; random if not given.

    """

    def __init__(self, salt: int | None = None) -> None:
        salt = secrets.randbits(64) if salt is None else salt
        high, self._shift = divmod(salt, _IDS)
        # Odd, and no multiple of 3 or 13: then the sequence reaches every number once.
        self._step = next(n for n in count(high % _IDS | 1, 2) if n % 3 and n % 13)

    def name(self, camera: int, person: int) -> str:
        """
        Return the id of a person.

        Parameters
        ----------
        camera : int
            Which of the node's cameras sees them, below 16: ids of two cameras differ.
        person : int
            The id among that camera's people.

        """
        rest = ((person * _CAMERAS + camera) * self._step + self._shift) % _IDS
        letters = ''
        for _ in range(4):
            rest, digit = divmod(rest, len(_DIGITS))
            letters = _DIGITS[digit] + letters
        return chr(ord('a') + rest) + letters
