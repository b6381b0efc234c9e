"""Each family answers as its plain call in ONNX Runtime does on the same crop."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
import onnxruntime
import pytest
from tiny_model import person_box, picture
from tiny_networks_2d import (
    write_heatmaps,
    write_movenet,
    write_rtmo,
    write_simcc,
    write_yolo,
)
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.networks_2d.heatmaps import refined_peaks
from unihpe_ros.networks_2d.networks import CropNetwork, open_network, PictureNetwork

MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
Image = NDArray[np.uint8]


def scene() -> Image:
    noise = np.random.default_rng(3).integers(0, 60, (240, 320, 3))
    image = picture(person_box(110, 120, 160), person_box(230, 130, 140), size=(320, 240))
    return np.clip(image.astype(int) + noise - 30, 0, 255).astype(np.uint8)


def plain(path: Path, tensor: NDArray[np.generic]) -> list[NDArray[np.float32]]:
    session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
    return session.run(None, {session.get_inputs()[0].name: tensor})


def imagenet(crop: Image) -> NDArray[np.float32]:
    return ((crop[..., ::-1] - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)


def by_simcc(path: Path, crop: Image) -> tuple[np.ndarray, np.ndarray]:
    """As rtmlib's get_simcc_maximum."""
    x, y = (one[0] for one in plain(path, imagenet(crop)))
    places = np.stack([x.argmax(-1), y.argmax(-1)], -1) / 2.0
    return places, np.minimum(x.max(-1), y.max(-1)).clip(0, 1)


def by_heatmaps(path: Path, crop: Image) -> tuple[np.ndarray, np.ndarray]:
    """As MMPose's refine_keypoints_dark."""
    (maps,) = plain(path, imagenet(crop))
    places, scores = [], []
    for one in maps[0]:
        y, x = np.unravel_index(one.argmax(), one.shape)
        padded = np.zeros(np.add(one.shape, 10), np.float32)
        padded[5:-5, 5:-5] = one
        smooth = cv2.GaussianBlur(padded, (11, 11), 0)[5:-5, 5:-5]
        log = np.log(np.maximum(smooth * one.max() / smooth.max(), 1e-10))
        place = np.array([x, y], float)
        if 1 < x < one.shape[1] - 2 and 1 < y < one.shape[0] - 2:
            dx = 0.5 * (log[y, x + 1] - log[y, x - 1])
            dy = 0.5 * (log[y + 1, x] - log[y - 1, x])
            dxx = 0.25 * (log[y, x + 2] - 2 * log[y, x] + log[y, x - 2])
            dyy = 0.25 * (log[y + 2, x] - 2 * log[y, x] + log[y - 2, x])
            dxy = 0.25 * (
                log[y + 1, x + 1] - log[y - 1, x + 1] - log[y + 1, x - 1] + log[y - 1, x - 1]
            )
            step = -np.linalg.inv([[dxx, dxy], [dxy, dyy]]) @ [dx, dy]
            place += step if np.abs(step).max() <= 2 else 0
        places.append(place * 4)
        scores.append(one.max())
    return np.array(places), np.array(scores)


def by_movenet(path: Path, crop: Image) -> tuple[np.ndarray, np.ndarray]:
    """As its model card."""
    (rows,) = plain(path, crop[None, ..., ::-1].astype(np.int32))
    found = rows.reshape(17, 3)
    return found[:, [1, 0]] * crop.shape[0], found[:, 2]


@pytest.mark.parametrize(
    ('write', 'reference', 'keypoints'),
    [
        (write_simcc, by_simcc, 17),
        (lambda path: write_simcc(path, 26), by_simcc, 26),
        (lambda path: write_simcc(path, 133), by_simcc, 133),
        (write_heatmaps, by_heatmaps, 17),
        (write_movenet, by_movenet, 17),
    ],
    ids=['simcc', 'simcc-halpe', 'simcc-wholebody', 'heatmaps', 'movenet'],
)
@pytest.mark.parametrize('backend', ['onnxruntime-cpu', 'openvino-f32'])
def test_crop_network_answers_as_its_plain_call(
    tmp_path: Path, write: Callable, reference: Callable, keypoints: int, backend: str
) -> None:
    path, image = write(tmp_path / 'any.onnx'), scene()
    network = open_network(path, backend=backend)
    assert isinstance(network, CropNetwork)
    assert len(network.conventions.skeleton) == keypoints
    people = np.array([person_box(110, 120, 160), person_box(230, 130, 140)])
    camera = Camera.from_fov(320, 240, 1.0)
    crops, _ = Crops.aim(people, camera, network.spec.input_size, network.spec.padding)
    places, scores = network.find(network.prepare([(image, crops)]))
    assert places.shape == (2, keypoints, 2)
    for row, crop in enumerate(crops.cut(image)):
        wanted, wanted_scores = reference(path, crop[..., :3])
        assert np.abs(places[row] - wanted).max() < 0.5
        assert np.abs(scores[row] - wanted_scores).max() < 0.01
    # What it finds hangs on the crop: the two people differ.
    assert np.abs(places[0] - places[1]).max() > 1
    network.graph.close()


def test_dark_finds_the_middle_of_a_gaussian() -> None:
    rows, columns = np.mgrid[:64, :48]
    middles = [(20.3, 30.8), (11.75, 40.0)]
    maps = [np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / 8) for x, y in middles]
    cells, highest = refined_peaks(np.array(maps, np.float32)[None])
    np.testing.assert_allclose(cells[0], middles, atol=0.02)
    assert highest.min() > 0.9


@pytest.mark.parametrize(('grid', 'last'), [('stride', 44.0), ('corners', 47.0)])
def test_grid_of_heatmaps(tmp_path: Path, grid: str, last: float) -> None:
    path = write_heatmaps(tmp_path / 'any.onnx')
    path.with_suffix('.unihpe.json').write_text(f'{{"heatmap_grid": "{grid}"}}')
    network = open_network(path, backend='onnxruntime-cpu')
    maps = np.zeros((1, 17, 16, 12), np.float32)
    maps[..., 15, 11] = 1  # The cell at the lower right.
    places, _ = network.family.read({'heatmaps': maps}, network.conventions)
    assert places[0, 0, 0] == pytest.approx(last)
    network.graph.close()


def letterboxed(image: Image, size: int, corner: bool, grey: int) -> tuple[Image, float, int]:
    """Return a square picture of which nothing has to be padded at the sides."""
    scale = size / image.shape[1]
    height = round(image.shape[0] * scale)
    top = 0 if corner else (size - height) // 2
    whole = np.full((size, size, 3), grey, np.uint8)
    small = cv2.resize(image, (2 * size, 2 * height), interpolation=cv2.INTER_AREA)
    whole[top : top + height] = cv2.resize(small, (size, height), interpolation=cv2.INTER_AREA)
    return whole, scale, top


def check_people(path: Path, rows: np.ndarray, top: int, scale: float, *, backend: str) -> None:
    """Compare with rows of x0 y0 x1 y1 score and (x, y, score) x 17, px of the input."""
    network = open_network(path, backend=backend)
    assert isinstance(network, PictureNetwork)
    found = network.find(scene(), 0.01)
    rows = rows[np.argsort(-rows[:, 4], kind='stable')]
    best = rows[0]
    keypoints = (best[5:].reshape(17, 3)[:, :2] - [0, top]) / scale
    assert np.abs(found.keypoints_2d[0] - keypoints).max() < 0.5 / scale
    assert found.box_scores[0] == pytest.approx(best[4], abs=0.01)
    assert 1 <= len(found) <= len(rows)
    assert (np.diff(found.box_scores) <= 0).all()
    limit = [319, 239, 319, 239]
    box = np.clip((best[:4] - [0, top, 0, top]) / scale, 0, limit)
    assert np.abs(found.boxes[0] - box).max() < 0.5 / scale
    network.graph.close()


@pytest.mark.parametrize('backend', ['onnxruntime-cpu', 'openvino-f32'])
def test_picture_networks_answer_as_their_plain_call(tmp_path: Path, backend: str) -> None:
    centred, scale, top = letterboxed(scene(), 64, False, 114)
    rgb = centred[..., ::-1].transpose(2, 0, 1)[None].astype(np.float32) / 255
    path = write_yolo(tmp_path / 'table.onnx')
    table = plain(path, rgb)[0][0].T
    middle, half = table[:, :2], 0.5 * table[:, 2:4]
    rows = np.concatenate([middle - half, middle + half, table[:, 4:]], 1)
    check_people(path, rows, top, scale, backend=backend)
    path = write_yolo(tmp_path / 'rows.onnx', rows=True)
    rows = np.delete(plain(path, rgb)[0][0], 5, axis=1)
    check_people(path, rows, top, scale, backend=backend)

    cornered, scale, _ = letterboxed(scene(), 64, True, 114)
    path = write_rtmo(tmp_path / 'rtmo.onnx')
    bgr = cornered.transpose(2, 0, 1)[None].astype(np.float32)
    boxes, keypoints = plain(path, bgr)
    rows = np.concatenate([boxes[0], keypoints[0].reshape(-1, 51)], 1)
    check_people(path, rows, 0, scale, backend=backend)

    black, scale, top = letterboxed(scene(), 64, False, 0)
    path = write_movenet(tmp_path / 'multi.onnx', multi=True)
    given = plain(path, black[None, ..., ::-1].astype(np.int32))[0][0]
    y, x, score = given[:, :51].reshape(-1, 17, 3).transpose(2, 0, 1)
    people = np.stack([64 * x, 64 * y, score], -1).reshape(-1, 51)
    box = 64 * given[:, [52, 51, 54, 53]]
    rows = np.concatenate([box, given[:, 55:], people], 1)
    check_people(path, rows, top, scale, backend=backend)


def test_overlapping_boxes_of_one_person_are_one(tmp_path: Path) -> None:
    network = open_network(write_rtmo(tmp_path / 'any.onnx'), backend='onnxruntime-cpu')
    boxes = np.array([[0, 0, 20, 40, 0.6], [1, 1, 21, 40, 0.9], [40, 0, 60, 40, 0.5]], np.float32)
    keypoints = np.arange(3 * 51, dtype=np.float32).reshape(3, 17, 3)
    answer = {'dets': boxes[None], 'keypoints': keypoints[None]}
    found = network.family.read_people(answer, network.conventions, 0.3)
    assert found.box_scores.tolist() == pytest.approx([0.9, 0.5])
    np.testing.assert_array_equal(found.keypoints_2d[0], keypoints[1, :, :2])
    none = {'dets': boxes[None, :0], 'keypoints': keypoints[None, :0]}
    assert len(network.family.read_people(none, network.conventions, 0.3)) == 0
    network.graph.close()
