"""Exported weights come back: the same function, and one that can be trained on."""

import pytest
import torch
from unihpe_ros.models.export import export
from unihpe_ros.models.onnx_weights import (
    differing,
    load_exported,
    read_weights,
    unfold_batch_norms,
)
from unihpe_ros.models.unihpe import UniHPE


def make_different(model):
    """Move all weights: the exporter stores equal values once; a trained network has none."""
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.01 * torch.randn_like(parameter))


@pytest.fixture(scope='module')
def exported(tmp_path_factory):
    torch.manual_seed(3)
    model = UniHPE('unihpe_slim')
    make_different(model)
    with torch.no_grad():
        for module in model.modules():
            if isinstance(module, torch.nn.BatchNorm2d):
                module.running_mean.normal_(0, 0.2)
                module.running_var.uniform_(0.5, 2)
                module.weight.uniform_(0.5, 1.5)
                module.bias.normal_(0, 0.2)
    folder = tmp_path_factory.mktemp('models')
    export(model, folder, 'slim', 'a test', 'none')
    return model, {name: folder / f'slim.{name}.onnx' for name in ('image', 'lifting')}


def answers(model, crops):
    with torch.inference_mode():
        image = model.eval().encode_image(crops)
        pose = torch.linspace(-1, 1, 2 * 26 * 3).reshape(2, 26, 3)
        return {**image, **model.lift(pose, image['feature'])}


def test_an_exported_network_comes_back_and_unfolds_to_the_same_function(exported):
    model, files = exported
    crops = torch.randn(2, 3, 96, 72, generator=torch.Generator().manual_seed(0))
    wanted = answers(model, crops)
    again = UniHPE('unihpe_slim')
    fresh = load_exported(again, files)
    assert {name.partition('.')[0] for name in fresh} == {'encoder_3d', 'project_3d'}
    found = answers(again, crops)
    unfold_batch_norms(again, iter([crops, 2 * crops]))
    unfolded = answers(again, crops)
    norm = again.image_branch.backbone.stem[1]
    assert norm.running_var.std() > 0.01
    for name, value in wanted.items():
        # The file holds weights in half precision.
        assert torch.allclose(value, found[name], atol=2e-2), name
        assert torch.allclose(found[name], unfolded[name], atol=1e-4), name


def test_a_network_is_told_from_the_one_that_was_exported(exported):
    model, files = exported
    assert differing(model, files['image']) == []
    # Its vectors of 3D and fused poses are in no file.
    assert differing(model, files['lifting']) == ['decoder.source']
    other = UniHPE('unihpe_slim')
    load_exported(other, files)
    assert differing(other, files['lifting']) == []
    with torch.no_grad():
        other.project_image[0].bias[3] += 0.1
    assert differing(other, files['image']) == ['project_image.0.bias']
    assert 'image_branch.head.x.weight' in differing(UniHPE('unihpe_rt'), files['image'])


def test_batch_statistics_leave_the_unfolded_function_nearly_as_it_was(exported):
    _, files = exported
    again = UniHPE('unihpe_slim')
    load_exported(again, files)
    crops = torch.randn(32, 3, 96, 72, generator=torch.Generator().manual_seed(1))
    unfold_batch_norms(again, iter([crops]))
    with torch.no_grad():
        evaluated = again.eval().image_branch.backbone(crops)[0]
        trained = again.train().image_branch.backbone(crops)[0]
    assert (evaluated - trained).abs().max() < 1e-3 * evaluated.abs().max()


def test_a_head_is_resampled_to_larger_crops(tmp_path):
    torch.manual_seed(0)
    small, large = UniHPE('unihpe_rt'), UniHPE('unihpe_s')
    export(small, tmp_path, 'rt', 'a test', 'none')
    load_exported(large, {'image': tmp_path / 'rt.image.onnx'})
    rows, wanted = (model.image_branch.head.x.bias for model in (large, small))
    assert len(rows) == 384
    assert len(wanted) == 288
    assert rows.detach().mean() == pytest.approx(wanted.detach().mean().item(), abs=0.01)
    # Maps that fall off to the right give the same tokens at either resolution.
    tokens = [
        model.image_branch.head.embed(torch.linspace(1, 0, width).expand(height, -1).flatten())
        for model, height, width in ((large, 16, 12), (small, 12, 9))
    ]
    assert (tokens[0] - tokens[1]).std() < 0.1 * tokens[1].std()
    # So does a fine map that rises to the right.
    rows = [
        model.image_branch.head.fine.to_x(torch.linspace(0, 1, cells))
        for model, cells in ((large, 48), (small, 36))
    ]
    assert torch.allclose(rows[0][::4], rows[1][::3], atol=0.02)


def test_learned_heatmaps_come_back(tmp_path):
    torch.manual_seed(1)
    wanted, again = UniHPE('unihpe_rt'), UniHPE('unihpe_rt')
    make_different(wanted)
    crops = torch.randn(1, 3, 192, 144)
    coarse = answers(wanted, crops)['simcc_y']
    fine = wanted.image_branch.head.fine
    with torch.no_grad():
        fine.heatmaps.weight.normal_()
        fine.to_x.bias.normal_()
        fine.to_y.bias.normal_()
    export(wanted, tmp_path, 'rt', 'a test', 'none')
    fresh = load_exported(again, {'image': tmp_path / 'rt.image.onnx'})
    assert not any('head.fine' in name or 'ascent' in name for name in fresh)
    answer, found = answers(wanted, crops), answers(again, crops)
    assert (answer['simcc_y'] - coarse).abs().max() > 0.5
    for axis in ('simcc_x', 'simcc_y'):
        assert torch.allclose(answer[axis], found[axis], atol=3e-2), axis


def test_what_is_no_model_is_named(tmp_path):
    path = tmp_path / 'x.onnx'
    path.write_bytes(b'no model')
    with pytest.raises(ValueError, match=r'x\.onnx: expected'):
        read_weights(path)
