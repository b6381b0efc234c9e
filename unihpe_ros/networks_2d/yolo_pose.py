"""
YOLO-pose: boxes and keypoints of all people of a picture in one table.

Source of the conventions: Maji et al., YOLO-Pose (2022); predictor and exporter of Ultralytics
(ultralytics/models/yolo/pose, docs `integrations/onnx`), versions 8 and 11: a table of columns,
one for each point of its grids: centre x, centre y, width, height, score, and x, y, score of each
keypoint, px of the input; overlapping boxes have to be suppressed. With `nms=True`, and by version
26 in any case, rows x0, y0, x1, y1, score, class, keypoints, of which no two are one person. The
picture is fitted in at the centre on grey 114, RGB, 0 to 1.

"""

from __future__ import annotations

import numpy as np
from unihpe_ros.core.detector_output import suppress
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.networks_2d.conventions import Conventions
from unihpe_ros.networks_2d.family import in_unit, PictureFamily
from unihpe_ros.networks_2d.tensors import NetworkOutputs, Tensors

# Boxes that share more are one person.
_OVERLAP = 0.7
# Largest number of rows of a network with its own suppression.
_MOST_ROWS = 1000
# Values before the keypoints: box and score, and the class if the network suppresses by itself.
_BOX, _ROW = 5, 6


class YoloPose(PictureFamily):
    """YOLO-pose networks; see the module."""

    name = 'YOLO-pose'

    def misfit(self, tensors: Tensors) -> str:
        """Return why a graph is not of this family; empty if it is."""
        shapes = tensors.shapes
        if tensors.channels_last:
            return 'expected an input (B, 3, h, w)'
        if len(shapes) != 1 or len(shapes[0]) != 3:
            return 'expected one output, (1, 5 + 3 K, points) or (1, people, 6 + 3 K)'
        _, rows, columns = shapes[0]
        if _is_table(shapes[0]) or _is_rows(shapes[0]):
            return ''
        return (
            f'expected 5 + 3 K rows and more columns, or at most {_MOST_ROWS} rows of 6 + 3 K; '
            f'got {rows}x{columns}'
        )

    def keypoint_count(self, tensors: Tensors) -> int:
        """Return how many keypoints a graph of this family gives."""
        shape = tensors.shapes[0]
        return (shape[1] - _BOX) // 3 if _is_table(shape) else (shape[2] - _ROW) // 3

    def conventions(self, tensors: Tensors, keypoint_set: str) -> Conventions:
        """Return how networks of this family are mostly fed and read."""
        return Conventions(keypoint_set, tensors.size, std=(255.0, 255.0, 255.0), even_score=0.5)

    def read_people(
        self, answer: NetworkOutputs, conventions: Conventions, threshold: float
    ) -> FoundPeople:
        """Return the people from the answer for one picture, see `PictureFamily`."""
        (raw,) = answer.values()
        is_table = _is_table(raw.shape)
        table = raw[0].T if is_table else raw[0]
        table = table[table[:, 4] >= threshold]
        boxes, first = table[:, :4], _BOX if is_table else _ROW
        if is_table:
            middle, half = boxes[:, :2], 0.5 * boxes[:, 2:]
            boxes = np.concatenate([middle - half, middle + half], 1)
        kept = suppress(boxes, table[:, 4], _OVERLAP)
        keypoints = table[kept][:, first:].reshape(len(kept), -1, 3)
        return FoundPeople(
            boxes[kept],
            in_unit(table[kept, 4]),
            np.ascontiguousarray(keypoints[..., :2]),
            in_unit(keypoints[..., 2]),
        )


def _is_table(shape: tuple[int, ...]) -> bool:
    """Whether columns are points, of which there are more than rows."""
    _, rows, columns = shape
    return _BOX < rows < columns and (rows - _BOX) % 3 == 0


def _is_rows(shape: tuple[int, ...]) -> bool:
    """Whether rows are people."""
    _, rows, columns = shape
    return rows <= _MOST_ROWS and columns > _ROW and (columns - _ROW) % 3 == 0
