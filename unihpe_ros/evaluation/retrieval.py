"""Two uses of the embeddings: retrieval across modalities, and agreement as a warning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import permutations
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.skeleton import H36M_17, UNION
from unihpe_ros.evaluation.predictions import Predictions
from unihpe_ros.evaluation.protocols import pose_errors
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.metrics import pose_errors as metrics

_MM = 1000.0
# Queries compared with the whole gallery at a time.
_CHUNK = 1024
# Number of groups into which people are split by agreement.
DECILES = 10


@runtime_checkable
class Embedder(Protocol):
    """A model with a 3D encoder, which exported branches lack."""

    def embed_3d(self, relative: NDArray[np.float32]) -> NDArray[np.float32]:
        """Embed ``(B, K, 3)`` root-relative poses, m, NaN where unknown, as unit rows."""


def retrieval_report(predicted: Predictions, embedder: Embedder | None) -> EvaluationReport:
    """
    Return how well each record is found by its embedding in another modality.

    Parameters
    ----------
    predicted : Predictions
        Predictions of a model; records without 3D are left out.
    embedder : Embedder, optional
        The model; without its 3D encoder image and 2D are looked up in each other.

    """
    whole = np.isfinite(predicted.truth).all(-1).sum(-1) > 1
    truth = predicted.truth[whole].astype(np.float32)
    embeddings = {name: rows[whole] for name, rows in predicted.embeddings.items()}
    if embedder is not None:
        embeddings['3d'] = np.concatenate(
            [embedder.embed_3d(truth[i : i + _CHUNK]) for i in range(0, len(truth), _CHUNK)]
        )
    rows = retrieve(embeddings, truth[:, H36M_17.indices_in(UNION)])
    columns = ['R@1 [%]', 'retrieval error [mm]', 'error of a random pose [mm]']
    notes = [
        f'gallery of {len(truth)} records: chance of R@1 is {100 / max(len(truth), 1):.3g} %',
        'the error is the MPJPE between the pose of the record found and the pose sought',
        '2d is the true 2D pose',
        *([] if embedder else ['3d takes a checkpoint.pt: what is exported has no 3D encoder']),
    ]
    return EvaluationReport(
        'Retrieval across modalities', notes, [Table('Retrieval', columns, rows)]
    )


def retrieve(embeddings: Mapping[str, Array], truth: Array) -> dict[str, list[float]]:
    """
    Return how often the nearest embedding of another modality is of the same record.

    Parameters
    ----------
    embeddings : Mapping[str, NDArray]
        ``(N, D)`` unit rows by modality.
    truth : NDArray
        ``(N, K, 3)`` root-relative poses, m.

    Returns
    -------
    dict[str, list[float]]
        'image -> 2d' and so on: share of records that find themselves, %; mean distance of the
        pose found from the pose sought, mm; the same for a pose drawn at random.

    """
    order = np.random.default_rng(0).permutation(len(truth))
    random = _MM * metrics.mpjpe(truth[order], truth)
    rows = {}
    for query, gallery in permutations(embeddings, 2):
        found = np.concatenate(
            [
                (embeddings[query][i : i + _CHUNK] @ embeddings[gallery].T).argmax(-1)
                for i in range(0, len(truth), _CHUNK)
            ]
        )
        hits = float((found == np.arange(len(truth))).mean())
        distance = _MM * metrics.mpjpe(truth[found], truth)
        rows[f'{query} -> {gallery}'] = [100 * hits, distance, random]
    return rows


def has_3d_truth(predicted: Predictions, keypoints: Sequence[str]) -> NDArray[np.bool_]:
    """``(N,)`` whether the 3D position of any counted keypoint but the root is known."""
    # The root's error is none.
    counted = UNION.indices(*(name for name in keypoints if name != 'pelvis'))
    return np.asarray(np.isfinite(predicted.truth[:, counted]).all(-1).any(-1))


def agreement_table(
    predicted: Predictions, keypoints: Sequence[str], aligned: bool = False
) -> tuple[Table, Mapping[str, Array]]:
    """
    Return the errors of the records of least agreement and of the rest; only those with 3D.

    Parameters
    ----------
    predicted : Predictions
        Predictions for pictures; at least DECILES records with 3D (`has_3d_truth`).
    keypoints : Sequence[str]
        Keypoints that count.
    aligned : bool
        Take the error after alignment.

    Returns
    -------
    table : Table
        Mean error of the tenth of least agreement and of the rest, mm, and the rank correlation
        of agreement and error, by source of the pose.
    deciles : Mapping[str, NDArray]
        ``(10,)`` mean error, mm, by source, from least agreement to most; and 'agreement', the
        mean agreement.

    """
    known = has_3d_truth(predicted, keypoints)
    order = np.argsort(predicted.agreement, kind='stable')
    order = order[known[order]]
    parts = np.array_split(order, DECILES)
    deciles: dict[str, Array] = {
        'agreement': np.array([predicted.agreement[part].mean() for part in parts])
    }
    columns, worst, rest, ranks = [], [], [], []
    for name, errors in pose_errors(predicted, keypoints).items():
        person = np.full(len(known), np.nan)
        person[known] = np.nanmean(errors[int(aligned)][known], -1)
        deciles[name] = np.array([person[part].mean() for part in parts])
        columns.append(name)
        worst.append(float(deciles[name][0]))
        rest.append(float(person[order[len(parts[0]) :]].mean()))
        # With equal agreements there is no rank correlation.
        both = predicted.agreement[order], person[order]
        constant = any(np.ptp(values) == 0 for values in both)
        ranks.append(0.0 if constant else float(spearmanr(*both)[0]))
    rows = {
        'least agreeing tenth': worst,
        'the rest': rest,
        'ratio': [a / b for a, b in zip(worst, rest, strict=True)],
        'rank correlation of agreement and error': ranks,
    }
    measure = 'PA-MPJPE' if aligned else 'MPJPE'
    return Table(f'Agreement as a warning: {measure} [mm]', columns, rows), deciles
