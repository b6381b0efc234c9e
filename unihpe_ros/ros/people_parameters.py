"""The parameters of how people are detected, tracked and placed in 3D."""

from __future__ import annotations

from dataclasses import dataclass

from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.ros.parameter_checks import parameter


@dataclass(frozen=True)
class PeopleParameters:
    """How people are detected, tracked, smoothed and placed in 3D."""

    max_people: int = parameter(
        EstimatorSettings.max_people,
        'Most people estimated in one image of each camera',
        limits=(1, 32),
        fixed=True,
    )
    score_threshold: float = parameter(
        EstimatorSettings.score_threshold,
        'Score from which a keypoint counts as observed, and a person as seen',
        limits=(0.01, 0.99),
    )
    agreement_threshold: float = parameter(
        EstimatorSettings.agreement_threshold,
        'Agreement of image and lifting below which a pose is flagged low_agreement',
        limits=(0.0, 1.0),
    )
    detector: str = parameter(
        EstimatorSettings.detector,
        'Who finds newcomers: builtin, or none for those who give boxes themselves',
        choices=('builtin', 'none'),
    )
    boxes_class: str = parameter(
        '', 'Class of the detections on boxes_in that are people; empty takes all of them'
    )
    boxes_tolerance_s: float = parameter(
        0.1,
        'How far the stamps of boxes_in and image may be apart, s',
        limits=(0.0, 2.0),
    )
    detect_every: int = parameter(
        EstimatorSettings.detect_every,
        'Images from one run of the detector to the next while nobody is lost',
        limits=(1, 100),
    )
    detect_beside: bool = parameter(
        True,
        'Run the detector in a thread of its own while known people are looked at, so that they '
        'do not wait for it; false makes answers independent of timing',
        fixed=True,
    )
    idle_period_s: float = parameter(
        1.0,
        'How often the detector runs while nobody is known and nothing moves, s; 0 is on every '
        'image',
        limits=(0.0, 60.0),
    )
    detect_threshold: float = parameter(
        EstimatorSettings.detect_threshold,
        'Score from which the network takes a look at what the detector found',
        limits=(0.01, 0.99),
    )
    detector_model: str = parameter(
        'unihpe_det', 'Name of a shipped detector, or path of an exported one', fixed=True
    )
    confirm_time_s: float = parameter(
        EstimatorSettings.confirm_time,
        'How long a newcomer has to be seen before an id is given, s',
        limits=(0.0, 5.0),
    )
    track_timeout_s: float = parameter(
        EstimatorSettings.track_timeout,
        'How long a person who is not seen is predicted, s',
        limits=(0.0, 10.0),
    )
    lost_timeout_s: float = parameter(
        EstimatorSettings.lost_timeout,
        'How long a person who is lost is remembered, to get their id back, s',
        limits=(0.0, 60.0),
    )
    smoothing: bool = parameter(
        EstimatorSettings.smoothing, 'Smooth keypoints over time; without, they have no lag'
    )
    smooth_min_cutoff_hz: float = parameter(
        EstimatorSettings.smooth_min_cutoff,
        'Cutoff of the One Euro filter for what stands still, Hz: lower is calmer',
        limits=(0.01, 60.0),
    )
    smooth_beta: float = parameter(
        EstimatorSettings.smooth_beta,
        'How the cutoff grows with speed, Hz per m/s: higher has less lag',
        limits=(0.0, 100.0),
    )
    fixed_bones: bool = parameter(
        EstimatorSettings.fixed_bones,
        'Keep the bones of each person at the lengths learned of them',
    )
    root_mode: str = parameter(
        EstimatorSettings.root_mode,
        'Place of the pelvis: relative puts it at the origin, projective finds it in front of the '
        'camera, depth measures it in a depth image; auto takes the best of what is there',
        choices=('auto', 'relative', 'projective', 'depth'),
    )
    person_height_m: float = parameter(
        EstimatorSettings.person_height_m,
        'Standing height of the people, m, which scales 3D; 0 is unknown',
        limits=(0.5, 2.5),
        zero=True,
    )
