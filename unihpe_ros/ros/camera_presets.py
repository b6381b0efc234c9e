"""Presets of camera drivers: topics, frame and start command."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from unihpe_ros.core.resources import find_resource
import yaml

CAMERA_PRESETS = ('v4l2', 'usb_cam', 'realsense', 'zed', 'oak', 'orbbec', 'gazebo')
# Topics that are used if no camera is named.
GENERIC = {
    'image': '/camera/image_raw',
    'camera_info': '/camera/camera_info',
    'depth_image': '/camera/depth_registered/image_raw',
}


@dataclass(frozen=True)
class CameraPreset:
    """
    One driver of config/cameras.

    Parameters
    ----------
    topics : Mapping[str, str]
        Topic of each input: image, camera_info and, if there is one, depth_image.
    frame : str
        frame_id of the images.
    start : str
        Command that starts the driver; empty if the launch file starts it.
    driver : Mapping[str, str]
        Package, executable and the parameter of its device, of a driver that the launch file
        starts.
    parameters : Mapping[str, Any]
        Parameters of the node that go with it.

    """

    topics: Mapping[str, str] = field(default_factory=lambda: dict(GENERIC))
    frame: str = 'camera'
    start: str = ''
    driver: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)


def load_preset(name: str) -> CameraPreset:
    """
    Return the preset of a driver.

    Parameters
    ----------
    name : str
        One of CAMERA_PRESETS, or ``none`` for a camera that is not known.

    Raises
    ------
    ValueError
        If there is no such preset.

    """
    if name == 'none':
        return CameraPreset()
    if name not in CAMERA_PRESETS:
        raise ValueError(
            f'camera: expected none or one of {", ".join(CAMERA_PRESETS)}; got {name!r}'
        )
    path = find_resource(f'config/cameras/{name}.yaml')
    content = yaml.safe_load(path.read_text(encoding='utf-8'))
    return CameraPreset(**{**content, 'topics': {**GENERIC, **content['topics']}})
