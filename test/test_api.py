"""The public interface: names of the package itself, and networks that others bring."""

from collections.abc import Sequence
import math
from pathlib import Path
import subprocess
import sys

import cv2
import numpy as np
import pytest
from tiny_model import keypoints_in, person_box, picture, skeleton_3d
import unihpe_ros
from unihpe_ros import (
    Camera,
    Detections,
    Detector,
    EngineError,
    ModelSpec,
    PoseEstimator,
    PoseModel,
    PoseModelOutput,
)
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.pose_model import View

SIZE = (640, 480)
CAMERA = Camera.from_fov(*SIZE, math.radians(60))
LEFT, RIGHT = person_box(200, 240, 300), person_box(460, 240, 250)


class WhiteBoxes(Detector):
    """Finds what is brighter than the background."""

    def detect(self, image: np.ndarray, score_threshold: float) -> Detections:
        _, _, stats, _ = cv2.connectedComponentsWithStats((image[..., 1] > 60).astype(np.uint8))
        found = stats[1:, :4].astype(np.float32)
        found[:, 2:] += found[:, :2]
        return Detections(found, np.ones(len(found), np.float32))


class Mannequin(PoseModel):
    """Sees the tests' skeleton upright in the middle of every crop."""

    def __init__(self, keypoints: str = UNION.name) -> None:
        self.spec = ModelSpec(model='mannequin', input_size=(96, 128), skeleton=keypoints)
        self.closed = False

    def infer(self, views: Sequence[View], threshold: float) -> PoseModelOutput:
        count = sum(len(crops) for _, crops in views)
        whole = keypoints_in(person_box(47.5, 63.5, 128 / self.spec.padding))
        return PoseModelOutput(
            np.repeat(whole[None].astype(np.float32), count, 0),
            np.full((count, len(UNION)), 0.9, np.float32),
            np.repeat(skeleton_3d()[None].astype(np.float32), count, 0),
            np.zeros((count, 1), np.float32),
            np.full(count, np.nan, np.float32),
        )

    def close(self) -> None:
        self.closed = True


def test_every_public_name_is_there() -> None:
    for name in unihpe_ros.__all__:
        assert getattr(unihpe_ros, name) is not None
    assert set(unihpe_ros.__all__) <= set(dir(unihpe_ros))
    with pytest.raises(AttributeError, match="'unihpe_ros' has no attribute 'Robot'"):
        _ = unihpe_ros.Robot


def test_type_checkers_are_told_of_the_same_names() -> None:
    lazy = {name for names in unihpe_ros._HOMES.values() for name in names}
    assert lazy == set(unihpe_ros.__all__)
    source = Path(unihpe_ros.__file__).read_text(encoding='utf-8')
    checked = source.partition('TYPE_CHECKING:')[2].partition('__version__')[0]
    for module, names in unihpe_ros._HOMES.items():
        assert (
            f'from unihpe_ros.{module} import {", ".join(sorted(names, key=str.lower))}\n'
            in checked
        )


def test_importing_the_package_loads_nothing_else() -> None:
    program = 'import sys, unihpe_ros; print(*sys.modules)'
    ran = subprocess.run([sys.executable, '-c', program], capture_output=True, check=True)
    loaded = ran.stdout.decode().split()
    assert 'unihpe_ros' in loaded
    assert not [name for name in loaded if name.startswith(('numpy', 'cv2', 'unihpe_ros.'))]


def test_network_and_detector_of_ones_own() -> None:
    model = Mannequin()
    estimator = PoseEstimator(model, detector=WhiteBoxes())
    for frame in range(4):
        poses = estimator.estimate(picture(LEFT, RIGHT), CAMERA, frame / 30)
    assert sorted(poses.track_ids) == [1, 2]
    found = poses.keypoints_2d[poses.keypoints_2d[:, 0, 0].argsort()]
    # The detector's boxes are those of the keypoints.
    np.testing.assert_allclose(found, [keypoints_in(LEFT), keypoints_in(RIGHT)], atol=12)
    assert poses.keypoints_3d[:, UNION.index('pelvis'), 2].min() > 1
    assert estimator.backend == 'custom'
    with pytest.raises(EngineError, match='mannequin: expected a model that lifts 2D keypoints'):
        estimator.lift(poses.keypoints_2d, poses.scores, CAMERA, 1.0)
    estimator.close()
    assert not model.closed


def test_network_of_another_keypoint_set_is_refused() -> None:
    with pytest.raises(EngineError, match='mannequin: expected keypoints union26; got coco17'):
        PoseEstimator(Mannequin('coco17'), detector=WhiteBoxes())
