"""Data association: scores of track-observation pairs, and their optimal assignment."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from unihpe_ros.core import boxes
from unihpe_ros.core.skeleton import COCO_17, Skeleton
from unihpe_ros.metrics.oks import oks
from unihpe_ros.tracking import appearance
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.track import Track

# Weights of keypoints, box, place in the room, pose and colours in the match score.
_OKS, _IOU, _NEAR, _POSE, _COLOUR = 0.3, 0.2, 0.3, 0.05, 0.15
# Least match score of a track and an observation of the same person.
LEAST_MATCH_SCORE = 0.25
# Least overlap of keypoints or boxes: below it a pair is impossible.
_LEAST_OVERLAP = 0.1
# Standard deviation of the error of a predicted root, m: across the line of sight and along it,
# where a share of the distance is added; and the growth of both for each second without an
# observation.
_ACROSS, _ALONG, _ALONG_SHARE, _GROWTH = 0.2, 0.1, 0.06, 0.8
_PERSON_SHARE = 0.6  # Share of a box that the person in it covers, for the scale of OKS.
# A lost person may have walked at this pace, m/s and body heights/s, from a point at most this
# far, m and body heights, from the last position.
_PACE, _SLACK, _PACE_2D, _SLACK_2D = 1.6, 0.5, 0.8, 0.4
# Largest ratio of the box heights before and after for re-identification.
_RESIZED = 1.5
# Colour similarity below which a new person is not identified with a lost one, and above which the
# identity is certain; a certain person may come back from this many times as far.
_STRANGE, _FAMILIAR, _FARTHER = 0.75, 0.9, 2.0
# Colour similarity from which a person who got a new id gets the old one back.
_CERTAIN = 0.85
# Colour similarity at which a match score is reduced most, and the share that is left of it then.
_UNLIKE, _LEAST_SHARE = 0.5, 0.3
# Share of a person's box behind the boxes of others above which its colours may be those of the
# others.
_COVERED = 0.1
_SAME_OKS = 0.5  # OKS from which two observations are the same person.
_SAME_IOU = 0.75  # IoU likewise, if one of them is a first observation with rough keypoints.


def overlaps(
    tracks: Sequence[Track], observations: Observations, skeleton: Skeleton, threshold: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Overlap in the image of tracks with observations, and of observations with each other.

    Parameters
    ----------
    tracks : Sequence[Track]
        T people, carried along to now.
    observations : Observations
        G observations.
    skeleton : Skeleton
        The keypoint set.
    threshold : float
        Score from which a keypoint counts.

    Returns
    -------
    by_keypoints : NDArray[np.float64]
        ``(T + G, G)`` OKS over the keypoints that both show; 0 without a common one.
    by_box : NDArray[np.float64]
        ``(T + G, G)`` intersection over union of the boxes.

    """
    coco, n = COCO_17.indices_in(skeleton), len(tracks)
    if not len(observations):
        return np.zeros((n, 0)), np.zeros((n, 0))
    places = np.array([track.box for track in tracks]).reshape(-1, 4)
    everybody = np.concatenate([places, observations.boxes])
    keypoints = np.array([*(track.keypoints for track in tracks), *observations.keypoints_2d])
    shown = np.array([*(track.scores for track in tracks), *observations.scores]) >= threshold
    keypoints, shown = keypoints[:, coco], shown[:, coco]
    area = boxes.area(everybody)
    extent = _PERSON_SHARE * np.maximum(area[:, None], area[None, n:])
    both = shown[:, None] & shown[None, n:]
    by_keypoints = oks(keypoints[:, None], keypoints[None, n:], extent, both)
    # NaN, without a common keypoint, is an overlap of 0.
    by_keypoints = np.where(by_keypoints > 0, by_keypoints, 0.0)
    return by_keypoints, boxes.iou(everybody, observations.boxes)


def match_scores(
    tracks: Sequence[Track],
    observations: Observations,
    skeleton: Skeleton,
    stamp: float,
    by_keypoints: NDArray[np.float64],
    by_box: NDArray[np.float64],
) -> NDArray[np.float64]:
    """
    Match score of every track with every observation, by prediction and appearance.

    Parameters
    ----------
    tracks : Sequence[Track]
        T people, carried along to now.
    observations : Observations
        G observations.
    skeleton : Skeleton
        The keypoint set.
    stamp : float
        Now, s.
    by_keypoints, by_box : NDArray[np.float64]
        ``(T, G)`` see `overlaps`.

    Returns
    -------
    NDArray[np.float64]
        ``(T, G)`` in [0, 1]; 0 for impossible pairs.

    """
    if not tracks or not len(observations):
        return np.zeros((len(tracks), len(observations)))
    pose = np.array([track.embedding for track in tracks]) @ observations.embeddings.T
    colour = _colours(tracks, observations)
    near = _nearness(tracks, observations, skeleton, stamp)
    fit = (
        _OKS * by_keypoints
        + _IOU * by_box
        + _NEAR * near
        + _POSE * np.minimum(np.maximum(pose, 0), 1)
        + _COLOUR * np.where(np.isnan(colour), 0.5, colour)
    )
    fit[np.maximum(by_keypoints, by_box) < _LEAST_OVERLAP] = 0
    known = (colour - _UNLIKE) / (_FAMILIAR - _UNLIKE)
    share = np.minimum(np.maximum(_LEAST_SHARE + (1 - _LEAST_SHARE) * known, _LEAST_SHARE), 1.0)
    return fit * np.where(np.isnan(share), 1.0, share)


def reid_scores(
    tracks: Sequence[Track], newcomers: Sequence[Track], stamp: float
) -> NDArray[np.float64]:
    """
    Re-identification score of every unseen track with every newcomer.

    Parameters
    ----------
    tracks : Sequence[Track]
        T people who are predicted or lost.
    newcomers : Sequence[Track]
        M people who have no id yet, or who may have been given one in error.
    stamp : float
        Now, s.

    Returns
    -------
    NDArray[np.float64]
        ``(T, M)`` in [0, 1]; 0 for impossible pairs.

    """
    chance = np.zeros((len(tracks), len(newcomers)))
    for t, track in enumerate(tracks):
        for m, new in enumerate(newcomers):
            likeness = float(track.colours @ new.colours)
            if likeness < _STRANGE or (new.id and not likeness >= _CERTAIN):
                continue
            known = likeness if np.isfinite(likeness) else _STRANGE
            sure = min((known - _STRANGE) / (_FAMILIAR - _STRANGE), 1.0)
            reach = _reach(track, new, stamp - track.stamp) / (1 + (_FARTHER - 1) * sure)
            chance[t, m] = max(1 - reach, 0.0) * known if reach < 1 else 0.0
    return chance


def unoccluded(observations: Observations, skeleton: Skeleton) -> NDArray[np.bool_]:
    """
    Mask of observations that are less than 10 % occluded by other people.

    Parameters
    ----------
    observations : Observations
        G observations.
    skeleton : Skeleton
        The keypoint set.

    Returns
    -------
    NDArray[np.bool_]
        ``(G,)``.

    """
    places = observations.boxes.astype(np.float64)
    depth = observations.keypoints_3d[:, skeleton.index('pelvis'), 2]
    share = boxes.common_area(places, places) / np.maximum(boxes.area(places), 1.0)[:, None]
    # Nobody occludes themselves, or a person of unknown depth.
    in_front = depth[None] < depth[:, None]
    return np.asarray(np.where(in_front, share, 0).max(1, initial=0.0) < _COVERED)


def pairs(fit: NDArray[np.float64], least: float = LEAST_MATCH_SCORE) -> list[tuple[int, int]]:
    """Optimal assignment as (row, column), without pairs that score below `least`."""
    fit = np.where(fit >= least, fit, 0)
    rows, columns = linear_sum_assignment(fit, maximize=True)
    chosen = zip(rows.tolist(), columns.tolist(), strict=True)
    return [(t, g) for t, g in chosen if fit[t, g] > 0]


def without_duplicates(
    observations: Observations,
    fit: NDArray[np.float64],
    alike: NDArray[np.float64],
    shared: NDArray[np.float64],
) -> list[int]:
    """
    Rows of the observations without duplicates of one person, the best match first.

    Parameters
    ----------
    observations : Observations
        G observations.
    fit : NDArray[np.float64]
        ``(T, G)`` see `match_scores`.
    alike, shared : NDArray[np.float64]
        ``(G, G)`` overlap with each other by keypoints and by box, see `overlaps`.

    """
    if not len(observations):
        return []
    tracked = observations.sources >= 0
    own = np.zeros(len(observations))
    own[tracked] = fit[observations.sources[tracked], np.flatnonzero(tracked)]
    merit = observations.scores.mean(1) / 10 + fit.max(0, initial=0.0) + own
    same = (shared > _SAME_IOU) & ~(tracked[:, None] & tracked[None]) | (alike > _SAME_OKS)
    kept: list[int] = []
    for row in np.argsort(-merit, kind='stable').tolist():
        if not same[row, kept].any():
            kept.append(row)
    return kept


def _colours(tracks: Sequence[Track], observations: Observations) -> NDArray[np.float64]:
    return appearance.alike(np.array([track.colours for track in tracks]), observations.colours)


def _nearness(
    tracks: Sequence[Track], observations: Observations, skeleton: Skeleton, stamp: float
) -> NDArray[np.float64]:
    """``(T, G)`` factor by the distance in the room; 1 where it is not known."""
    roots = observations.keypoints_3d[:, skeleton.index('pelvis')].astype(np.float64)
    foreseen = np.array([track.root for track in tracks])
    growth = np.array([[_GROWTH * (stamp - track.stamp)] for track in tracks])
    distance = np.linalg.norm(foreseen, axis=-1, keepdims=True)
    surprise = roots[None] - foreseen[:, None]
    along = np.einsum('tgc,tc->tg', surprise, foreseen / np.maximum(distance, 1e-6))
    across = np.sqrt(np.maximum(np.square(surprise).sum(-1) - along**2, 0))
    off = (along / (_ALONG + _ALONG_SHARE * distance + growth)) ** 2
    off += (across / (_ACROSS + growth)) ** 2
    return np.where(np.isnan(off), 1.0, np.exp(-0.5 * off))


def _reach(track: Track, new: Track, seconds: float) -> float:
    """Distance from where the track was lost, as a share of what the person can have walked."""
    height, new_height = (float(one.box[3] - one.box[1]) for one in (track, new))
    distance = float(np.linalg.norm(new.root - track.root))
    if np.isfinite(distance) and distance > 0:
        return distance / (_SLACK + _ALONG_SHARE * abs(float(track.root[2])) + _PACE * seconds)
    if not 1 / _RESIZED < new_height / max(height, 1e-6) < _RESIZED:
        return 1.0
    middle, new_middle = (0.5 * (one.box[:2] + one.box[2:]) for one in (track, new))
    offset = float(np.linalg.norm(new_middle - middle))
    return offset / (height * (_SLACK_2D + _PACE_2D * seconds))
