"""The parameters of how people are detected, tracked and placed in 3D."""

from __future__ import annotations

from dataclasses import dataclass

from unihpe_ros.core.resources import DETECTOR
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.ros.parameter_checks import parameter


@dataclass(frozen=True)
class PeopleParameters:
    """Parameters of detection, tracking, smoothing and placement in 3D."""

    max_people: int = parameter(
        EstimatorSettings.max_people,
        'Largest number of people in one image of each camera',
        limits=(1, 32),
        fixed=True,
    )
    score_threshold: float = parameter(
        EstimatorSettings.score_threshold,
        'Score from which a keypoint counts as observed, and a known person as seen',
        limits=(0.01, 0.99),
    )
    newcomer_threshold: float = parameter(
        EstimatorSettings.newcomer_threshold,
        'Score of the pose network from which a detection counts as a new person',
        limits=(0.01, 0.99),
    )
    agreement_threshold: float = parameter(
        EstimatorSettings.agreement_threshold,
        'Agreement of image and lifting below which a pose is flagged low_agreement',
        limits=(0.0, 1.0),
    )
    detector: str = parameter(
        EstimatorSettings.detector,
        'Detector of new people: builtin, or none if all boxes come on boxes_in',
        choices=('builtin', 'none'),
    )
    boxes_class: str = parameter(
        '', 'Class of people in the detections on boxes_in; empty uses all detections'
    )
    boxes_tolerance_s: float = parameter(
        0.1,
        'Largest difference between the stamps of boxes_in and image, s',
        limits=(0.0, 2.0),
    )
    detect_every: int = parameter(
        EstimatorSettings.detect_every,
        'Run the detector on every N-th image while all known people are tracked',
        limits=(1, 100),
    )
    detect_beside: bool = parameter(
        True,
        'Run the detector in a separate thread, so that known people do not wait for it; false '
        'makes results independent of timing',
        fixed=True,
    )
    idle_period_s: float = parameter(
        1.0,
        'Period of the detector while nobody is known and nothing moves, s; 0 is every image',
        limits=(0.0, 60.0),
    )
    detect_threshold: float = parameter(
        EstimatorSettings.detect_threshold,
        'Lowest score of a detection that is passed to the pose network',
        limits=(0.01, 0.99),
    )
    detector_model: str = parameter(
        DETECTOR, 'Name of a shipped detector, or path of an exported one', fixed=True
    )
    confirm_time_s: float = parameter(
        EstimatorSettings.confirm_time,
        'Time for which a new person must be seen before an id is given, s',
        limits=(0.0, 5.0),
    )
    track_timeout_s: float = parameter(
        EstimatorSettings.track_timeout,
        'Time for which a person who is not seen any more is predicted, s',
        limits=(0.0, 10.0),
    )
    lost_timeout_s: float = parameter(
        EstimatorSettings.lost_timeout,
        'Time after which a lost person does not get the same id back, s; beyond 10 s people are '
        'known again by the colours of their clothes',
        limits=(0.0, 3600.0),
    )
    tracking_frame: str = parameter(
        '',
        'TF frame that stays still while the robot moves, such as odom: people are tracked and '
        'predicted in it; empty takes the camera to stand still',
        fixed=True,
    )
    smoothing: bool = parameter(
        EstimatorSettings.smoothing,
        'Whether keypoints are smoothed over time; without smoothing there is no lag',
    )
    smooth_min_cutoff_hz: float = parameter(
        EstimatorSettings.smooth_min_cutoff,
        'Cutoff of the One Euro filter at rest, Hz: a lower value gives less jitter',
        limits=(0.01, 60.0),
    )
    smooth_beta: float = parameter(
        EstimatorSettings.smooth_beta,
        'Increase of the cutoff with speed, Hz per m/s: a higher value gives less lag',
        limits=(0.0, 100.0),
    )
    fixed_bones: bool = parameter(
        EstimatorSettings.fixed_bones,
        'Whether the bone lengths of each person are kept at learned values',
    )
    root_mode: str = parameter(
        EstimatorSettings.root_mode,
        'Position of the pelvis: relative puts it at the origin, projective estimates it from 2D '
        'and 3D keypoints, depth measures it in a depth image; auto uses the best one available',
        choices=('auto', 'relative', 'projective', 'depth'),
    )
    person_height_m: float = parameter(
        EstimatorSettings.person_height_m,
        'Standing height of all people, m, which sets the scale of 3D; 0 is unknown',
        limits=(0.5, 2.5),
        zero=True,
    )
