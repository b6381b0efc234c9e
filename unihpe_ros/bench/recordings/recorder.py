"""Record the result and the times of each image of a recording."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.bag_image import BagImage
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.frame_table import (
    ANSWERED,
    BagResult,
    BROKEN,
    DROPPED,
    FrameTable,
)
from unihpe_ros.bench.recordings.worst_frames import WorstFrames
from unihpe_ros.core.pose import KeypointFlag, Poses
from unihpe_ros.core.process_memory import resident_mb
from unihpe_ros.metrics.ground_truth import TruthMeter
from unihpe_ros.visualisation.anonymise import anonymise, OFF
from unihpe_ros.visualisation.floor_plan import annotate


@dataclass(frozen=True)
class Answer:
    """
    Poses and times of one image.

    Parameters
    ----------
    poses : Poses
        The people.
    seconds : float
        From the image's arrival to the answer.

    """

    poses: Poses
    seconds: float


class Recorder:
    """
    Collects the answers of one pass through a recording into a BagResult.

    Parameters
    ----------
    reader : BagReader
        The recording.
    truth : Mapping[int, Poses], optional
        The true people by the stamp of their image, ns.
    keep_answers : bool
        Keep the poses, to draw or to publish them afterwards.
    anonymise_mode : str
        See `unihpe_ros.visualisation.anonymise.anonymise`; of the worst images.

    Attributes
    ----------
    answers : dict[int, Answer]
        By number of the image; empty unless they are kept.

    """

    def __init__(
        self,
        reader: BagReader,
        truth: Mapping[int, Poses] | None,
        *,
        keep_answers: bool = False,
        anonymise_mode: str = OFF,
    ) -> None:
        self.answers: dict[int, Answer] = {}
        self._reader = reader
        self._keep = keep_answers
        self._mode = anonymise_mode
        self._truth = truth
        self._meter = None if truth is None else TruthMeter()
        self._table = FrameTable()
        self._shelf = WorstFrames()
        self._ids: set[int] = set()
        self._size = (0, 0)
        self._first = -1
        self._first_error = ''

    def answered(
        self,
        image: BagImage,
        picture: Callable[[], NDArray[np.uint8]],
        poses: Poses,
        figures: Mapping[str, float],
    ) -> None:
        """
        Record the answer to an image.

        Parameters
        ----------
        image : BagImage
            The image.
        picture : Callable[[], NDArray[np.uint8]]
            Gives it decoded, ``(H, W, 3)`` BGR; called only if it is to be drawn.
        poses : Poses
            The answer.
        figures : Mapping[str, float]
            Columns of the frame table that only the caller knows, latency_ms among them.

        """
        if not any(self._size):
            height, width = picture().shape[:2]
            self._size = (width, height)
        self._ids.update(poses.track_ids.tolist())
        if self._keep:
            self.answers[image.number] = Answer(poses, 1e-3 * figures['latency_ms'])
        seen, trust = _confidence(poses)
        truth = None if self._truth is None else self._truth.get(image.stamp)
        fit = {} if truth is None or self._meter is None else self._meter.add(poses, truth)
        badness = fit.pop('badness', _distrust(poses))
        values = {**self._common(image, ANSWERED), **figures, **seen, **trust, **fit}
        self._table.add({**values, 'people': len(poses), 'rss_mb': resident_mb()})
        self._shelf.offer(
            (image.number, self._time(image)),
            badness,
            _caption(fit, seen, trust),
            lambda: annotate(
                anonymise(picture(), poses, self._mode),
                poses,
                self._reader.camera,
                truth,
                self._reader.rotation,
            ),
        )

    def dropped(self, image: BagImage) -> None:
        """Record an image that was dropped for a newer one."""
        self._table.add(self._common(image, DROPPED))

    def broken(self, image: BagImage, error: Exception) -> None:
        """Record an image that cannot be decoded."""
        self._table.add(self._common(image, BROKEN))
        self._first_error = self._first_error or (
            f'{self._reader.path}: {self._reader.topic}: message {image.number}: {error}'
        )

    def result(self, wall_s: float, node: Mapping[str, float] | None = None) -> BagResult:
        """
        Return what was measured so far.

        Parameters
        ----------
        wall_s : float
            How long it took, s.
        node : Mapping[str, float], optional
            What the live node said about itself.

        """
        count = len(self._table.columns['number'])
        return BagResult(
            bag=self._reader.name,
            topic=self._reader.topic,
            size=list(self._size),
            images=self._reader.count,
            wall_s=round(wall_s, 4),
            complete=count >= self._reader.count,
            ids=len(self._ids),
            first_error=self._first_error,
            frames=self._table.columns,
            node=dict(node or {}),
            truth=None if self._meter is None else self._meter.result(),
            worst=self._shelf.result(),
        )

    def _time(self, image: BagImage) -> float:
        self._first = image.stamp if self._first < 0 else self._first
        return 1e-9 * (image.stamp - self._first)

    def _common(self, image: BagImage, state: int) -> dict[str, float]:
        return {
            'number': image.number,
            'time_s': self._time(image),
            'state': state,
            'bytes': image.size,
            'read_ms': 1e3 * image.read_s,
        }


def _confidence(poses: Poses) -> tuple[dict[str, float], dict[str, float]]:
    """Return score of observed keypoints, and agreement, averaged over those who are seen."""
    observed = poses.observed
    score = float(poses.scores[observed].mean()) if observed.any() else math.nan
    agreement = poses.agreement[observed.any(-1) & np.isfinite(poses.agreement)]
    doubtful = int(((poses.flags & KeypointFlag.LOW_AGREEMENT) > 0).any(-1).sum())
    mean = float(agreement.mean()) if len(agreement) else math.nan
    return {'score': score}, {'agreement': mean, 'doubtful': doubtful}


def _distrust(poses: Poses) -> float:
    """Return 1 less the lowest confidence of a person in the image; 0 without people."""
    observed = poses.observed.any(-1)
    if not observed.any():
        return 0.0
    trust = poses.scores[observed].mean(-1) * np.nan_to_num(poses.agreement[observed], nan=1)
    return float(1 - trust.min())


def _caption(
    fit: Mapping[str, float], seen: Mapping[str, float], trust: Mapping[str, float]
) -> str:
    if not fit:
        return 'score {:.2f}, agreement {:.2f}'.format(seen['score'], trust['agreement'])
    parts = [f'{int(fit[name])} {name}' for name in ('missed', 'extra') if fit[name]]
    parts += [
        f'{fit[name]:.0f} {unit}'
        for name, unit in (('mpjpe_mm', 'mm MPJPE'), ('error_px', 'px in the image'))
        if math.isfinite(fit[name])
    ]
    return ', '.join(parts)
