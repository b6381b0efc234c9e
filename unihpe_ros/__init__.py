"""
Real-time human pose for ROS 2: images in, 3D skeletons with ids, in metres, out.

>>> from unihpe_ros import PoseEstimator
>>> poses = PoseEstimator().estimate_image(cv2.imread('people.jpg'))

What `__all__` names is the public interface. It is loaded when it is first asked for, so that
`import unihpe_ros` is instant and needs neither ROS nor an engine.

"""

from __future__ import annotations

from importlib import import_module
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from unihpe_ros.core.detector_output import Detections
    from unihpe_ros.core.geometry import Camera
    from unihpe_ros.core.image_input import CameraImage
    from unihpe_ros.core.model_spec import ModelSpec
    from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
    from unihpe_ros.core.settings import EstimatorSettings
    from unihpe_ros.core.skeleton import Skeleton, SKELETONS
    from unihpe_ros.detector import Detector, PersonDetector
    from unihpe_ros.engines import EngineError
    from unihpe_ros.engines.people_model import FoundPeople, PeopleModel
    from unihpe_ros.engines.pose_model import LiftedPoses, PoseModel, PoseModelOutput
    from unihpe_ros.estimator import PoseEstimator
    from unihpe_ros.ros.clouds import from_cloud, to_cloud

__version__ = '0.1.0'
__all__ = [
    'SKELETONS',
    'Camera',
    'CameraImage',
    'Detections',
    'Detector',
    'EngineError',
    'EstimatorSettings',
    'FoundPeople',
    'KeypointFlag',
    'LiftedPoses',
    'ModelSpec',
    'PeopleModel',
    'PersonDetector',
    'PoseEstimator',
    'PoseModel',
    'PoseModelOutput',
    'Poses',
    'RootMode',
    'Skeleton',
    'from_cloud',
    'to_cloud',
]

# Both lines come before anything imports these packages. ONNX Runtime's wheels write a device id
# and usage events under ~/.cache/Microsoft, to send them later; set the variable to 0 to allow it.
os.environ.setdefault('ORT_DISABLE_TELEMETRY', '1')
# OpenVINO writes a client id into ~/intel and reports each import to Google Analytics, by this
# module; without the module it works all the same.
sys.modules.setdefault('openvino_telemetry', None)  # type: ignore[arg-type]

# The module of each public name; the imports above are for type checkers.
_HOMES = {
    'core.detector_output': ('Detections',),
    'core.geometry': ('Camera',),
    'core.image_input': ('CameraImage',),
    'core.model_spec': ('ModelSpec',),
    'core.pose': ('KeypointFlag', 'Poses', 'RootMode'),
    'core.settings': ('EstimatorSettings',),
    'core.skeleton': ('SKELETONS', 'Skeleton'),
    'detector': ('Detector', 'PersonDetector'),
    'engines': ('EngineError',),
    'engines.people_model': ('FoundPeople', 'PeopleModel'),
    'engines.pose_model': ('LiftedPoses', 'PoseModel', 'PoseModelOutput'),
    'estimator': ('PoseEstimator',),
    'ros.clouds': ('from_cloud', 'to_cloud'),
}


def __getattr__(name: str) -> object:
    """Load a public name from the module that has it."""
    for module, names in _HOMES.items():
        if name in names:
            return getattr(import_module(f'{__name__}.{module}'), name)
    raise AttributeError(f'module {__name__!r} has no attribute {name!r}')


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
