"""MoveNet on people whose boxes are given, to be measured beside a model on photographs."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import DatasetError, Records
from unihpe_ros.evaluation.keypoint_report import ImageKeypoints
from unihpe_ros.evaluation.predictions import chosen_records


def find_keypoints(path: Path, records: Records, limit: int | None = None) -> ImageKeypoints:
    """
    Run MoveNet SinglePose on the square around each person's box.

    The network (Google, Apache-2.0; Lightning reads 192 px, Thunder 256) takes RGB, 0 to 255,
    ``(1, s, s, 3)``, and gives ``(1, 1, 17, 3)``: y and x as shares of the crop, and a score.

    Parameters
    ----------
    path : Path
        Its ONNX file.
    records : Records
        The people; those that can't be read are left out, as for the model beside it.
    limit : int, optional
        Records to use, evenly spread; without it all.

    Returns
    -------
    ImageKeypoints
        What it finds, px of the pictures.

    Raises
    ------
    ValueError
        If the file is no MoveNet.

    """
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        (entry,) = session.get_inputs()
        _, side, _, channels = entry.shape
    except Exception as error:
        raise ValueError(f'{path}: expected an ONNX file of MoveNet ({error})') from error
    if channels != 3 or not isinstance(side, int):
        raise ValueError(f'{path}: expected an input (1, side, side, 3); got {entry.shape}')
    kind = np.int32 if 'int32' in entry.type else np.float32
    keypoints, scores = [], []
    chosen = chosen_records(records, limit)
    for index in tqdm(chosen, desc='MoveNet', unit='person', delay=2):
        try:
            record = records[int(index)]
        except DatasetError:
            continue
        assert record.image is not None
        crop, corner, extent = square_crop(record.image, record.box, side)
        rgb = cv2.cvtColor(crop, cv2.COLOR_BGR2RGB)[None].astype(kind)
        (answer,) = session.run(None, {entry.name: rgb})
        found = np.asarray(answer, np.float64).reshape(17, 3)
        keypoints.append(corner + found[:, [1, 0]] * extent)
        scores.append(found[:, 2])
    return ImageKeypoints(np.stack(keypoints), np.stack(scores))


def square_crop(
    image: NDArray[np.uint8], box: Array, side: int
) -> tuple[NDArray[np.uint8], NDArray[np.float64], float]:
    """
    Cut the square of a box's longer side around its middle, black beyond the picture.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)``.
    box : NDArray
        ``(4,)`` x0 y0 x1 y1, px.
    side : int
        Size of the crop, px.

    Returns
    -------
    crop : NDArray[np.uint8]
        ``(side, side, 3)``.
    corner : NDArray[np.float64]
        ``(2,)`` place of the crop's first pixel in the picture, px.
    extent : float
        Side of the square in the picture, px.

    """
    extent = float(max(box[2] - box[0], box[3] - box[1]))
    corner = 0.5 * np.array([box[0] + box[2], box[1] + box[3]], np.float64) - 0.5 * extent
    step = extent / side
    matrix = np.array([[step, 0, corner[0]], [0, step, corner[1]]])
    # Reduced by area first where pixels are many: bilinear sampling alone would alias.
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    blurred = cv2.GaussianBlur(image, (0, 0), 0.4 * step) if step > 1.5 else image
    crop = cv2.warpAffine(blurred, matrix, (side, side), flags=flags)
    return np.asarray(crop, np.uint8), corner, extent
