"""The output parameters of the node: topics, TF frames, pictures and diagnostics."""

from __future__ import annotations

from dataclasses import dataclass

from unihpe_ros.core.skeleton import SKELETONS
from unihpe_ros.kinematics.starter_gestures import STARTER_NAME
from unihpe_ros.ros.parameter_checks import parameter
from unihpe_ros.visualisation.anonymise import ANONYMISE_MODES


@dataclass(frozen=True)
class OutputParameters:
    """Parameters of the node's outputs: topics, frames and pictures."""

    keypoints: str = parameter('coco17', 'Published keypoint set', choices=SKELETONS, fixed=True)
    target_frame: str = parameter(
        '',
        "TF frame into which 3D is transformed, at the image's stamp; empty keeps the camera's "
        'frame',
        fixed=True,
    )
    target_frame_timeout_s: float = parameter(
        0.05,
        'Longest wait for a transform that is not available yet, s; holds for tracking_frame too',
        limits=(0.0, 1.0),
    )
    ros4hri: bool = parameter(
        False,
        'Publish people as ROS4HRI bodies too, on /humans/bodies and in TF; needs hri_msgs',
        fixed=True,
    )
    bodies_tf: bool = parameter(
        False,
        'Publish joint_states of each person and a TF frame of every joint; ros4hri does it too',
        fixed=True,
    )
    bodies_topic: str = parameter(
        '/humans/bodies',
        "Topic under which bodies are; one without / before it is under the node's namespace",
        fixed=True,
    )
    frame_prefix: str = parameter(
        '',
        'Text before the names of frames that this node makes, as robot1/ for robot1/body_<id>',
        fixed=True,
    )
    gestures: str = parameter(
        '',
        'Gestures that are recognised: starter, or the path of a gallery that unihpe gestures '
        'has recorded; empty is none, and the starter gallery with ros4hri',
        fixed=True,
    )
    motion_markers: bool = parameter(
        False,
        'Draw the place of each person on the ground, with its uncertainty, and their velocity in '
        'markers too',
    )
    anonymise: str = parameter(
        'off',
        'Anonymise people in image_annotated: blur blurs their heads, skeleton covers them',
        choices=ANONYMISE_MODES,
    )
    output_depth: int = parameter(
        2, 'Queue depth of the published topics', limits=(1, 100), fixed=True
    )
    web_port: int = parameter(
        0,
        'Port of a web page that shows image and people; 0 is off',
        limits=(0, 65535),
        fixed=True,
    )
    web_address: str = parameter(
        '127.0.0.1',
        'Address of that page; on any but a loopback one, viewers need the token in the log',
        fixed=True,
    )

    @property
    def gesture_gallery(self) -> str:
        """The gallery in use; empty for none."""
        return self.gestures or (STARTER_NAME if self.ros4hri else '')
