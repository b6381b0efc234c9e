"""The network: shapes, presets, and an export that equals PyTorch."""

import copy
import math

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from unihpe_ros.core.model_spec import METADATA_KEY, ModelSpec
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.detector_network import DetectorNetwork, DetectorPreset, DETECTORS
from unihpe_ros.models.export import export, hash_weights
from unihpe_ros.models.image_encoder import check_strided_convolutions
from unihpe_ros.models.refiner import mirrored_keypoints
from unihpe_ros.models.unihpe import PRESETS, UniHPE

K = len(UNION)


@pytest.fixture(scope='module')
def network():
    torch.manual_seed(0)
    return UniHPE('unihpe_rt').eval()


def test_unknown_preset_is_named():
    with pytest.raises(ValueError, match=r"expected one of unihpe_rt, .*got 'unihpe_x'"):
        UniHPE('unihpe_x')


@pytest.mark.parametrize('preset', PRESETS)
def test_every_preset_answers_with_the_right_shapes(preset):
    network = UniHPE(preset).eval()
    sizes = PRESETS[preset]
    w, h = sizes.input_size
    with torch.inference_mode():
        answer = network.encode_image(torch.randn(1, 3, h, w))
        lifted = network.lift(torch.randn(1, K, 3), answer['feature'])
    assert answer['simcc_x'].shape == (1, K, w * sizes.simcc_ratio)
    assert answer['simcc_y'].shape == (1, K, h * sizes.simcc_ratio)
    assert answer['visibility'].shape == (1, K)
    for embedding in (answer['embedding'], lifted['embedding']):
        assert embedding.shape == (1, sizes.embedding)
        assert embedding.norm().item() == pytest.approx(1, abs=1e-4)
    for name in ('image', 'lifted', 'fused'):
        assert lifted[f'{name}_pose3d'].shape == (1, K, 3)
    assert lifted['sigma'].shape == (1, K)


def test_a_new_refiner_corrects_nothing_and_the_surer_it_is_the_less_the_image_counts(network):
    network = copy.deepcopy(network)
    keypoints, feature = torch.randn(2, K, 3), torch.randn(2, 512)
    answers = []
    with torch.inference_mode():
        answers.append(network.lift(keypoints, feature))
        for sure in (-3.0, 0.7):
            network.refiner.last.bias.copy_(torch.tensor([1.0, 0, 0, sure]))
            answers.append(network.lift(keypoints, feature))
    new, certain, vague = answers
    assert torch.allclose(new['sigma'], torch.full((2, K), 0.1))
    moved = vague['lifted_pose3d'] - new['lifted_pose3d']
    assert torch.allclose(moved, torch.tensor([0.3, 0, 0]).expand_as(moved), atol=1e-5)
    assert torch.equal(vague['image_pose3d'], new['image_pose3d'])
    assert torch.allclose(vague['sigma'], torch.full((2, K), 0.05 * math.exp(0.7)))
    for answer in answers:
        lifted, image, fused = (answer[f'{n}_pose3d'] for n in ('lifted', 'image', 'fused'))
        share = answer['sigma'][0, 0] ** 2 / (answer['sigma'][0, 0] ** 2 + 0.12**2)
        assert torch.allclose(fused, (1 - share) * lifted + share * image, atol=1e-5)
    assert (certain['fused_pose3d'] - certain['lifted_pose3d']).abs().max() < 0.01


def test_a_mirrored_person_is_lifted_to_the_mirrored_pose(network):
    keypoints, feature = torch.randn(3, K, 3), torch.zeros(3, 512)
    with torch.inference_mode():
        pose = network.lift(keypoints, feature)['lifted_pose3d']
        other = network.lift(mirrored_keypoints(keypoints), feature)['lifted_pose3d']
        alone = network.decoder(network.encode_2d(keypoints)[0], '2d')
    assert torch.allclose(mirrored_keypoints(other), pose, atol=1e-5)
    assert (alone - pose).abs().max() > 0.01
    left, right = UNION.index('left_wrist'), UNION.index('right_wrist')
    assert torch.equal(mirrored_keypoints(keypoints)[:, left, 1:], keypoints[:, right, 1:])


@pytest.mark.parametrize(
    ('layer', 'refused'),
    [
        (torch.nn.Conv2d(15, 16, 1, 2), True),
        (torch.nn.Conv2d(3, 16, 1, (1, 2)), True),
        (torch.nn.Conv2d(16, 16, 1, 2), False),
        (torch.nn.Conv2d(8, 16, 1), False),
        (torch.nn.Conv2d(3, 16, 3, 2), False),
    ],
)
def test_convolutions_that_corrupt_memory_are_refused(layer, refused):
    network = torch.nn.Sequential(torch.nn.Identity(), layer)
    if not refused:
        check_strided_convolutions(network)
        return
    with pytest.raises(ValueError, match=r'1: expected at least 16 input channels.*oneDNN 3\.12'):
        check_strided_convolutions(network)


def test_no_preset_contains_a_convolution_that_corrupts_memory():
    for preset in PRESETS:
        check_strided_convolutions(UniHPE(preset))
    for preset in DETECTORS:
        check_strided_convolutions(DetectorNetwork(preset))


def test_detector_too_narrow_to_train_is_refused(monkeypatch):
    narrow = DetectorPreset((128, 96), (8, 16, 24, 32, 32), (1, 1, 1, 1), 24)
    monkeypatch.setitem(DETECTORS, 'narrow', narrow)
    with pytest.raises(ValueError, match=r'stages\.0\.0\.shortcut\.0: .*got 8'):
        DetectorNetwork('narrow')


def test_heatmaps_of_a_fine_map_move_the_keypoint_that_they_see():
    torch.manual_seed(0)
    head = UniHPE('unihpe_rt').image_branch.head
    coarse, fine = torch.randn(1, 128, 12, 9), torch.zeros(1, 32, 48, 36)
    fine[:, 0, 30, 10] = 1
    with torch.inference_mode():
        before = head(coarse, fine)
        alone = head.x(before['tokens']).softmax(-1)
        assert torch.allclose(before['simcc_x'].softmax(-1), alone, atol=1e-6)
        head.fine.heatmaps.weight[:, 0] = 40.0
        after = head(coarse, fine)
    assert torch.equal(before['tokens'], after['tokens'])
    # Cells are eight bins wide: the middle of the tenth is at 84.
    assert (after['simcc_x'].argmax(-1) - 83.5).abs().max() <= 4
    assert (after['simcc_y'].argmax(-1) - 243.5).abs().max() <= 4


def test_unknown_3d_keypoints_do_not_reach_the_encoder(network):
    pose = torch.randn(1, K, 3)
    masked, other = pose.clone(), pose.clone()
    masked[0, 4] = float('nan')
    other[0, 4] = float('nan')
    with torch.inference_mode():
        feature, _ = network.encode_3d(masked)
        again, _ = network.encode_3d(other)
        whole, _ = network.encode_3d(pose)
    assert torch.isfinite(feature).all()
    assert torch.equal(feature, again)
    assert not torch.equal(feature, whole)


@pytest.fixture(scope='module')
def exported(network, tmp_path_factory):
    directory = tmp_path_factory.mktemp('export')
    return export(network, directory, 'small', 'untrained', 'none')


def test_export_equals_pytorch(exported):
    assert [file.path.name for file in exported] == ['small.image.onnx', 'small.lifting.onnx']
    for file in exported:
        session = onnxruntime.InferenceSession(file.path)
        found = dict(zip(file.outputs, session.run(None, file.inputs), strict=True))
        assert file.largest_difference(found) < 1e-4


def test_export_says_nothing_of_the_machine_it_ran_on(exported, root):
    for file in exported:
        content = file.path.read_bytes()
        assert b'File "' not in content
        assert str(root).encode() not in content


def test_export_carries_its_spec(exported, network):
    specs = []
    for file in exported:
        properties = {p.key: p.value for p in onnx.load(file.path).metadata_props}
        specs.append(ModelSpec.from_json(properties[METADATA_KEY], file.path.name))
    image, lifting = specs
    assert (image.branch, lifting.branch) == ('image', 'lifting')
    assert image.weights == lifting.weights != hash_weights(UniHPE('unihpe_rt'))
    assert image.input_size == network.preset.input_size
    assert image.padding == lifting.padding == 1.25


def test_export_carries_the_padding_it_is_told(tmp_path, network):
    image = export(network, tmp_path, 'tight', 'none', 'none', padding=1.1)[0]
    properties = {p.key: p.value for p in onnx.load(image.path).metadata_props}
    assert ModelSpec.from_json(properties[METADATA_KEY], 'tight').padding == 1.1


@pytest.mark.parametrize('count', [1, 3, 8])
def test_exported_batch_is_free_and_rows_do_not_mix(exported, count):
    session = onnxruntime.InferenceSession(exported[0].path)
    images = np.random.default_rng(0).normal(size=(count, 3, 192, 144)).astype(np.float32)
    together = session.run(['simcc_x'], {'image': images})[0]
    alone = session.run(['simcc_x'], {'image': images[-1:]})[0]
    np.testing.assert_allclose(together[-1:], alone, atol=1e-4)
