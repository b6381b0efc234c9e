"""The parameters of what comes in: cameras, images and 2D keypoints."""

from __future__ import annotations

from dataclasses import dataclass

from unihpe_ros.core.intensity import FULL
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.ros.parameter_checks import parameter


@dataclass(frozen=True)
class InputParameters:
    """Where images come from and how they are read."""

    cameras: tuple[str, ...] = parameter(
        ('',),
        'Names of several cameras, under which their topics are; an empty one for a single camera '
        'whose topics have no name before them',
        fixed=True,
    )
    mode: str = parameter(
        'image',
        'What comes in: images, or 2D keypoints of somebody else on pose2d_in, to be lifted',
        choices=('image', 'lifting'),
        fixed=True,
    )
    pose2d_type: str = parameter(
        'cloud',
        "Message of pose2d_in: cloud is this node's pose2d, hri is hri_msgs/Skeleton2D of one "
        'person',
        choices=('cloud', 'hri'),
        fixed=True,
    )
    image_transport: str = parameter(
        'raw',
        'Input topic: raw reads image, compressed reads image/compressed',
        choices=('raw', 'compressed'),
        fixed=True,
    )
    image_qos: str = parameter(
        'auto',
        'Reliability asked of the camera: auto takes any camera, reliable has lost images resent',
        choices=('auto', 'reliable'),
        fixed=True,
    )
    image_decoder: str = parameter(
        'auto',
        'Who reads raw images: builtin, cv_bridge, or auto for cv_bridge only where builtin '
        'lacks the encoding',
        choices=('auto', 'builtin', 'cv_bridge'),
        fixed=True,
    )
    image_rotation: tuple[int, ...] = parameter(
        (0,),
        'By how many degrees the picture has to be turned clockwise to be upright; one for all '
        'cameras, or a list with one for each of cameras',
        choices=('0', '90', '180', '270'),
        fixed=True,
    )
    intensity_range: str = parameter(
        'auto',
        'Raw values of pictures beyond 8 bits that become black and white: auto follows the '
        'picture slowly, full takes all 16 bits, or two numbers as in [29500, 31000]',
        fixed=True,
    )
    depth_transport: str = parameter(
        'auto',
        'Depth topic: raw reads depth_image, compressed reads depth_image/compressedDepth, auto '
        'takes what somebody publishes',
        choices=('auto', 'raw', 'compressed'),
        fixed=True,
    )
    rectified: bool = parameter(
        False, 'The images are rectified: use P of camera_info and no distortion', fixed=True
    )
    default_fov_deg: float = parameter(
        EstimatorSettings.default_fov_deg,
        'Horizontal field of view assumed without camera_info, degrees',
        limits=(10.0, 170.0),
    )
    default_width: int = parameter(
        640,
        'Width of the image assumed in lifting mode without camera_info, px',
        limits=(1, 32767),
    )
    default_height: int = parameter(
        480,
        'Height of the image assumed in lifting mode without camera_info, px',
        limits=(1, 32767),
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
