"""The parameters of the node: default, description and range of each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from rclpy.exceptions import InvalidParameterTypeException, InvalidParameterValueException
from rclpy.node import Node
from unihpe_ros.core.intensity import FULL
from unihpe_ros.core.skeleton import SKELETONS
from unihpe_ros.ros.parameter_checks import checked, descriptor_of
from unihpe_ros.visualisation.anonymise import MODES


def _parameter(
    default: bool | int | float | str | tuple[str, ...] | tuple[int, ...],
    description: str,
    *,
    choices: Iterable[str] = (),
    limits: tuple[float, float] | None = None,
    zero: bool = False,
    fixed: bool = False,
) -> Any:
    about = {
        'description': description,
        'choices': tuple(choices),
        'limits': limits,
        'zero': zero,
        'fixed': fixed,
    }
    return field(default=default, metadata=about)


@dataclass(frozen=True)
class Parameters:
    """What can be set; a field marked fixed is settled when the node starts."""

    model: str = _parameter(
        'unihpe_rt',
        'Name of a shipped model, or path of an exported one',
        fixed=True,
    )
    backend: str = _parameter(
        'auto',
        'Engine that runs the model: auto takes the fastest that fits, a name such as '
        'onnxruntime-cpu takes that one or fails',
        fixed=True,
    )
    threads: int = _parameter(
        0, 'CPU threads of the engine; 0 leaves it to the engine', limits=(0, 256), fixed=True
    )
    autostart: bool = _parameter(
        True, 'Configure and activate at start; false waits for lifecycle commands', fixed=True
    )
    cameras: tuple[str, ...] = _parameter(
        ('',),
        'Names of several cameras, under which their topics are; an empty one for a single camera '
        'whose topics have no name before them',
        fixed=True,
    )
    mode: str = _parameter(
        'image',
        'What comes in: images, or 2D keypoints of somebody else on pose2d_in, to be lifted',
        choices=('image', 'lifting'),
        fixed=True,
    )
    pose2d_type: str = _parameter(
        'cloud',
        "Message of pose2d_in: cloud is this node's pose2d, hri is hri_msgs/Skeleton2D of one "
        'person',
        choices=('cloud', 'hri'),
        fixed=True,
    )
    max_people: int = _parameter(
        8, 'Most people estimated in one image of each camera', limits=(1, 32), fixed=True
    )
    score_threshold: float = _parameter(
        0.3,
        'Score from which a keypoint counts as observed, and a person as seen',
        limits=(0.01, 0.99),
    )
    agreement_threshold: float = _parameter(
        0.5,
        'Agreement of image and lifting below which a pose is flagged low_agreement',
        limits=(0.0, 1.0),
    )
    detector: str = _parameter(
        'builtin',
        'Who finds newcomers: builtin, or none for those who give boxes themselves',
        choices=('builtin', 'none'),
    )
    boxes_class: str = _parameter(
        '', 'Class of the detections on boxes_in that are people; empty takes all of them'
    )
    boxes_tolerance_s: float = _parameter(
        0.1,
        'How far the stamps of boxes_in and image may be apart, s',
        limits=(0.0, 2.0),
    )
    detect_every: int = _parameter(
        5, 'Images from one run of the detector to the next while nobody is lost', limits=(1, 100)
    )
    detect_threshold: float = _parameter(
        0.2,
        'Score from which the network takes a look at what the detector found',
        limits=(0.01, 0.99),
    )
    detector_model: str = _parameter(
        'unihpe_det', 'Name of a shipped detector, or path of an exported one', fixed=True
    )
    confirm_time_s: float = _parameter(
        0.0, 'How long a newcomer has to be seen before an id is given, s', limits=(0.0, 5.0)
    )
    track_timeout_s: float = _parameter(
        0.5, 'How long a person who is not seen is predicted, s', limits=(0.0, 10.0)
    )
    lost_timeout_s: float = _parameter(
        4.0,
        'How long a person who is lost is remembered, to get their id back, s',
        limits=(0.0, 60.0),
    )
    smoothing: bool = _parameter(True, 'Smooth keypoints over time; without, they have no lag')
    smooth_min_cutoff_hz: float = _parameter(
        1.2,
        'Cutoff of the One Euro filter for what stands still, Hz: lower is calmer',
        limits=(0.01, 60.0),
    )
    smooth_beta: float = _parameter(
        5.0,
        'How the cutoff grows with speed, Hz per m/s: higher has less lag',
        limits=(0.0, 100.0),
    )
    fixed_bones: bool = _parameter(
        True, 'Keep the bones of each person at the lengths learned of them'
    )
    keypoints: str = _parameter(
        'coco17', 'Keypoint set that is published', choices=SKELETONS, fixed=True
    )
    root_mode: str = _parameter(
        'auto',
        'Place of the pelvis: relative puts it at the origin, projective finds it in front of the '
        'camera, depth measures it in a depth image; auto takes the best of what is there',
        choices=('auto', 'relative', 'projective', 'depth'),
    )
    person_height_m: float = _parameter(
        0.0,
        'Standing height of the people, m, which scales 3D; 0 is unknown',
        limits=(0.5, 2.5),
        zero=True,
    )
    default_fov_deg: float = _parameter(
        60.0, 'Horizontal field of view assumed without camera_info, degrees', limits=(10.0, 170.0)
    )
    default_width: int = _parameter(
        640,
        'Width of the image assumed in lifting mode without camera_info, px',
        limits=(1, 32767),
    )
    default_height: int = _parameter(
        480,
        'Height of the image assumed in lifting mode without camera_info, px',
        limits=(1, 32767),
    )
    target_frame: str = _parameter(
        '',
        "Frame that TF shall bring the 3D into, at the image's stamp; empty leaves it in the "
        "camera's",
        fixed=True,
    )
    target_frame_timeout_s: float = _parameter(
        0.05, 'How long a transform is waited for that is not there yet, s', limits=(0.0, 1.0)
    )
    ros4hri: bool = _parameter(
        False,
        'Publish people as ROS4HRI bodies too, on /humans/bodies and in TF; needs hri_msgs',
        fixed=True,
    )
    bodies_topic: str = _parameter(
        '/humans/bodies',
        "Topic under which the ROS4HRI bodies are; one without / before it is under the node's "
        'namespace',
        fixed=True,
    )
    frame_prefix: str = _parameter(
        '',
        'Text before the names of frames that this node makes, as robot1/ for robot1/body_<id>',
        fixed=True,
    )
    anonymise: str = _parameter(
        'off',
        'Make people unknown in image_annotated: blur blurs their heads, skeleton covers them',
        choices=MODES,
    )
    image_transport: str = _parameter(
        'raw',
        'Input topic: raw reads image, compressed reads image/compressed',
        choices=('raw', 'compressed'),
        fixed=True,
    )
    image_qos: str = _parameter(
        'auto',
        'Reliability asked of the camera: auto takes any camera, reliable has lost images resent',
        choices=('auto', 'reliable'),
        fixed=True,
    )
    image_decoder: str = _parameter(
        'auto',
        'Who reads raw images: builtin, cv_bridge, or auto for cv_bridge only where builtin '
        'lacks the encoding',
        choices=('auto', 'builtin', 'cv_bridge'),
        fixed=True,
    )
    image_rotation: tuple[int, ...] = _parameter(
        (0,),
        'By how many degrees the picture has to be turned clockwise to be upright; one for all '
        'cameras, or a list with one for each of cameras',
        choices=('0', '90', '180', '270'),
        fixed=True,
    )
    intensity_range: str = _parameter(
        'auto',
        'Raw values of pictures beyond 8 bits that become black and white: auto follows the '
        'picture slowly, full takes all 16 bits, or two numbers as in [29500, 31000]',
        fixed=True,
    )
    depth_transport: str = _parameter(
        'auto',
        'Depth topic: raw reads depth_image, compressed reads depth_image/compressedDepth, auto '
        'takes what somebody publishes',
        choices=('auto', 'raw', 'compressed'),
        fixed=True,
    )
    rectified: bool = _parameter(
        False, 'The images are rectified: use P of camera_info and no distortion', fixed=True
    )
    output_depth: int = _parameter(
        2, 'Queue depth of the published topics', limits=(1, 100), fixed=True
    )
    tune_malloc: bool = _parameter(
        True, 'Let the C library keep image buffers rather than return them (Linux)', fixed=True
    )
    web_port: int = _parameter(
        0,
        'Port of a page that shows picture and people in a browser; 0 is off',
        limits=(0, 65535),
        fixed=True,
    )
    web_address: str = _parameter(
        '127.0.0.1',
        'Address of that page; any but a loopback one asks viewers for the token that is logged',
        fixed=True,
    )
    watchdog_s: float = _parameter(
        5.0, 'Silence after which the likely cause is logged, s; 0 never', limits=(0.0, 3600.0)
    )

    def rotation_of(self, camera: str) -> int:
        """Return by how many degrees a camera's picture is turned clockwise to be upright."""
        turns = self.image_rotation
        return turns[0] if len(turns) == 1 else turns[self.cameras.index(camera)]

    @property
    def intensity_limits(self) -> tuple[float, float] | None:
        """The raw values of black and white beyond 8 bits; None where they follow the picture."""
        if self.intensity_range in ('auto', 'full'):
            return FULL if self.intensity_range == 'full' else None
        low, high = map(float, self.intensity_range.split(','))
        return low, high

    def updated(self, values: Mapping[str, object]) -> Parameters:
        """
        Return a copy with some values replaced.

        Parameters
        ----------
        values : Mapping[str, object]
            New values by name.

        Raises
        ------
        ValueError
            If a name is unknown or a value has the wrong type or lies outside its range.

        """
        known = {item.name: item for item in fields(self)}
        unknown = sorted(set(values) - set(known))
        if unknown:
            raise ValueError(
                f'unknown parameter {", ".join(unknown)}; expected {", ".join(known)}'
            )
        return replace(
            self, **{name: checked(known[name], value) for name, value in values.items()}
        )


def declare_parameters(node: Node) -> tuple[Parameters, dict[str, str]]:
    """
    Declare all parameters with their descriptors and read the values given at start.

    A value that can't be used does not raise: the node shall live to say what is wrong.

    Parameters
    ----------
    node : Node
        Node that gets the parameters.

    Returns
    -------
    parameters : Parameters
        The values; the default where the given one can't be used.
    problems : dict[str, str]
        What is wrong, by parameter.

    """
    parameters, problems = Parameters(), {}
    for item in fields(Parameters):
        name, descriptor = item.name, descriptor_of(item)
        default = list(item.default) if isinstance(item.default, tuple) else item.default
        try:
            given = node.declare_parameter(name, default, descriptor).value
            parameters = parameters.updated({name: given})
        except (InvalidParameterTypeException, InvalidParameterValueException) as error:
            node.declare_parameter(name, default, descriptor, ignore_override=True)
            problems[name] = str(error)
        except ValueError as error:
            problems[name] = str(error)
    turns, cameras = parameters.image_rotation, parameters.cameras
    if len(turns) not in (1, len(cameras)):
        problems['image_rotation'] = (
            f'image_rotation: expected one for all cameras, or {len(cameras)} for '
            f'{", ".join(cameras)}; got {list(turns)}'
        )
    return parameters, problems
