"""The detection protocol: a detector's boxes against those of rendered scenes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import itertools
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.detection import Detections
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scene_augment import LabelledPicture, LEAST_EXTENT, LEAST_VISIBLE
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.evaluation.report import Report, Table
from unihpe_ros.metrics.detection import detection_precision, Match, match, OVERLAPS

# The score above which recall and precision are told: what the estimator asks for.
THRESHOLD = 0.3
# Average precision needs the unsure answers too.
_LEAST_SCORE = 0.01
_HEIGHTS = (0.0, 40.0, 80.0, 160.0, np.inf)
_SHARES = (0.0, 0.4, 0.7, 0.95, np.inf)


class AskedDetector(Protocol):
    """Whatever finds people: `unihpe_ros.detector.PersonDetector`, or one in PyTorch."""

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """Find the people in ``(H, W, 3)`` BGR."""


@dataclass(frozen=True)
class SceneAnswers:
    """
    What a detector found in S scenes, and who is there.

    Parameters
    ----------
    found : Sequence[Detections]
        Answers down to low scores.
    truth : Sequence[LabelledPicture]
        The people; the pictures themselves are empty.
    skipped : Sequence[str]
        What was wrong with scenes that could not be read.
    damaged : Sequence[str]
        Likewise with whole shards.

    """

    found: Sequence[Detections]
    truth: Sequence[LabelledPicture]
    skipped: Sequence[str] = ()
    damaged: Sequence[str] = ()

    @property
    def people(self) -> int:
        """Number of people to be found."""
        return sum(int(scene.learnable.sum()) for scene in self.truth)

    def matches(self, overlap: float) -> list[Match]:
        """Match every scene at an overlap."""
        return [
            match(found, scene.boxes, scene.learnable, overlap)
            for found, scene in zip(self.found, self.truth, strict=True)
        ]


def collect(
    detector: AskedDetector, scenes: SceneShards, limit: int | None = None
) -> SceneAnswers:
    """
    Ask a detector about a data set.

    Parameters
    ----------
    detector : AskedDetector
        The detector.
    scenes : SceneShards
        The data set.
    limit : int, optional
        Scenes to use, evenly spread; all by default.

    Raises
    ------
    DatasetError
        If no scene at all can be read.

    """
    count = min(limit or len(scenes), len(scenes))
    found, truth = [], []
    skipped: list[str] = []
    for index in tqdm(np.linspace(0, len(scenes) - 1, count).astype(int), leave=False):
        try:
            scene = scenes[int(index)]
        except DatasetError as error:
            skipped.append(str(error))
            continue
        found.append(detector.detect(scene.image, _LEAST_SCORE))
        empty = np.zeros((0, 0, 3), np.uint8)
        truth.append(LabelledPicture(empty, scene.boxes, scene.share_visible))
    if not found:
        raise DatasetError(skipped[0] if skipped else f'{scenes.folder}: expected scenes')
    return SceneAnswers(found, truth, skipped, scenes.damaged)


def headline(answers: SceneAnswers) -> dict[str, float]:
    """Return the figures that are logged, in per cent."""
    precisions = [
        100 * detection_precision(answers.matches(overlap), answers.people) for overlap in OVERLAPS
    ]
    matches = answers.matches(OVERLAPS[0])
    sure = [(part.scores >= THRESHOLD) & part.counts for part in matches]
    hits = sum(int((part.hits & good).sum()) for part, good in zip(matches, sure, strict=True))
    empty = [good.sum() for good, scene in zip(sure, answers.truth, strict=True)
             if not len(scene.boxes)]  # fmt: skip
    return {
        'AP50': precisions[0],
        'AP50:95': float(np.mean(precisions)),
        'recall': 100 * hits / max(answers.people, 1),
        'precision': 100 * hits / max(sum(int(good.sum()) for good in sure), 1),
        'false_in_empty': 100 * float(np.mean(empty)) if empty else float('nan'),
    }


def detection_report(answers: SceneAnswers) -> Report:
    """
    Draw up the tables of the detection protocol.

    Parameters
    ----------
    answers : SceneAnswers
        What was found, and who is there.

    """
    figures = headline(answers)
    columns = {
        'AP50': 'AP50 [%]',
        'AP50:95': 'AP50:95 [%]',
        'recall': 'recall [%]',
        'precision': 'precision [%]',
        'false_in_empty': 'found per 100 empty scenes',
    }
    everyone = Table(
        'All people', list(columns.values()), {'detector': [figures[name] for name in columns]}
    )
    matches = answers.matches(OVERLAPS[0])
    asked = np.concatenate([scene.learnable for scene in answers.truth])
    score = np.concatenate([part.found for part in matches])[asked]
    boxes = np.concatenate([scene.boxes for scene in answers.truth])[asked]
    shares = np.concatenate([scene.visible for scene in answers.truth])[asked]
    tables = [
        everyone,
        _by('Recall by height of the box, px', score, boxes[:, 3] - boxes[:, 1], _HEIGHTS, '.0f'),
        _by('Recall by visible share', score, shares, _SHARES, '.2f'),
    ]
    w, h = LEAST_EXTENT
    notes = [
        f'{len(answers.truth)} scenes, {answers.people} people to be found; not counted are those '
        f'of whom less than {100 * LEAST_VISIBLE:.0f} % can be seen or who are smaller than '
        f'{w:.0f}x{h:.0f} px',
        f'recall and precision at score {THRESHOLD} and IoU 0.5',
    ]
    if answers.skipped or answers.damaged:
        notes.append(
            f'left out: {len(answers.skipped)} unreadable scenes and {len(answers.damaged)} '
            'damaged shards'
        )
    return Report('People in rendered scenes', notes, tables)


def _by(title: str, score: Array, values: Array, limits: Sequence[float], form: str) -> Table:
    rows = {}
    for low, high in itertools.pairwise(limits):
        chosen = (values >= low) & (values < high)
        name = f'{low:{form}} to {high:{form}}' if np.isfinite(high) else f'from {low:{form}}'
        recall = 100 * float((score[chosen] >= THRESHOLD).mean()) if chosen.any() else np.nan
        rows[name] = [recall, float(chosen.sum())]
    return Table(title, ['recall [%]', 'people'], rows)
