"""Galleries of gestures: examples of each, largest distance of a match, and their file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
import json
from pathlib import Path
import re
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.files import write_arrays
from unihpe_ros.kinematics.arm_directions import FEATURES

Float64 = NDArray[np.float64]

# Version of the file; another one has other features or another layout.
GALLERY_VERSION = 1
# Steps of a movement's example, and how many of them make a second.
STEPS, RATE = 12, 10.0
# Distances, as root mean square over the arms' bones, from which nothing is recognised. They are
# chosen by the false alarms on clips of people who make no gesture (docs/hri.md).
POSE_LIMIT, MOVEMENT_LIMIT = 0.65, 0.58
# Name of the examples of no gesture: a person nearest to one of these makes none.
REST = 'rest'
_NAME = re.compile('[a-z][a-z0-9_]*')


class GalleryError(ValueError):
    """A gallery that cannot be used; the message names the file and the cure."""


@dataclass(frozen=True)
class KnownGesture:
    """
    A gesture by its examples.

    Parameters
    ----------
    name : str
        Lower case letters, digits and underscores.
    examples : NDArray[np.float64]
        ``(M, 12)`` arms of a pose that is held, or ``(M, STEPS, 12)`` of a movement, see
        `unihpe_ros.kinematics.arm_directions`.
    limit : float
        Largest distance at which somebody is recognised.
    source : str
        Where the examples are from.

    Raises
    ------
    ValueError
        If name, shape or limit are invalid.

    """

    name: str
    examples: Float64
    limit: float
    source: str = ''

    def __post_init__(self) -> None:
        check_name(self.name)
        shape = self.examples.shape
        if shape[1:] not in ((FEATURES,), (STEPS, FEATURES)) or not shape[0]:
            raise ValueError(
                f'gesture {self.name}: expected examples (M, {FEATURES}) or '
                f'(M, {STEPS}, {FEATURES}); got {shape}'
            )
        if not (np.isfinite(self.examples).all() and 0 < self.limit < np.inf):
            raise ValueError(f'gesture {self.name}: expected finite examples and a limit above 0')

    @property
    def is_movement(self) -> bool:
        """Whether it is a movement and not a pose that is held."""
        return self.examples.ndim == 3


@dataclass(frozen=True)
class Gallery:
    """
    Gestures that are recognised.

    Parameters
    ----------
    starter : tuple[str, ...]
        Names of the starter gestures in it, see `unihpe_ros.kinematics.starter_gestures`; they are
        not stored but made at start.
    recorded : tuple[KnownGesture, ...]
        All other gestures. One with the name of a starter gesture adds its examples to that
        gesture.

    """

    starter: tuple[str, ...] = ()
    recorded: tuple[KnownGesture, ...] = field(default=())

    @property
    def names(self) -> tuple[str, ...]:
        """All names, each once."""
        return tuple(dict.fromkeys([*self.starter, *(one.name for one in self.recorded)]))

    def with_gesture(self, known: KnownGesture) -> Gallery:
        """Return a gallery with one more gesture; it replaces a recorded one of its name."""
        return replace(self, recorded=(*self.without_recorded(known.name), known))

    def without(self, name: str) -> Gallery:
        """Return a gallery without a gesture; GalleryError if there is none of that name."""
        if name not in self.names:
            raise GalleryError(f'{name}: expected one of {", ".join(self.names) or "none"}')
        starter = tuple(one for one in self.starter if one != name)
        return Gallery(starter, self.without_recorded(name))

    def without_recorded(self, name: str) -> tuple[KnownGesture, ...]:
        """Return the recorded gestures but for one."""
        return tuple(one for one in self.recorded if one.name != name)


def check_name(name: str) -> None:
    """Raise GalleryError if a gesture cannot have a name."""
    if not _NAME.fullmatch(name):
        raise GalleryError(
            f'gesture {name!r}: expected a name of lower case letters, digits and _'
        )


def write_gallery(path: Path, gallery: Gallery) -> None:
    """Write a gallery as .npz, whole or not at all: JSON text `gallery`, and examples by name."""
    about = {
        'version': GALLERY_VERSION,
        'starter': list(gallery.starter),
        'recorded': [
            {'name': one.name, 'limit': one.limit, 'source': one.source}
            for one in gallery.recorded
        ],
    }
    examples = {f'examples_{one.name}': one.examples for one in gallery.recorded}
    write_arrays(path, gallery=np.array(json.dumps(about, indent=1)), **examples)


def read_gallery(path: Path, starter: Sequence[str]) -> Gallery:
    """
    Return the gallery in a file that `write_gallery` wrote.

    Parameters
    ----------
    path : Path
        The file.
    starter : Sequence[str]
        Starter gestures that there are.

    Raises
    ------
    GalleryError
        If it is not there, no gallery, or one of another version.

    """
    if not path.is_file():
        raise GalleryError(
            f'{path}: expected a gallery of gestures; there is no such file: '
            'unihpe gestures record makes one'
        )
    try:
        with np.load(path) as archive:
            about: dict[str, Any] = json.loads(str(archive['gallery']))
            version = about['version']
            if version == GALLERY_VERSION:
                recorded = [
                    KnownGesture(
                        examples=archive[f'examples_{one["name"]}'].astype(np.float64), **one
                    )
                    for one in about['recorded']
                ]
                kept = tuple(str(name) for name in about['starter'])
    except (ValueError, TypeError, KeyError, EOFError, OSError, BadZipFile) as error:
        raise GalleryError(
            f'{path}: expected a gallery that unihpe gestures record has written ({error})'
        ) from error
    if version != GALLERY_VERSION:
        raise GalleryError(
            f'{path}: expected a gallery of version {GALLERY_VERSION}; got {version!r}: record '
            'its gestures again, with unihpe gestures record'
        )
    unknown = sorted(set(kept) - set(starter))
    if unknown:
        raise GalleryError(
            f'{path}: starter gestures {", ".join(unknown)} are not known; expected some of '
            f'{", ".join(starter)}'
        )
    return Gallery(kept, tuple(recorded))
