"""
A detector of a few kilobytes that works without training, for tests that need no shipped weights.

Its "person" is a bright rectangle on a dark ground, as `tiny_model.paint_person` draws it, and
there may be several, as long as they do not touch: at every point of its grids it measures the
bright run along the point's row and column. Points in the middle of a run score best.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import parser
from tiny_graphs import RUN, with_constants
from tiny_model import save_model, tiny_spec
from unihpe_ros.core.detector_output import grid
from unihpe_ros.core.model_spec import ModelSpec

THRESHOLD = 1.0  # Normalised brightness above which a pixel belongs to a person.

# One axis: the run of bright pixels along the line through each point, and where it lies in it.
_AXIS = """
  {run}
  near_{a} = Sub(exact_{a}, low_{a})
  far_{a} = Sub(high_{a}, exact_{a})
  skew_{a} = Sub(near_{a}, far_{a})
  askew_{a} = Abs(skew_{a})
  extent_{a} = Sub(first_{a}, last_{a})
  share_{a} = Div(askew_{a}, extent_{a})
"""

_GRAPH = """
detector (float[B,3,{h},{w}] image) => (float[B,{p},5] detections) {{
  grey = ReduceMean<keepdims=0>(image, axis_1)
  dark = LessOrEqual(grey, threshold)
  dark_x = Gather<axis=1>(dark, rows)
  lines_y = Gather<axis=2>(dark, columns)
  dark_y = Transpose<perm=[0,2,1]>(lines_y)
  {axes}
  skew = Add(share_x, share_y)
  steep = Mul(skew, slope)
  good = Sub(sure, steep)
  dark_points = Transpose<perm=[1,2,0]>(dark)
  dark_rows = GatherND(dark_points, place_index)
  here = Transpose<perm=[1,0]>(dark_rows)
  here_3d = Unsqueeze(here, axis_2)
  score = Where(here_3d, nobody, good)
  reach = Concat<axis=2>(near_x, near_y, far_x, far_y)
  strides = Div(reach, steps)
  detections = Concat<axis=2>(score, strides)
}}
"""


def write_tiny_detector(directory: Path, name: str = 'tiny_det', **overrides: Any) -> Path:
    """
    Write NAME.onnx.

    Parameters
    ----------
    directory : Path
        Folder that exists.
    name : str
        Name of the model.
    **overrides : Any
        Fields of ModelSpec that differ; the graph follows them.

    Returns
    -------
    Path
        The file, as `PersonDetector` takes it.

    """
    fields = {'branch': 'detector', 'input_size': (128, 96), 'simcc_ratio': 1.0, 'padding': 1.0}
    spec = tiny_spec(name, **{**fields, 'embedding': 1, **overrides})
    return save_model(detector_graph(spec), spec, directory / f'{name}.onnx')


def detector_graph(spec: ModelSpec) -> onnx.GraphProto:
    """Build the graph."""
    w, h = spec.input_size
    points, steps = grid(spec.input_size)
    axes = ''.join(_AXIS.format(a=a, run=RUN.format(a=a, along='axis_2')) for a in 'xy')
    text = _GRAPH.format(h=h, w=w, p=len(points), axes=axes)
    graph = parser.parse_graph(text)
    floats: dict[str, Any] = {
        'threshold': THRESHOLD,
        'one': 1,
        'minus_one': -1,
        'sure': 4,
        'nobody': -8,
        'slope': 6,
        'steps': steps[None, :, None],
    }
    for i, (axis, length) in enumerate((('x', w), ('y', h))):
        floats[f'cells_{axis}'] = np.arange(length)[None, None]
        floats[f'length_{axis}'] = length
        floats[f'exact_{axis}'] = points[None, :, i, None]
        floats[f'point_{axis}'] = np.floor(points[None, :, i, None])
    pixels = np.floor(points).astype(int)
    integers = {
        'axis_1': [1],
        'axis_2': [2],
        'columns': pixels[:, 0],
        'rows': pixels[:, 1],
        'place_index': pixels[:, ::-1],
    }
    return with_constants(graph, floats, integers)
