"""ModelSpec: written, read back, and refused in clear words."""

from dataclasses import replace
import json

import pytest
from tiny_model import tiny_spec
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.skeleton import UNION


def test_round_trip() -> None:
    spec = tiny_spec()
    assert ModelSpec.from_json(spec.to_json(), 'here') == spec


def test_derived_values() -> None:
    spec = tiny_spec(input_size=(144, 192), simcc_ratio=2.5)
    assert spec.bins == (360, 480)
    assert spec.keypoints is UNION


def test_signature_follows_the_branch() -> None:
    inputs, outputs = tiny_spec().signature()
    assert inputs == {'image': (None, 3, 128, 96)}
    assert outputs['simcc_y'] == (None, 26, 256)
    inputs, outputs = tiny_spec(branch='lifting').signature()
    assert inputs['keypoints'] == (None, 26, 3)
    assert outputs['fused_pose3d'] == (None, 26, 3)
    assert outputs['embedding'] == (None, 256)
    detector = tiny_spec(branch='detector', input_size=(96, 64)).signature()
    assert detector == ({'image': (None, 3, 64, 96)}, {'detections': (None, 96 + 24 + 6, 5)})


@pytest.mark.parametrize(
    ('field', 'value', 'message'),
    [
        ('branch', 'trunk', "expected one of image, lifting, detector, foreign; got 'trunk'"),
        ('skeleton', 'cat', "expected one of coco17, .*; got 'cat'"),
        ('channels', 'rgba', "expected rgb or bgr; got 'rgba'"),
        ('input_size', (0, 10), r'expected two positive integers \(w, h\); got \(0, 10\)'),
        ('input_size', (10,), 'expected two positive integers'),
        ('std', (1.0, 0.0, 1.0), 'expected three positive numbers'),
        ('mean', (1.0, 2.0), 'expected three numbers'),
        ('simcc_ratio', 0.0, 'expected a positive number; got 0.0'),
        ('padding', -1.0, 'expected a positive number'),
        ('embedding', 0, 'expected a positive integer'),
    ],
)
def test_impossible_field_is_named(field: str, value: object, message: str) -> None:
    with pytest.raises(ValueError, match=rf'ModelSpec\.{field}: {message}'):
        replace(tiny_spec(), **{field: value})


def changed(**fields: object) -> str:
    values = {**json.loads(tiny_spec().to_json()), **fields}
    return json.dumps({name: value for name, value in values.items() if value is not None})


@pytest.mark.parametrize(
    ('text', 'message'),
    [
        ('{', 'ModelSpec is not JSON'),
        ('[1, 2]', r'expected ModelSpec version 1; got \[1, 2\]'),
        (changed(version=2), 'expected ModelSpec version 1; got 2'),
        (
            changed(padding=None, colour='red'),
            'ModelSpec fields missing or unknown: colour, padding',
        ),
        (changed(padding='wide'), ''),
        (changed(mean=['a', 'b', 'c']), ''),
        (changed(mean=3), ''),
        (changed(skeleton=[1]), ''),
        (changed(input_size='96x128'), ''),
        (changed(embedding=None), 'ModelSpec fields missing or unknown: embedding'),
    ],
)
def test_broken_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=f'here: {message}'):
        ModelSpec.from_json(text, 'here')
