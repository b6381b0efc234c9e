"""The detection protocol: precision and recall of a detector's boxes in whole pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import itertools
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.detector_output import Detections
from unihpe_ros.core.geometry import Array
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scene_augment import (
    LabelledPicture,
    LabelledScenes,
    LEAST_EXTENT,
    LEAST_VISIBLE,
)
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.metrics.detection import detection_precision, Match, match, OVERLAPS

# Score at which recall and precision are reported, which is the estimator's threshold.
THRESHOLD = 0.3
# Average precision needs detections of low scores too.
_LEAST_SCORE = 0.01
_HEIGHTS = (0.0, 40.0, 80.0, 160.0, np.inf)
_SHARES = (0.0, 0.4, 0.7, 0.95, np.inf)
_SCORES = (0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5, 0.6, 0.7)


class SceneDetector(Protocol):
    """A detector to evaluate: `unihpe_ros.detector.PersonDetector`, or one in PyTorch."""

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """Return the people found in ``(H, W, 3)`` BGR."""


@dataclass(frozen=True)
class ScenePredictions:
    """
    Detections in S scenes, and the true boxes.

    Parameters
    ----------
    found : Sequence[Detections]
        Detections, of low scores too.
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
        """Return the matches of detections and people in each scene at an IoU."""
        return [
            match(found, scene.boxes, scene.learnable, overlap)
            for found, scene in zip(self.found, self.truth, strict=True)
        ]


def detect_scenes(
    detector: SceneDetector, scenes: LabelledScenes, limit: int | None = None
) -> ScenePredictions:
    """
    Return the detections in the pictures of a data set, with the true boxes.

    Parameters
    ----------
    detector : SceneDetector
        The detector.
    scenes : LabelledScenes
        The data set: rendered scenes, or photographs.
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
            scene, _ = scenes.labelled(int(index))
        except DatasetError as error:
            skipped.append(str(error))
            continue
        found.append(detector.detect(scene.image, _LEAST_SCORE))
        empty = np.zeros((0, 0, 3), np.uint8)
        truth.append(LabelledPicture(empty, scene.boxes, scene.visible, scene.is_photograph))
    if not found:
        raise DatasetError(skipped[0] if skipped else f'{scenes.folder}: expected scenes')
    return ScenePredictions(found, truth, skipped, scenes.damaged)


def detection_scores(predicted: ScenePredictions) -> dict[str, float]:
    """Return the figures that a training logs: average precisions, recall, precision, %."""
    precisions = [
        100 * detection_precision(predicted.matches(overlap), predicted.people)
        for overlap in OVERLAPS
    ]
    matches = predicted.matches(OVERLAPS[0])
    confident = [(part.scores >= THRESHOLD) & part.counts for part in matches]
    hits = sum(
        int((part.hits & good).sum()) for part, good in zip(matches, confident, strict=True)
    )
    empty = [good.sum() for good, scene in zip(confident, predicted.truth, strict=True)
             if not len(scene.boxes)]  # fmt: skip
    return {
        'AP50': precisions[0],
        'AP50:95': float(np.mean(precisions)),
        'recall': 100 * hits / max(predicted.people, 1),
        'precision': 100 * hits / max(sum(int(good.sum()) for good in confident), 1),
        'false_in_empty': 100 * float(np.mean(empty)) if empty else float('nan'),
    }


def detection_report(predicted: ScenePredictions) -> EvaluationReport:
    """
    Return the tables of the detection protocol.

    Parameters
    ----------
    predicted : ScenePredictions
        Detections and true boxes.

    """
    figures = detection_scores(predicted)
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
    matches = predicted.matches(OVERLAPS[0])
    learnable = np.concatenate([scene.learnable for scene in predicted.truth])
    score = np.concatenate([part.found for part in matches])[learnable]
    boxes = np.concatenate([scene.boxes for scene in predicted.truth])[learnable]
    shares = np.concatenate([scene.visible for scene in predicted.truth])[learnable]
    tables = [
        everyone,
        _by_score(matches, predicted.people),
        _by('Recall by height of the box, px', score, boxes[:, 3] - boxes[:, 1], _HEIGHTS, '.0f'),
        _by('Recall by visible share', score, shares, _SHARES, '.2f'),
    ]
    w, h = LEAST_EXTENT
    notes = [
        f'{len(predicted.truth)} scenes, {predicted.people} people to be found; not counted are '
        f'those of whom less than {100 * LEAST_VISIBLE:.0f} % can be seen or who are smaller than '
        f'{w:.0f}x{h:.0f} px',
        f'recall and precision at score {THRESHOLD} and IoU 0.5',
    ]
    if predicted.skipped or predicted.damaged:
        notes.append(
            f'left out: {len(predicted.skipped)} unreadable scenes and {len(predicted.damaged)} '
            'damaged shards'
        )
    photographs = any(scene.is_photograph for scene in predicted.truth)
    if photographs:
        notes.append('people without a label count as false when they are found')
    kind = 'photographs' if photographs else 'rendered scenes'
    return EvaluationReport(f'People in {kind}', notes, tables)


def _by_score(matches: Sequence[Match], people: int) -> Table:
    """Return what keeping the detections above each score finds, and how many these are."""
    hits, counts, scores = (
        np.concatenate([getattr(part, name) for part in matches])
        for name in ('hits', 'counts', 'scores')
    )
    rows = {}
    for threshold in _SCORES:
        kept = (scores >= threshold) & counts
        right = int((kept & hits).sum())
        rows[f'score {threshold:.2f}'] = [
            100 * right / max(people, 1),
            100 * right / max(int(kept.sum()), 1),
            float(kept.sum()) / max(people, 1),
        ]
    return Table('What a score is worth', ['recall [%]', 'precision [%]', 'boxes a person'], rows)


def _by(title: str, score: Array, values: Array, limits: Sequence[float], form: str) -> Table:
    rows = {}
    for low, high in itertools.pairwise(limits):
        chosen = (values >= low) & (values < high)
        name = f'{low:{form}} to {high:{form}}' if np.isfinite(high) else f'from {low:{form}}'
        recall = 100 * float((score[chosen] >= THRESHOLD).mean()) if chosen.any() else np.nan
        rows[name] = [recall, float(chosen.sum())]
    return Table(title, ['recall [%]', 'people'], rows)
