"""The input parameters of the node: cameras, images and 2D keypoints."""

from __future__ import annotations

from dataclasses import dataclass

from unihpe_ros.core.intensity import FULL
from unihpe_ros.core.keypoint_sets import KEYPOINT_SETS
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.ros.parameter_checks import parameter


@dataclass(frozen=True)
class InputParameters:
    """Parameters of the node's inputs."""

    cameras: tuple[str, ...] = parameter(
        ('',),
        'Names of several cameras, which are the prefixes of their topics; empty for a single '
        'camera without a prefix',
        fixed=True,
    )
    mode: str = parameter(
        'image',
        'Input: images, or 2D keypoints of another node on pose2d_in, which are lifted to 3D',
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
    pose2d_keypoints: str = parameter(
        'auto',
        'Keypoint set of a cloud on pose2d_in, whose columns are in the order of that set; auto '
        'reads joint_id',
        choices=('auto', *KEYPOINT_SETS),
        fixed=True,
    )
    image_transport: str = parameter(
        'raw',
        'Image topic: raw reads image, compressed reads image/compressed',
        choices=('raw', 'compressed'),
        fixed=True,
    )
    image_qos: str = parameter(
        'auto',
        'Reliability of the image subscription: auto matches any camera, reliable has lost images '
        'sent again',
        choices=('auto', 'reliable'),
        fixed=True,
    )
    image_decoder: str = parameter(
        'auto',
        'Decoder of raw images: builtin, cv_bridge, or auto, which uses cv_bridge only for '
        'encodings that builtin lacks',
        choices=('auto', 'builtin', 'cv_bridge'),
        fixed=True,
    )
    image_rotation: tuple[int, ...] = parameter(
        (0,),
        'Degrees by which the image must be turned clockwise to be upright; one value for all '
        'cameras, or a list with a value for each',
        choices=('0', '90', '180', '270'),
        fixed=True,
    )
    intensity_range: str = parameter(
        'auto',
        'Raw values that become black and white in images of more than 8 bits: auto adapts slowly '
        'to the images, full is 0 to 65535, or two numbers as in [29500, 31000]',
        fixed=True,
    )
    depth_transport: str = parameter(
        'auto',
        'Depth topic: raw reads depth_image, compressed reads depth_image/compressedDepth, auto '
        'reads the one that has a publisher',
        choices=('auto', 'raw', 'compressed'),
        fixed=True,
    )
    rectified: bool = parameter(
        False,
        'Whether the images are rectified: then P of camera_info is used, without distortion',
        fixed=True,
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
