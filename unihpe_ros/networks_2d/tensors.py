"""Input and output tensors of a graph, from which its family is recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.model_spec import Shape

# A graph's answer to one batch: its outputs by name, in the graph's order.
NetworkOutputs = Mapping[str, NDArray[np.float32]]


@dataclass(frozen=True)
class Tensors:
    """
    The input of a graph, and the outputs that it gave for one picture.

    Parameters
    ----------
    size : tuple[int, int]
        (w, h) of the picture, px.
    channels_last : bool
        Whether the input is ``(B, h, w, 3)`` rather than ``(B, 3, h, w)``.
    outputs : Mapping[str, tuple[int, ...]]
        Shapes by name, in the graph's order.

    """

    size: tuple[int, int]
    channels_last: bool
    outputs: Mapping[str, tuple[int, ...]]

    @property
    def shapes(self) -> list[tuple[int, ...]]:
        """Shapes of the outputs in the graph's order."""
        return list(self.outputs.values())

    def words(self) -> str:
        """Return the tensors in words, for an error."""
        (w, h), layout = self.size, '(B, h, w, 3)' if self.channels_last else '(B, 3, h, w)'
        listed = ', '.join(f'{name} {list(shape)}' for name, shape in self.outputs.items())
        return f'input {layout} of {w}x{h} px, outputs {listed}'


def picture_layout(inputs: Mapping[str, Shape]) -> tuple[Shape, bool]:
    """
    Return (w, h) of the picture that a graph reads, and whether its channels come last.

    Parameters
    ----------
    inputs : Mapping[str, Shape]
        The graph's inputs.

    Returns
    -------
    size : Shape
        (w, h) px; None where any extent will do.
    channels_last : bool
        Whether it is ``(B, h, w, 3)``.

    Raises
    ------
    ValueError
        If the graph does not read one picture of three channels.

    """
    if len(inputs) != 1:
        raise ValueError(f'expected one input, a picture; got {", ".join(inputs) or "none"}')
    ((name, shape),) = inputs.items()
    if len(shape) == 4 and shape[3] == 3:
        return (shape[2], shape[1]), True
    if len(shape) == 4 and shape[1] == 3:
        return (shape[3], shape[2]), False
    raise ValueError(
        f'expected an input (B, 3, h, w) or (B, h, w, 3); got {name} '
        f'{["any" if extent is None else extent for extent in shape]}'
    )
