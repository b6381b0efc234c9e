"""Comparison of several runners on the same film, each image by all of them in turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from time import perf_counter, process_time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.peers.runners import FoundPeople2D, Runner
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.metrics.matching import match_people, MIN_IN_SIGHT
from unihpe_ros.metrics.pose_errors import torso_size

# Images before figures count: networks warm up, and people are found.
WARM_UP = 15
_PCK = 0.2


@dataclass
class PeerScore:
    """
    Measurements of one runner on a film.

    Parameters
    ----------
    name, lacks : str
        See Runner.
    cpu_ms, latency_ms : list[float]
        Of each image: CPU time of the whole process, and time until the answer.
    found, there : int
        People found who are true, and people in sight.
    right, keypoints : int
        Keypoints of those found that lie within 0.2 torso, and all.

    """

    name: str
    lacks: str
    cpu_ms: list[float] = field(default_factory=list)
    latency_ms: list[float] = field(default_factory=list)
    found: int = 0
    there: int = 0
    right: int = 0
    keypoints: int = 0

    def add(self, found: FoundPeople2D, truth: Poses) -> None:
        """Add the people who were found in an image, and the true ones."""
        true = truth.to(COCO_17).keypoints_2d[truth.observed.sum(-1) >= MIN_IN_SIGHT]
        self.there += len(true)
        for mine, theirs in match_people(found, true):
            errors = np.linalg.norm(found[mine] - true[theirs], axis=-1)
            reach = _PCK * float(torso_size(true[theirs][None])[0])
            known = np.isfinite(true[theirs]).all(-1)
            self.found += 1
            self.right += int(np.count_nonzero(errors[known] <= reach))
            self.keypoints += int(np.count_nonzero(known))

    def summary(self) -> dict[str, Any]:
        """Return the figures of the table by name."""
        p50, p95, p99 = (round(float(v), 2) for v in np.percentile(self.latency_ms, (50, 95, 99)))
        return {
            'name': self.name,
            'cpu_ms': round(float(np.mean(self.cpu_ms)), 2),
            'latency_p50_ms': p50,
            'latency_p95_ms': p95,
            'latency_p99_ms': p99,
            'found': round(self.found / self.there, 3) if self.there else None,
            'pck_0.2': round(self.right / self.keypoints, 3) if self.keypoints else None,
            'lacks': self.lacks,
        }


def compare_peers(
    runners: Sequence[Runner],
    film: Path,
    limit: int = 0,
    step: Callable[[int], object] = lambda images: None,
) -> list[PeerScore]:
    """
    Show a recording to all runners, image by image, each image to all in turn.

    Parameters
    ----------
    runners : Sequence[Runner]
        The runners; they take turns in the order.
    film : Path
        A recording; true people in it are counted.
    limit : int
        Images; 0 for all.
    step : Callable[[int], object]
        Called for each finished image.

    """
    reader = BagReader(film)
    truth: Mapping[int, Poses] = reader.truth() or {}
    scores = [PeerScore(runner.name, runner.lacks) for runner in runners]
    for number, (stamp, image) in enumerate(reader.frames()):
        if limit and number >= limit:
            break
        picture: NDArray[np.uint8] = np.array(image)
        camera = reader.camera_of((picture.shape[1], picture.shape[0]))
        for turn in range(len(runners)):
            which = (number + turn) % len(runners)
            spent, begun = process_time(), perf_counter()
            found = runners[which].find(picture, camera, 1e-9 * stamp)
            if number < WARM_UP:
                continue
            scores[which].latency_ms.append(1e3 * (perf_counter() - begun))
            scores[which].cpu_ms.append(1e3 * (process_time() - spent))
            if stamp in truth:
                scores[which].add(found, truth[stamp])
        step(1)
    if not all(score.cpu_ms for score in scores):
        raise ValueError(f'{film}: expected more than {WARM_UP} images to measure with')
    return scores


def plot_peers(scores: Sequence[PeerScore], path: Path) -> None:
    """Draw CPU time and latency of each runner as bars."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 0.5 + 0.6 * len(scores)), layout='constrained')
    axes = figure.add_subplot()
    rows = np.arange(len(scores))
    axes.barh(rows - 0.2, [np.mean(one.cpu_ms) for one in scores], 0.4, label='CPU, mean')
    tails = [float(np.percentile(one.latency_ms, 95)) for one in scores]
    axes.barh(rows + 0.2, tails, 0.4, label='latency, p95')
    axes.set_yticks(rows, [one.name for one in scores])
    axes.invert_yaxis()
    axes.set(xlabel='ms an image')
    axes.legend()
    figure.savefig(path, dpi=120, format='png')
