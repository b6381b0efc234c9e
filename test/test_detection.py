"""From the detector's answer to people in the image: there and back, oracles, limits."""

import cv2
from hypothesis import given, strategies as st
import numpy as np
import pytest
from tiny_detector import write_tiny_detector
from tiny_model import paint_person, write_tiny_model
from unihpe_ros.core.boxes import iou
from unihpe_ros.core.detector_output import (
    decode_boxes,
    encode_boxes,
    grid,
    read_detections,
    suppress,
)
from unihpe_ros.core.letterbox import InputPicture, Letterbox
from unihpe_ros.detector import find_detector, PersonDetector
from unihpe_ros.engines import EngineError

SIZE = (416, 256)


def random_boxes(rng, count, size=SIZE):
    low = rng.uniform(0, size, (count, 2))
    return np.concatenate([low, low + rng.uniform(5, 120, (count, 2))], 1).astype(np.float32)


def test_grid_points_are_the_centres_of_equal_cells():
    points, steps = grid((64, 32))
    assert points.shape == (8 * 4 + 4 * 2 + 2 * 1, 2)
    for stride in (8, 16, 32):
        chosen = points[steps == stride]
        np.testing.assert_allclose(chosen.mean(0), (31.5, 15.5))
        np.testing.assert_allclose(chosen[0], 0.5 * (stride - 1))
    # Row by row, as a feature map is flattened.
    assert points[1, 0] > points[0, 0]
    assert points[1, 1] == points[0, 1]


def test_decoding_undoes_encoding(rng):
    points, _ = grid(SIZE)
    boxes = random_boxes(rng, len(points))
    logits = rng.normal(0, 3, (len(points), 1)).astype(np.float32)
    found, scores = decode_boxes(np.hstack([logits, encode_boxes(boxes, SIZE)]), SIZE)
    np.testing.assert_allclose(found, boxes, atol=1e-3)
    np.testing.assert_allclose(np.log(scores / (1 - scores)), logits[:, 0], rtol=1e-2, atol=1e-3)


def test_logits_of_any_size_make_scores():
    raw = np.zeros((len(grid((32, 32))[0]), 5), np.float32)
    raw[:2, 0] = 1e30, -1e30
    np.testing.assert_allclose(decode_boxes(raw, (32, 32))[1][:2], (1, 0), atol=1e-6)


def test_suppression_equals_opencv(rng):
    for count in (0, 1, 60):
        boxes = random_boxes(rng, count, (150, 100))
        scores = rng.permutation(np.linspace(0.1, 0.9, count)).astype(np.float32)
        corners = np.hstack([boxes[:, :2], boxes[:, 2:] - boxes[:, :2]])
        wanted = cv2.dnn.NMSBoxes(corners.tolist(), scores.tolist(), 0.0, 0.45)
        assert suppress(boxes, scores, 0.45).tolist() == list(wanted)


def test_of_equal_boxes_the_first_of_the_best_stays():
    boxes = np.tile(np.float32([[0, 0, 10, 20]]), (3, 1))
    assert suppress(boxes, np.float32([0.5, 0.9, 0.9])).tolist() == [1]


@given(
    st.tuples(st.integers(1, 5000), st.integers(1, 5000)),
    st.sampled_from([(416, 256), (320, 192), (64, 128)]),
)
def test_letterbox_there_and_back(image_size, size):
    letterbox = Letterbox(image_size, size)
    corner, extent = np.array(letterbox.offset), np.array(letterbox.inner)
    # The outer edges of the fitted picture, and its middle, are those of the image.
    inner = np.array([[*corner - 0.5, *corner + extent - 0.5], [*corner - 0.5, *corner]])
    inner[1, 2:] += 0.5 * extent - 0.5
    w, h = image_size
    wanted = [[-0.5, -0.5, w - 0.5, h - 0.5], [-0.5, -0.5, 0.5 * (w - 1), 0.5 * (h - 1)]]
    np.testing.assert_allclose(letterbox.to_image(inner), wanted, atol=1e-6)
    assert (corner >= 0).all()
    assert (corner + extent <= size).all()
    assert (extent == size).any()


@pytest.mark.parametrize('size', [(640, 480), (1920, 1080), (100, 400), (200, 100), (416, 256)])
def test_pixels_land_where_the_letterbox_says(size):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    box = np.round(np.array([0.3, 0.4, 0.6, 0.9]) * np.tile(size, 2)).astype(int)
    image[box[1] : box[3] + 1, box[0] : box[2] + 1] = 255
    letterbox = Letterbox(size, SIZE)
    fitted = letterbox.fit(image)
    assert fitted.shape == (letterbox.inner[1], letterbox.inner[0], 3)
    # Sums are exact where thresholds are not: the centre of mass is the box's centre.
    weight = fitted[..., 0].astype(float)
    ys, xs = np.mgrid[: weight.shape[0], : weight.shape[1]]
    centre = np.array([(weight * xs).sum(), (weight * ys).sum()]) / weight.sum()
    mapped = letterbox.to_image(np.tile(centre + letterbox.offset, 2)[None])[0, :2]
    scale = np.array(size) / letterbox.inner
    np.testing.assert_allclose(mapped, 0.5 * (box[:2] + box[2:]), atol=0.25 * scale.max())


def test_an_empty_picture_is_refused():
    with pytest.raises(ValueError, match=r'expected at least one pixel; got \(0, 5\)'):
        Letterbox((0, 5), SIZE)


def test_input_is_normalised_and_padding_is_zero(tmp_path):
    detector = PersonDetector(write_tiny_detector(tmp_path))
    spec = detector.spec
    detector.close()
    picture = InputPicture(spec)
    tall = np.full((200, 20, 3), (10, 20, 30), np.uint8)
    filled, letterbox = picture.fill(tall)
    (x, y), (w, h) = letterbox.offset, letterbox.inner
    expected = (np.float32([30, 20, 10]) - spec.mean) / spec.std
    inside = filled[0, :, y : y + h, x : x + w]
    np.testing.assert_allclose(inside, np.broadcast_to(expected[:, None, None], inside.shape))
    assert np.abs(filled).sum() == pytest.approx(np.abs(inside).sum(), rel=1e-5)
    wide, letterbox = picture.fill(np.zeros((10, 300, 3), np.uint8))
    assert (wide[0, :, : letterbox.offset[1]] == 0).all()


def answer_of(boxes, logits, size=SIZE):
    """Make the raw answer in which the first points show the boxes and all others nobody."""
    points, _ = grid(size)
    spread = np.zeros((len(points), 4), np.float32)
    spread[: len(boxes)] = boxes
    raw = np.hstack([np.full((len(points), 1), -9, np.float32), encode_boxes(spread, size)])
    raw[: len(boxes), 0] = logits
    return raw


def test_answers_are_thresholded_sorted_and_cut_to_the_image():
    letterbox = Letterbox((832, 512), SIZE)
    boxes = [[10, 10, 40, 90], [100, 50, 150, 300], [200, 20, 230, 80], [-50, 20, -5, 80]]
    found = read_detections(answer_of(np.float32(boxes), [0, 2, -3, 4]), letterbox, 0.3)
    assert len(found) == 2
    assert (np.diff(found.scores) <= 0).all()
    np.testing.assert_allclose(found.boxes[0], [200.5, 100.5, 300.5, 511], atol=1e-3)
    np.testing.assert_allclose(found.boxes[1], [20.5, 20.5, 80.5, 180.5], atol=1e-3)


def test_answers_that_are_not_finite_are_left_out():
    raw = answer_of(np.float32([[10, 10, 40, 90], [100, 50, 150, 200]]), [3, 3])
    raw[0, 2] = np.nan
    assert len(read_detections(raw, Letterbox(SIZE, SIZE), 0.3)) == 1


def test_every_point_at_once_is_no_burden(rng):
    raw = rng.normal(3, 1, (len(grid(SIZE)[0]), 5)).astype(np.float32)
    found = read_detections(raw, Letterbox(SIZE, SIZE), 0.0)
    assert 0 < len(found) <= 256
    overlaps = iou(found.boxes, found.boxes) - np.eye(len(found))
    assert overlaps.max() <= 0.6


@pytest.mark.parametrize('size', [(640, 480), (128, 96), (300, 700)])
def test_people_are_found_in_pictures_of_any_size(tmp_path, size):
    image = np.zeros((size[1], size[0], 3), np.uint8)
    w, h = size
    people = [(0.1 * w, 0.2 * h, 0.35 * w, 0.8 * h), (0.6 * w, 0.1 * h, 0.9 * w, 0.95 * h)]
    for box in people:
        paint_person(image, box)
    detector = PersonDetector(write_tiny_detector(tmp_path))
    found = detector.detect(image)
    assert found.boxes.dtype == found.scores.dtype == np.float32
    assert len(found) == 2
    assert iou(found.boxes, np.array(people)).max(0).min() > 0.8
    assert len(detector.detect(image, score_threshold=0.999)) == 0
    assert len(detector.detect(np.zeros_like(image))) == 0
    detector.close()
    with pytest.raises(EngineError, match='it was closed'):
        detector.detect(image)


@pytest.mark.parametrize('image', [np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3), np.float32)])
def test_images_of_another_kind_are_refused(tmp_path, image):
    detector = PersonDetector(write_tiny_detector(tmp_path))
    with pytest.raises(ValueError, match=r'image: expected \(H, W, 3\) uint8; got'):
        detector.detect(image)


def test_models_that_are_no_detector_are_refused(tmp_path):
    pair = write_tiny_model(tmp_path)
    with pytest.raises(EngineError, match='expected a detector; got the image branch'):
        PersonDetector(f'{pair}.image.onnx')
    with pytest.raises(EngineError, match=r"detector 'nobody': .* looked at .*nobody\.onnx"):
        PersonDetector('nobody')
    broken = tmp_path / 'broken.onnx'
    broken.write_bytes(b'no model')
    with pytest.raises(EngineError, match=r'broken\.onnx: expected an ONNX model'):
        PersonDetector(broken)
    odd = write_tiny_detector(tmp_path, 'odd')
    wrong = write_tiny_detector(tmp_path, 'wrong', input_size=(160, 96))
    wrong.write_bytes(odd.read_bytes().replace(b'128,\n  96', b'160,\n  96'))
    with pytest.raises(EngineError, match=r'wrong\.onnx: expected image \(\*, 3, 96, 160\)'):
        PersonDetector(wrong)


def test_detectors_are_found_with_and_without_suffix(tmp_path):
    path = write_tiny_detector(tmp_path)
    assert find_detector(path) == path
    assert find_detector(tmp_path / 'tiny_det') == path
