"""Average precision of keypoints by COCO's own evaluation, as `faster-coco-eval` computes it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import redirect_stdout
import io
from typing import Any

import numpy as np
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import COCO_17

# What COCO's summary holds for keypoints, in its order.
_SUMMARY = ('AP', 'AP50', 'AP75', 'AP medium', 'AP large', 'AR')


def keypoint_precision(
    images: Sequence[str], truth: Array, areas: Array, found: Array, scores: Array
) -> Mapping[str, float]:
    """
    Return COCO's figures for people who were each given one answer, ranked by its score.

    Parameters
    ----------
    images : Sequence[str]
        ``N`` names of the picture that each person is in; answers compete within a picture.
    truth : NDArray
        ``(N, 17, 2)`` labelled keypoints, px; NaN where there is no label.
    areas : NDArray
        ``(N,)`` px^2.
    found : NDArray
        ``(N, 17, 2)`` answers, px.
    scores : NDArray
        ``(N,)`` confidence of each answer.

    Returns
    -------
    Mapping[str, float]
        AP (OKS 0.50:0.95), AP50, AP75, AP medium, AP large and AR, %; NaN where nobody counts.

    """
    # Imported here because only evaluation needs it and it loads slowly.
    from faster_coco_eval import COCO, COCOeval_faster

    numbers = {name: number for number, name in enumerate(dict.fromkeys(images), 1)}
    category = {'id': 1, 'name': 'person', 'keypoints': list(COCO_17.keypoints), 'skeleton': []}
    people: list[dict[str, Any]] = []
    answers: list[dict[str, Any]] = []
    for row, name in enumerate(images):
        known = np.isfinite(truth[row]).all(-1)
        labels = np.column_stack([np.nan_to_num(truth[row]), 2 * known])
        shared = {'image_id': numbers[name], 'category_id': 1}
        people.append(
            {
                **shared,
                'id': row + 1,
                'iscrowd': 0,
                'area': float(areas[row]),
                'bbox': _box_around(truth[row][known]),
                'num_keypoints': int(known.sum()),
                'keypoints': labels.ravel().tolist(),
            }
        )
        points = np.column_stack([np.nan_to_num(found[row]), np.ones(len(COCO_17))])
        answers.append(
            {**shared, 'score': float(scores[row]), 'keypoints': points.ravel().tolist()}
        )
    data = {
        'images': [{'id': number} for number in numbers.values()],
        'annotations': people,
        'categories': [category],
    }
    with redirect_stdout(io.StringIO()):
        labelled = COCO(data)
        evaluation = COCOeval_faster(labelled, labelled.loadRes(answers), 'keypoints')
        evaluation.evaluate()
        evaluation.accumulate()
        evaluation.summarize()
    # It returns -1 if no person counts.
    values = [100 * value if value >= 0 else float('nan') for value in evaluation.stats[:6]]
    return dict(zip(_SUMMARY, values, strict=True))


def _box_around(points: Array) -> list[float]:
    """Return x, y, width and height of the smallest box around ``(K, 2)`` points, px."""
    if not len(points):
        return [0.0, 0.0, 0.0, 0.0]
    low, high = points.min(0), points.max(0)
    return [*low.tolist(), *(high - low).tolist()]
