"""The weights that ship, on the recording that ships: people are found and lifted."""

import itertools

import numpy as np
import pytest
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.boxes import iou
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.resources import find_resource
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import H36M_17, UNION
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines.model_files import load_pair
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.metrics import pose_errors as metrics
from unihpe_ros.metrics.ground_truth import accuracy, TruthMeter

pytestmark = pytest.mark.slow

FRAMES = 60
SETTINGS = EstimatorSettings()
H36M = H36M_17.indices_in(UNION)


@pytest.fixture(scope='module')
def recording():
    return BagReader(find_resource('resource/demo/people'))


@pytest.fixture(scope='module')
def camera(recording):
    return recording.camera


@pytest.fixture(scope='module')
def truth(recording):
    return recording.truth()


@pytest.mark.slow
@pytest.mark.parametrize('model', ['unihpe_rt', 'unihpe_rt_full', 'unihpe_s_full'])
def test_people_of_the_demo_are_found(recording, camera, truth, model):
    estimator = PoseEstimator(model)
    meter, start = TruthMeter(), recording.stamps()[0]
    for stamp, picture in itertools.islice(recording.frames(), FRAMES):
        seconds = (stamp - start) * 1e-9
        poses = estimator.estimate(picture, camera, seconds)
        # A newcomer is reported with the second look.
        if seconds > 0.5:
            meter.add(poses, truth[stamp])
    estimator.close()
    found = accuracy([meter.result()])
    assert found['recall'] > 0.9
    assert found['pa_mpjpe_mm'] < 75
    assert found['root_share'] < 0.1


def test_the_files_say_nothing_of_the_machine_they_were_made_on():
    for path in find_resource('resource/models').glob('*.onnx'):
        content = path.read_bytes()
        assert b'site-packages' not in content, path.name


@pytest.mark.slow
def test_lifting_true_2d_beats_flat_depth(recording, camera, truth):
    _, lifting = load_pair('unihpe_rt')
    stamps = recording.stamps()[::10]
    lifted, flat, true = [], [], []
    for poses in (truth[stamp] for stamp in stamps):
        for points, pixels in zip(poses.keypoints_3d, poses.keypoints_2d, strict=True):
            box = np.concatenate([pixels.min(0), pixels.max(0)])
            crop = Crops.from_box(box, camera, lifting.spec.input_size)
            rays = crop.normalise(crop.rays(pixels.astype(np.float64)))
            keypoints = np.column_stack([rays, np.ones(len(rays))]).astype(np.float32)
            feature = np.zeros((1, lifting.inputs['image_feature'][-1]), np.float32)
            answer = lifting.infer({'keypoints': keypoints[None], 'image_feature': feature})
            lifted.append(answer['lifted_pose3d'][0].copy())
            flat.append(np.column_stack([rays, np.zeros(len(rays))]))
            true.append(points @ crop.virtual_from_camera.T)
    true, lifted, flat = (np.stack(poses)[:, H36M] for poses in (true, lifted, flat))
    assert metrics.pa_mpjpe(lifted, true) < 0.6 * metrics.pa_mpjpe(flat, true)


def test_detector_finds_the_people_of_the_demo(recording, truth):
    detector = PersonDetector()
    found, false, people = 0, 0, 0
    for stamp, picture in itertools.islice(recording.frames(), 0, FRAMES, 6):
        answer = detector.detect(picture, SETTINGS.detect_threshold)
        limit = np.tile(np.array(picture.shape[1::-1]) - 1, 2)
        overlaps = iou(answer.boxes, np.clip(truth[stamp].boxes, 0, limit))
        found += int((overlaps.max(0, initial=0) > 0.5).sum())
        false += int((overlaps.max(1, initial=0) < 0.3).sum())
        people += overlaps.shape[1]
    detector.close()
    # Every fifth image is searched, so not everybody has to be found in each.
    assert found / people > 0.7
    # Of the boxes at the threshold one in ten is right; the pose network decides.
    assert false / people < 1
