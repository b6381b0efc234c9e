"""Settings of the estimator; they may be changed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import RootMode


@dataclass(frozen=True)
class EstimatorSettings:
    """
    Settings of detection, tracking, smoothing and placement in 3D.

    Parameters
    ----------
    max_people : int
        People followed at one time.
    score_threshold : float
        Score from which a keypoint counts as observed, and a person who is known as seen, (0, 1).
    newcomer_threshold : float
        Score of the pose network from which a detection counts as a new person, (0, 1); less than
        `score_threshold` has no effect.
    agreement_threshold : float
        Agreement of image and lifting below which a pose is flagged, [0, 1].
    root_mode : RootMode or 'auto'
        How roots are placed; 'auto' is DEPTH with a depth image and PROJECTIVE without, as DEPTH
        is where no depth image is given.
    person_height_m : float
        Standing height of all people, 0.5 to 2.5 m; 0 takes the network's scale.
    default_fov_deg : float
        Horizontal field of view that is assumed without a camera, degrees.
    detector : str
        Detector of new people: 'builtin', or 'none' if the caller passes boxes.
    detect_every : int
        Images from one run of the detector to the next while nobody is lost.
    idle_period : float
        How often the detector runs while nobody is known and nothing moves, s; 0 is on every
        image.
    detect_threshold : float
        Least score of a detection that is passed to the pose network, (0, 1); that network decides
        whether it is a person.
    confirm_time : float
        How long a newcomer has to be seen before an id is given, s.
    track_timeout : float
        How long a person who is not seen is predicted and reported, s.
    lost_timeout : float
        How long a person who is lost is remembered, to get their id back, s.
    smoothing : bool
        Whether keypoints are smoothed over time; without, they have no lag.
    smooth_min_cutoff : float
        Cutoff of the One Euro filter for what stands still, Hz: lower is calmer.
    smooth_beta : float
        How the cutoff grows with speed, Hz per m/s: higher has less lag.
    fixed_bones : bool
        Whether a person's bones keep the lengths learned of them.

    Raises
    ------
    ValueError
        If a value is out of range; the message names the field.

    """

    max_people: int = 8
    score_threshold: float = 0.5
    newcomer_threshold: float = 0.7
    agreement_threshold: float = 0.5
    root_mode: RootMode | Literal['auto'] = 'auto'
    person_height_m: float = 0.0
    default_fov_deg: float = 60.0
    detector: Literal['builtin', 'none'] = 'builtin'
    detect_every: int = 5
    idle_period: float = 0.0
    detect_threshold: float = 0.1
    confirm_time: float = 0.0
    track_timeout: float = 0.5
    lost_timeout: float = 4.0
    smoothing: bool = True
    smooth_min_cutoff: float = 1.2
    smooth_beta: float = 5.0
    fixed_bones: bool = True

    def __post_init__(self) -> None:
        modes, height = ('auto', *RootMode), self.person_height_m
        checks = {
            'max_people': (self.max_people >= 1, '1 or more'),
            'score_threshold': (0 < self.score_threshold < 1, 'a number between 0 and 1'),
            'newcomer_threshold': (0 < self.newcomer_threshold < 1, 'a number between 0 and 1'),
            'agreement_threshold': (0 <= self.agreement_threshold <= 1, 'a number in [0, 1]'),
            'root_mode': (self.root_mode in modes, 'auto, relative, projective or depth'),
            'person_height_m': (height == 0 or 0.5 <= height <= 2.5, '0, or 0.5 to 2.5 m'),
            'default_fov_deg': (0 < self.default_fov_deg < 180, 'an angle between 0 and 180'),
            'detector': (self.detector in ('builtin', 'none'), 'builtin or none'),
            'detect_every': (self.detect_every >= 1, '1 or more'),
            'idle_period': (0 <= self.idle_period < math.inf, '0 or more'),
            'detect_threshold': (0 < self.detect_threshold < 1, 'a number between 0 and 1'),
            'confirm_time': (0 <= self.confirm_time < math.inf, '0 or more'),
            'track_timeout': (0 <= self.track_timeout < math.inf, '0 or more'),
            'lost_timeout': (0 <= self.lost_timeout < math.inf, '0 or more'),
            'smooth_min_cutoff': (0 < self.smooth_min_cutoff < math.inf, 'a number above 0'),
            'smooth_beta': (0 <= self.smooth_beta < math.inf, '0 or more'),
        }
        for name, (good, expected) in checks.items():
            if not good:
                raise ValueError(
                    f'EstimatorSettings.{name}: expected {expected}; got {getattr(self, name)!r}'
                )

    def person_thresholds(self, new: NDArray[np.bool_]) -> NDArray[np.float64]:
        """Return the score from which each of ``(N,)`` people counts, by whether they are new."""
        newcomer = max(self.newcomer_threshold, self.score_threshold)
        return np.where(new, newcomer, self.score_threshold)

    def resolve(self, has_depth: bool) -> RootMode:
        """Return the root mode in effect."""
        mode = RootMode.DEPTH if self.root_mode == 'auto' else RootMode(self.root_mode)
        if mode is RootMode.DEPTH and not has_depth:
            return RootMode.PROJECTIVE
        return mode
