"""
A model of a few kilobytes that behaves like a real one, for tests that need no shipped weights.

Its "person" is a bright upright rectangle on a dark ground, as `paint_person` draws it. The image
branch finds the bright pixel nearest the crop's centre, measures the rectangle's extent along
that pixel's row and column, and puts the keypoints at fixed shares of it; so crops, tracking and
decoding work end to end. The lifting branch returns one constant skeleton of the same outline.
"""

from __future__ import annotations

from dataclasses import replace
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
import onnx
from onnx import helper, parser
from tiny_graphs import AXIS, IMAGE, LIFTING, RUN, with_constants
from unihpe_ros.core.model_spec import METADATA_KEY, ModelSpec
from unihpe_ros.core.skeleton import mirrored_name, UNION

FEATURE = 512
THRESHOLD = 1.0  # Normalised brightness above which a pixel belongs to a person.
# Top of the head to the ankles, m: with the feet below, no taller than people are taken to be.
STATURE = 1.65
ASPECT = 0.4  # Width of a person over the height.
# x0 y0 x1 y1, px.
Box = tuple[float, float, float, float]
DEPTH = {'nose': -0.1, 'left_wrist': -0.25, 'right_wrist': -0.15, 'head': -0.03}

# Where keypoints lie in a person's box: shares of the width (for a left one; the person faces the
# camera, so left is on the right-hand side) and of the height.
_LAYOUT = {
    'nose': (0.5, 0.08),
    'left_eye': (0.54, 0.06),
    'left_ear': (0.59, 0.07),
    'left_shoulder': (0.8, 0.19),
    'left_elbow': (0.92, 0.36),
    'left_wrist': (1.0, 0.5),
    'left_hip': (0.66, 0.52),
    'left_knee': (0.67, 0.76),
    'left_ankle': (0.68, 1.0),
    'pelvis': (0.5, 0.51),
    'spine': (0.5, 0.35),
    'neck': (0.5, 0.17),
    'head': (0.5, 0.09),
    'head_top': (0.5, 0.0),
    'left_hip_joint': (0.64, 0.52),
    'left_shoulder_joint': (0.78, 0.2),
}


def layout() -> NDArray[np.float32]:
    """``(26, 2)`` shares of a person's box at which the keypoints lie."""
    rows = []
    for name in UNION.keypoints:
        if name in _LAYOUT:
            rows.append(_LAYOUT[name])
        else:
            x, y = _LAYOUT[mirrored_name(name)]
            rows.append((1 - x, y))
    return np.array(rows, np.float32)


def skeleton_3d() -> NDArray[np.float32]:
    """``(26, 3)`` the constant fused pose, pelvis-relative, m."""
    depth = np.array([DEPTH.get(name, 0.0) for name in UNION.keypoints], np.float32)
    points = np.column_stack([layout() * (ASPECT * STATURE, STATURE), depth])
    return (points - points[UNION.index('pelvis')]).astype(np.float32)


def paint_person(image: NDArray[np.uint8], box: Box) -> None:
    """Draw a person into a (H, W, 3) image; the box may reach over its edges."""
    x0, y0, x1, y1 = (round(value) for value in box)
    image[max(y0, 0) : max(y1 + 1, 0), max(x0, 0) : max(x1 + 1, 0)] = 255


def picture(*people: Box, size: tuple[int, int] = (640, 480)) -> NDArray[np.uint8]:
    """Draw people on a grey ground of (w, h) px."""
    image = np.full((size[1], size[0], 3), 40, np.uint8)
    for box in people:
        paint_person(image, box)
    return image


def person_box(x: float, y: float, height: float) -> Box:
    """Return the box of a person centred at (x, y), px."""
    half = 0.5 * ASPECT * height
    return x - half, y - 0.5 * height, x + half, y + 0.5 * height


def keypoints_in(box: Box) -> NDArray[np.float32]:
    """``(26, 2)`` true keypoints of the person that `paint_person` draws, px."""
    low, high = np.array(box[:2], np.float32), np.array(box[2:], np.float32)
    return low + layout() * (high - low)


def tiny_spec(name: str = 'tiny', **overrides: Any) -> ModelSpec:
    """Return the image branch's spec."""
    fields: dict[str, Any] = {
        'model': name,
        'weights': 'tiny-weights',
        'branch': 'image',
        'skeleton': UNION.name,
        'input_size': (96, 128),
        'mean': (123.675, 116.28, 103.53),
        'std': (58.395, 57.12, 57.375),
        'channels': 'rgb',
        'simcc_ratio': 2.0,
        'padding': 1.25,
        'embedding': 256,
        'training': 'none: constants',
        'licence': 'Apache-2.0',
    }
    return ModelSpec(**{**fields, **overrides})


def write_tiny_model(
    directory: Path, name: str = 'tiny', *, agreement: float = 0.9, **spec_overrides: Any
) -> Path:
    """
    Write NAME.image.onnx and NAME.lifting.onnx.

    Parameters
    ----------
    directory : Path
        Folder that exists.
    name : str
        Name of the model.
    agreement : float
        What the two branches' embeddings agree by, [0, 1].
    **spec_overrides : Any
        Fields of ModelSpec that differ from `tiny_spec`; the graphs follow them.

    Returns
    -------
    Path
        The pair's common prefix, as the estimator takes it.

    """
    spec = tiny_spec(name, **spec_overrides)
    save_model(image_graph(spec), spec, directory / f'{name}.image.onnx')
    lifting = replace(spec, branch='lifting')
    save_model(lifting_graph(lifting, agreement), lifting, directory / f'{name}.lifting.onnx')
    return directory / name


def save_model(graph: onnx.GraphProto, spec: ModelSpec | None, path: Path) -> Path:
    """Write a graph with its spec in the metadata (or without any)."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 18)], ir_version=9)
    if spec is not None:
        helper.set_model_props(model, {METADATA_KEY: spec.to_json()})
    onnx.checker.check_model(model)
    onnx.save(model, path)
    return path


def image_graph(spec: ModelSpec) -> onnx.GraphProto:
    """Build the image branch."""
    (w, h), k = spec.input_size, len(spec.keypoints)
    axes = ''.join(
        AXIS.format(a=a, line=line, run=RUN.format(a=a, along='axis_1'))
        for a, line in (('x', 'Squeeze(line_3d_x, axis_1)'), ('y', 'Squeeze(line_3d_y, axis_2)'))
    )
    bins_x, bins_y = spec.bins
    graph = parser.parse_graph(
        IMAGE.format(
            h=h, w=w, k=k, bins_x=bins_x, bins_y=bins_y, feature=FEATURE,
            embedding=spec.embedding, axes=axes,
        )
    )  # fmt: skip
    ys, xs = np.mgrid[:h, :w]
    floats: dict[str, Any] = {
        'threshold': THRESHOLD,
        'zero': 0,
        'half': 0.5,
        'one': 1,
        'minus_one': -1,
        'four': 4,
        'eight': 8,
        'sharpness': -0.5,  # Half the inverse variance: 1 px.
        'nearness': 2 - np.hypot(xs - (w - 1) / 2, ys - (h - 1) / 2) / math.hypot(w, h),
        'one_row': np.ones((1, FEATURE)),
        'embedding_row': _direction(spec.embedding, 1.0),
    }
    places = layout()[spec.keypoints.indices_in(UNION)]
    for axis, length, shares in (('x', w, places[:, 0]), ('y', h, places[:, 1])):
        floats[f'cells_{axis}'] = np.arange(length)[None]
        floats[f'length_{axis}'] = length
        floats[f'shares_{axis}'] = shares[None]
        # Centres of the bins, px of the crop.
        floats[f'grid_{axis}'] = (
            (np.arange(round(length * spec.simcc_ratio)) + 0.5) / spec.simcc_ratio - 0.5
        )[None, None]
    integers = {
        'axis_1': [1],
        'axis_2': [2],
        'width': w,
        'rows': np.arange(h)[None],
        'columns': np.arange(w)[None],
        'keypoints': [k],
        'features': [FEATURE],
        'embeddings': [spec.embedding],
    }
    return with_constants(graph, floats, integers)


def lifting_graph(spec: ModelSpec, agreement: float) -> onnx.GraphProto:
    """Build the lifting branch."""
    graph = parser.parse_graph(
        LIFTING.format(k=len(spec.keypoints), feature=FEATURE, embedding=spec.embedding)
    )
    floats = {
        'pose': skeleton_3d()[None, spec.keypoints.indices_in(UNION)],
        'image_scale': 1.1,
        'lifted_scale': 0.9,
        'embedding_row': _direction(spec.embedding, 2 * agreement - 1),
    }
    integers = {'pose_tail': [len(spec.keypoints), 3], 'embeddings': [spec.embedding]}
    return with_constants(graph, floats, integers)


def _direction(width: int, cosine: float) -> NDArray[np.float32]:
    """``(1, width)`` unit vector at an angle to the first axis."""
    vector = np.zeros((1, width), np.float32)
    vector[0, :2] = cosine, math.sqrt(1 - cosine**2)
    return vector
