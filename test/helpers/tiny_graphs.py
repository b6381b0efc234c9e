"""Texts of the tiny model's graphs, in ONNX's own notation."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

# From low to high: the run of bright pixels about a point, along a line whose dark ones are known.
RUN = """
  left_{a} = Less(cells_{a}, point_{a})
  right_{a} = Greater(cells_{a}, point_{a})
  before_{a} = And(dark_{a}, left_{a})
  after_{a} = And(dark_{a}, right_{a})
  befores_{a} = Where(before_{a}, cells_{a}, minus_one)
  afters_{a} = Where(after_{a}, cells_{a}, length_{a})
  last_{a} = ReduceMax(befores_{a}, {along})
  first_{a} = ReduceMin(afters_{a}, {along})
  low_{a} = Add(last_{a}, one)
  high_{a} = Sub(first_{a}, one)
"""


# One axis of the image branch: the run along the line through the brightest pixel.
AXIS = """
  line_{a} = {line}
  dark_{a} = Less(line_{a}, half)
  point_{a} = CastLike(place_{a}, half)
  {run}
  extent_{a} = Sub(high_{a}, low_{a})
  offset_{a} = Mul(shares_{a}, extent_{a})
  centre_{a} = Add(low_{a}, offset_{a})
  columns_{a} = Unsqueeze(centre_{a}, axis_2)
  distance_{a} = Sub(grid_{a}, columns_{a})
  squared_{a} = Mul(distance_{a}, distance_{a})
  sharp_{a} = Mul(squared_{a}, sharpness)
  simcc_{a} = Mul(sharp_{a}, some_cube)
"""


IMAGE = """
image (float[B,3,{h},{w}] image) => (
  float[B,{k},{bins_x}] simcc_x, float[B,{k},{bins_y}] simcc_y, float[B,{k}] visibility,
  float[B,{feature}] feature, float[B,{embedding}] embedding
) {{
  grey = ReduceMean<keepdims=0>(image, axis_1)
  bright = Greater(grey, threshold)
  mask = Where(bright, one, zero)
  near = Mul(mask, nearness)
  flat = Flatten(near)
  best = ArgMax<axis=1>(flat)
  place_y = Div(best, width)
  place_x = Mod(best, width)
  peak = ReduceMax(flat, axis_1)
  some = Min(peak, one)
  some_cube = Unsqueeze(some, axis_2)
  row_is = Equal(rows, place_y)
  row = Where(row_is, one, zero)
  row_vector = Unsqueeze(row, axis_1)
  column_is = Equal(columns, place_x)
  column = Where(column_is, one, zero)
  column_vector = Unsqueeze(column, axis_2)
  line_3d_x = MatMul(row_vector, mask)
  line_3d_y = MatMul(mask, column_vector)
  {axes}
  batch = Shape<start=0, end=1>(image)
  seen = Mul(some, eight)
  seen_logit = Sub(seen, four)
  keypoints_shape = Concat<axis=0>(batch, keypoints)
  visibility = Expand(seen_logit, keypoints_shape)
  feature_shape = Concat<axis=0>(batch, features)
  feature = Expand(one_row, feature_shape)
  embedding_shape = Concat<axis=0>(batch, embeddings)
  embedding = Expand(embedding_row, embedding_shape)
}}
"""


LIFTING = """
lifting (float[B,{k},3] keypoints, float[B,{feature}] image_feature) => (
  float[B,{k},3] image_pose3d, float[B,{k},3] lifted_pose3d, float[B,{k},3] fused_pose3d,
  float[B,{embedding}] embedding
) {{
  batch = Shape<start=0, end=1>(keypoints)
  shape = Concat<axis=0>(batch, pose_tail)
  fused_pose3d = Expand(pose, shape)
  image_pose3d = Mul(fused_pose3d, image_scale)
  lifted_pose3d = Mul(fused_pose3d, lifted_scale)
  embedding_shape = Concat<axis=0>(batch, embeddings)
  embedding = Expand(embedding_row, embedding_shape)
}}
"""


def with_constants(
    graph: onnx.GraphProto, floats: dict[str, Any], integers: dict[str, Any]
) -> onnx.GraphProto:
    """Add constants to a graph, as float32 and int64."""
    for values, dtype in ((floats, np.float32), (integers, np.int64)):
        for name, value in values.items():
            graph.initializer.append(numpy_helper.from_array(np.asarray(value, dtype), name))
    return graph
