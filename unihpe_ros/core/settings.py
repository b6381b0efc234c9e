"""What of the estimator may be changed while it runs."""

from __future__ import annotations

from dataclasses import dataclass
import math
from typing import Literal

from unihpe_ros.core.pose import RootMode


@dataclass(frozen=True)
class EstimatorSettings:
    """
    How many people are followed, what counts as seen and how roots are placed.

    Parameters
    ----------
    max_people : int
        People followed at one time.
    score_threshold : float
        Score from which a keypoint counts as observed, and a person as seen, (0, 1).
    agreement_threshold : float
        Agreement of image and lifting below which a pose is flagged, [0, 1].
    root_mode : RootMode or 'auto'
        How roots are placed; 'auto' is PROJECTIVE with a camera and RELATIVE without.
    person_height_m : float
        Stature of everybody, m; 0 trusts the network's scale.
    default_fov_deg : float
        Horizontal field of view that is assumed without a camera, degrees.
    search_crops : int
        Windows searched for newcomers in each frame while somebody is followed.
    track_timeout : float
        How long a person who is not seen is kept, s.

    Raises
    ------
    ValueError
        If a value is out of range; the message names the field.

    """

    max_people: int = 8
    score_threshold: float = 0.3
    agreement_threshold: float = 0.5
    root_mode: RootMode | Literal['auto'] = 'auto'
    person_height_m: float = 0.0
    default_fov_deg: float = 60.0
    search_crops: int = 1
    track_timeout: float = 0.5

    def __post_init__(self) -> None:
        modes = ('auto', RootMode.RELATIVE, RootMode.PROJECTIVE)
        checks = {
            'max_people': (self.max_people >= 1, '1 or more'),
            'score_threshold': (0 < self.score_threshold < 1, 'a number between 0 and 1'),
            'agreement_threshold': (0 <= self.agreement_threshold <= 1, 'a number in [0, 1]'),
            'root_mode': (self.root_mode in modes, 'auto, relative or projective'),
            'person_height_m': (0 <= self.person_height_m < 3, '0 or a stature below 3 m'),
            'default_fov_deg': (0 < self.default_fov_deg < 180, 'an angle between 0 and 180'),
            'search_crops': (self.search_crops >= 0, '0 or more'),
            'track_timeout': (0 <= self.track_timeout < math.inf, '0 or more'),
        }
        for name, (good, expected) in checks.items():
            if not good:
                raise ValueError(
                    f'EstimatorSettings.{name}: expected {expected}; got {getattr(self, name)!r}'
                )

    def resolve(self, has_camera: bool) -> RootMode:
        """Return the root mode in effect."""
        if self.root_mode == 'auto':
            return RootMode.PROJECTIVE if has_camera else RootMode.RELATIVE
        return RootMode(self.root_mode)
