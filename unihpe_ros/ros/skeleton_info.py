"""The topic skeleton_info: what the columns of the clouds mean, as JSON."""

from __future__ import annotations

import json

from unihpe_ros.core.pose import KeypointFlag
from unihpe_ros.core.skeleton import SKELETONS
from unihpe_ros.ros.clouds import joint_ids
from unihpe_ros.ros.parameters import Parameters


def skeleton_info(parameters: Parameters, model: str) -> str:
    """
    Describe the keypoint set that is published, as JSON.

    Parameters
    ----------
    parameters : Parameters
        The node's parameters.
    model : str
        Name of the model.

    Returns
    -------
    str
        Names by column, joint_id by column, edges as pairs of columns, meaning of the flags.

    """
    skeleton = SKELETONS[parameters.keypoints]
    return json.dumps(
        {
            'model': model,
            'skeleton': skeleton.name,
            'keypoints': skeleton.keypoints,
            'joint_ids': joint_ids(skeleton).tolist(),
            'edges': skeleton.bones,
            'units': {'x': 'm', 'y': 'm', 'z': 'm', 'u': 'px', 'v': 'px'},
            'root_mode': parameters.root_mode,
            'flags': {str(flag.name).lower(): flag.value for flag in KeypointFlag},
        }
    )
