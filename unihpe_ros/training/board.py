"""TensorBoard output of a run: curves, and pictures with true and predicted labels."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core import simcc
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.batches import ImageBatch
from unihpe_ros.evaluation.detection_report import SceneDetector
from unihpe_ros.evaluation.people_sheet import (
    draw_keypoints,
    FOUND_COLOUR,
    LEAST_SCORE,
    TRUE_COLOUR,
)
from unihpe_ros.evaluation.predictor import Predictor
from unihpe_ros.training.detection.scene_batches import SceneBatch

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

_UNASKED_COLOUR = (60, 90, 60)


class Board:
    """
    Writer of TensorBoard files; does nothing, and says so, if TensorBoard is not installed.

    Parameters
    ----------
    folder : Path
        Where its files go.
    step : int
        Step the run starts from: what an interrupted run wrote after it is dropped.

    """

    def __init__(self, folder: Path, step: int) -> None:
        self.writer: SummaryWriter | None = None
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError:
            tqdm.write("no TensorBoard: pip install 'unihpe_ros[train]'; the CSV logs are written")
            return
        self.writer = SummaryWriter(str(folder), purge_step=step or None)

    def scalars(self, group: str, values: Mapping[str, float], step: int) -> None:
        """Add a point to each curve of a group."""
        if self.writer is not None:
            for name, value in values.items():
                self.writer.add_scalar(f'{group}/{name}', value, step)

    def show(self, name: str, picture: NDArray[np.uint8], step: int) -> None:
        """Show ``(H, W, 3)`` BGR."""
        if self.writer is not None:
            rgb = np.ascontiguousarray(picture[..., ::-1])
            self.writer.add_image(name, rgb, step, dataformats='HWC')
            self.writer.flush()

    def close(self) -> None:
        """Write what is buffered, and close the files."""
        if self.writer is not None:
            self.writer.close()


def draw_panel(predictor: Predictor, batch: ImageBatch, count: int = 8) -> NDArray[np.uint8]:
    """
    Return the first crops of a batch side by side, with true (green) and predicted keypoints.

    Parameters
    ----------
    predictor : Predictor
        The model.
    batch : ImageBatch
        Crops with their targets.
    count : int
        Crops at most.

    Returns
    -------
    NDArray[np.uint8]
        ``(h, crops * w, 3)`` BGR.

    """
    images = batch.image[:count].cpu().numpy()
    answer = predictor.encode_image(images)
    found, scores = simcc.read_keypoints(answer, predictor.simcc_ratio)
    found = np.where(scores[..., None] < LEAST_SCORE, np.nan, found)
    half = 0.5 * np.array(predictor.size)
    truth = batch.normalised[:count].cpu().numpy() * half[1] + half - 0.5
    tiles = [image.copy() for image in images]
    for tile, *persons in zip(tiles, truth, found, strict=True):
        for person, colour in zip(persons, (TRUE_COLOUR, FOUND_COLOUR), strict=True):
            draw_keypoints(tile, person, colour)
    return np.concatenate(tiles, 1)


def draw_scenes(detector: SceneDetector, batch: SceneBatch, count: int = 4) -> NDArray[np.uint8]:
    """
    Return the first scenes of a batch, one below the other, with true (green) and found boxes.

    Parameters
    ----------
    detector : SceneDetector
        The model.
    batch : SceneBatch
        Scenes with the boxes of people; those too small or too hidden to be asked for are dark.
    count : int
        Scenes at most.

    Returns
    -------
    NDArray[np.uint8]
        ``(scenes * h, w, 3)`` BGR.

    """
    tiles = []
    scenes = zip(batch.image[:count], batch.boxes, batch.asked, strict=False)
    for image, boxes, asked in scenes:
        tile = np.array(image.cpu().numpy(), order='C')
        found = detector.detect(tile.copy(), LEAST_SCORE).boxes
        there = boxes.isfinite().all(-1)
        for box, clear in zip(boxes[there].cpu().numpy(), asked[there].tolist(), strict=True):
            _frame(tile, box, TRUE_COLOUR if clear else _UNASKED_COLOUR)
        for box in found:
            _frame(tile, box, FOUND_COLOUR)
        tiles.append(tile)
    return np.concatenate(tiles)


def _frame(tile: NDArray[np.uint8], box: Array, colour: tuple[int, int, int]) -> None:
    limit = 4 * max(tile.shape)
    x0, y0, x1, y1 = np.rint(np.clip(box, -limit, limit)).astype(int).tolist()
    cv2.rectangle(tile, (x0, y0), (x1, y1), colour, 1)
