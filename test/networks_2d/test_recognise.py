"""Networks are recognised by their tensors; what does not fit is told in words."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from tiny_model import image_graph, save_model, tiny_spec
from tiny_networks_2d import write_heatmaps, write_movenet, write_rtmo, write_simcc, write_yolo
from unihpe_ros.core.keypoint_sets import KEYPOINT_SETS
from unihpe_ros.engines import EngineError
from unihpe_ros.networks_2d.conventions import Conventions, conventions_file
from unihpe_ros.networks_2d.networks import open_network
from unihpe_ros.networks_2d.recognise import FAMILIES, recognise
from unihpe_ros.networks_2d.tensors import Tensors


def open_cpu(path: Path):
    return open_network(path, backend='onnxruntime-cpu')


@pytest.mark.parametrize(
    ('size', 'channels_last', 'outputs', 'family', 'keypoint_set'),
    [
        ((192, 256), False, [(1, 17, 384), (1, 17, 512)], 'SimCC', 'coco17'),
        ((288, 384), False, [(1, 133, 576), (1, 133, 768)], 'SimCC', 'coco133'),
        ((192, 256), False, [(1, 26, 384), (1, 26, 512)], 'SimCC', 'halpe26'),
        ((192, 256), False, [(1, 17, 64, 48)], 'heatmaps', 'coco17'),
        ((640, 640), False, [(1, 56, 8400)], 'YOLO-pose', 'coco17'),
        ((640, 640), False, [(1, 300, 57)], 'YOLO-pose', 'coco17'),
        ((640, 640), False, [(1, 50, 5), (1, 50, 17, 3)], 'RTMO', 'coco17'),
        ((640, 640), False, [(1, 0, 17, 3), (1, 0, 5)], 'RTMO', 'coco17'),
        ((192, 192), True, [(1, 1, 17, 3)], 'MoveNet SinglePose', 'coco17'),
        ((256, 256), True, [(1, 6, 56)], 'MoveNet MultiPose', 'coco17'),
    ],
)
def test_family_and_set_are_read_from_the_shapes(
    tmp_path: Path, size, channels_last, outputs, family: str, keypoint_set: str
) -> None:
    named = {f'out{number}': shape for number, shape in enumerate(outputs)}
    tensors = Tensors(size, channels_last, named)
    fitting = [one.name for one in FAMILIES if not one.misfit(tensors)]
    assert len(fitting) == 1
    found, conventions = recognise(tmp_path / 'yolo_or_not.onnx', tensors)
    assert found.name.startswith(family)
    assert conventions.keypoint_set == keypoint_set
    assert conventions.input_size == size


def test_a_strange_network_is_told_why_no_family_fits(tmp_path: Path) -> None:
    tensors = Tensors((64, 64), False, {'logits': (1, 1000)})
    with pytest.raises(EngineError) as error:
        recognise(tmp_path / 'resnet.onnx', tensors)
    text = str(error.value)
    assert 'resnet.onnx: expected a 2D keypoint network of a known family' in text
    assert 'input (B, 3, h, w) of 64x64 px, outputs logits [1, 1000]' in text
    for family in FAMILIES:
        assert f'{family.name}: expected' in text


def test_what_is_no_picture_network_is_told(tmp_path: Path) -> None:
    ours = save_model(image_graph(tiny_spec()), tiny_spec(), tmp_path / 'tiny.image.onnx')
    with pytest.raises(EngineError, match='it is the image branch of tiny, which is given as mod'):
        open_cpu(ours)
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'not a model')
    with pytest.raises(EngineError, match=r'broken\.onnx: expected an ONNX model'):
        open_cpu(broken)
    with pytest.raises(EngineError, match='there is none'):
        open_cpu(tmp_path / 'nowhere.onnx')


def test_an_unknown_number_of_keypoints_has_to_be_settled(tmp_path: Path) -> None:
    path = write_simcc(tmp_path / 'odd.onnx', 33)
    with pytest.raises(EngineError, match=r'33 keypoints.*odd\.unihpe\.json: blazepose33'):
        open_cpu(path)
    conventions_file(path).write_text('{"keypoint_set": "blazepose33", "channels": "bgr"}')
    network = open_cpu(path)
    assert network.conventions.channels == 'bgr'
    assert len(network.conventions.skeleton) == 33
    network.graph.close()


@pytest.mark.parametrize(
    ('settled', 'words'),
    [
        ('{', 'expected JSON'),
        ('[1]', 'expected an object of conventions'),
        ('{"colour": "rgb"}', 'unknown colour; expected keypoint_set'),
        ('{"channels": "rbg"}', "channels: expected one of rgb, bgr; got 'rbg'"),
        ('{"std": [1, 0, 1]}', 'std: expected three positive numbers'),
        ('{"mean": 3}', 'mean: expected three numbers'),
        ('{"padding": "wide"}', 'padding: expected a positive number'),
        ('{"keypoint_set": "halpe26"}', 'expected 26 keypoints by keypoint_set halpe26; got 17'),
        ('{"keypoint_set": "coco18"}', "keypoint_set: expected one of coco17, .*; got 'coco18'"),
        ('{"input_size": [100, 100]}', 'expected 48x64, which the network reads; got 100x100'),
        ('{"even_score": 1}', 'even_score: expected a number between 0 and 1'),
    ],
)
def test_what_cannot_be_settled_is_told(tmp_path: Path, settled: str, words: str) -> None:
    path = write_simcc(tmp_path / 'any.onnx')
    conventions_file(path).write_text(settled)
    with pytest.raises(EngineError, match=words):
        open_cpu(path)


def test_conventions_survive_the_file() -> None:
    given = Conventions('halpe26', (192, 256), std=(2.0, 3.0, 4.0), heatmap_grid='corners')
    read = Conventions('coco17', (1, 1)).updated(json.loads(given.to_json()))
    assert read == given


def test_scores_are_bent_so_that_a_half_means_even() -> None:
    conventions = Conventions('coco17', (1, 1), even_score=0.2)
    bent = conventions.chances(np.array([0, 0.2, 0.6, 1], np.float32))
    np.testing.assert_allclose(bent[[0, 1, 3]], [0, 0.5, 1], atol=1e-6)
    assert 0.5 < bent[2] < 1


@pytest.mark.parametrize('write', [write_heatmaps, write_rtmo, write_yolo, write_movenet])
def test_graphs_of_one_picture_take_any_batch(tmp_path: Path, write) -> None:
    network = open_cpu(write(tmp_path / 'any.onnx'))
    w, h = network.spec.input_size
    pictures = np.random.default_rng(1).normal(size=(3, 3, h, w)).astype(np.float32)
    if write is write_movenet:
        pictures = np.abs(100 * pictures)
    together = {name: array.copy() for name, array in network.graph.run(pictures).items()}
    for row in range(3):
        for name, array in network.graph.run(pictures[row : row + 1]).items():
            np.testing.assert_allclose(together[name][row], array[0], atol=1e-5)
    network.graph.close()


def test_every_keypoint_set_is_whole() -> None:
    sizes = {'halpe26': 26, 'coco133': 133, 'openpose25': 25, 'blazepose33': 33, 'coco17': 17}
    for name, size in sizes.items():
        assert len(KEYPOINT_SETS[name]) == size
        flips = KEYPOINT_SETS[name].flip_indices
        np.testing.assert_array_equal(flips[flips], np.arange(size))
    whole = KEYPOINT_SETS['coco133']
    assert whole.indices('left_big_toe', 'face_0', 'left_hand_0', 'right_hand_20') == [
        *(17, 23, 91, 132)
    ]
    # By the numbers of their makers' documentation.
    assert KEYPOINT_SETS['openpose25'].indices('pelvis', 'left_ankle', 'right_heel') == [8, 14, 24]
    assert KEYPOINT_SETS['blazepose33'].indices('left_hip', 'right_foot_index') == [23, 32]
    assert KEYPOINT_SETS['halpe26'].indices('head_top', 'neck', 'pelvis') == [17, 18, 19]
