"""Parameters: one list, from which descriptors, config/pose.yaml and the README's table come."""

from dataclasses import fields
import math

import pytest
import rclpy
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_fixtures import overrides
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.ros.frame_handler import estimator_settings
from unihpe_ros.ros.parameter_tables import markdown_table, yaml_file
from unihpe_ros.ros.parameters import declare_parameters, Parameters
import yaml

NAMES = [item.name for item in fields(Parameters)]


@pytest.fixture
def declare(context):
    nodes = []

    def start(**values):
        node = Node('parameters', context=context, parameter_overrides=overrides(**values))
        nodes.append(node)
        return node, *declare_parameters(node)

    yield start
    for node in nodes:
        node.destroy_node()


def test_pose_yaml_is_what_the_parameters_say(root):
    text = (root / 'config' / 'pose.yaml').read_text()
    assert text == yaml_file(), 'write yaml_file() to it'
    values = yaml.safe_load(text)['/**']['ros__parameters']
    assert list(values) == NAMES
    assert Parameters().updated(values) == Parameters()
    comments = [line for line in text.splitlines() if line.lstrip().startswith('#')]
    assert len(comments) >= len(NAMES)


def test_pose_yaml_is_a_parameter_file_for_rcl(root):
    context = rclpy.Context()
    arguments = ['--ros-args', '--params-file', str(root / 'config' / 'pose.yaml')]
    rclpy.init(args=arguments, context=context)
    try:
        node = Node('pose_estimator', namespace='anywhere', context=context)
        assert declare_parameters(node) == (Parameters(), {})
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)


def test_the_table_has_a_row_for_each_parameter():
    rows = markdown_table().splitlines()[2:]
    assert [row.split('`')[1] for row in rows] == NAMES
    assert all(row.count('|') == rows[0].count('|') for row in rows)


def test_the_readme_holds_the_table(root):
    assert markdown_table() in (root / 'README.md').read_text(encoding='utf-8')


def test_descriptors_tell_description_range_and_choices(declare):
    node, _, _ = declare()
    for item in fields(Parameters):
        descriptor = node.describe_parameter(item.name)
        assert len(descriptor.description) > 10
        assert descriptor.read_only is item.metadata['fixed']
    threshold = node.describe_parameter('score_threshold').floating_point_range[0]
    assert (threshold.from_value, threshold.to_value) == (0.01, 0.99)
    assert node.describe_parameter('max_people').integer_range[0].to_value == 32
    constraint = node.describe_parameter('keypoints').additional_constraints
    assert constraint == 'one of coco17, h36m17, union26, ros4hri18'
    stature = node.describe_parameter('person_height_m')
    assert stature.additional_constraints == '0, or 0.5 to 2.5'
    assert stature.floating_point_range[0].from_value == 0.0


def test_parameters_make_estimator_settings():
    # An empty room is searched seldom in the node alone: offline every image counts.
    assert estimator_settings(Parameters()) == EstimatorSettings(idle_period=1.0)
    assert estimator_settings(Parameters(track_timeout_s=0.25)).track_timeout == 0.25
    for item in fields(Parameters):
        for value in item.metadata['choices'] or item.metadata['limits'] or ():
            estimator_settings(Parameters().updated({item.name: value}))


def test_a_whole_number_will_do_for_a_double(declare):
    node, parameters, problems = declare(watchdog_s=3)
    assert problems == {}
    assert parameters.watchdog_s == 3.0
    assert isinstance(parameters.watchdog_s, float)
    assert node.set_parameters([Parameter('watchdog_s', value=7)])[0].successful


@pytest.mark.parametrize(
    ('values', 'words'),
    [
        ({'keypoints': 'coco18'}, "keypoints: expected one of coco17, .*; got 'coco18'"),
        ({'image_qos': 'best'}, "image_qos: expected one of auto, reliable; got 'best'"),
        ({'score_threshold': 1.5}, 'score_threshold.*1.5'),
        ({'score_threshold': 2}, 'score_threshold: expected 0.01 to 0.99, got 2.0'),
        ({'score_threshold': 'high'}, "score_threshold: expected a number, got 'high'"),
        ({'score_threshold': math.nan}, 'score_threshold.*nan'),
        ({'person_height_m': 0.1}, 'person_height_m: expected 0, or 0.5 to 2.5, got 0.1'),
        ({'person_height_m': -1.0}, 'person_height_m'),
        ({'max_people': 0}, 'max_people.*0'),
        ({'max_people': 2.0}, 'max_people: expected a whole number, got 2.0'),
        ({'max_people': True}, 'max_people: expected a whole number, got True'),
        ({'rectified': 1}, 'rectified: expected true or false, got 1'),
        ({'model': 17}, 'model: expected a text, got 17'),
        ({'cameras': 'front'}, "cameras: expected a list of texts, got 'front'"),
        ({'cameras': ['a', 'a']}, 'cameras: expected at most 16 names, all different'),
        ({'cameras': ['a/b']}, "cameras: expected letters, digits and _, a letter first; .*'a/b'"),
    ],
)
def test_a_value_that_cannot_be_used_is_a_problem_and_no_crash(declare, values, words):
    _, parameters, problems = declare(**values)
    assert parameters == Parameters()
    assert list(problems) == list(values)
    with pytest.raises(ValueError, match=words):
        raise ValueError(problems[next(iter(values))])


@pytest.mark.parametrize(
    ('text', 'names'),
    [('[front, rear]', ('front', 'rear')), ("['']", ('',)), ('[]', ('',))],
)
def test_cameras_are_read_from_a_file(tmp_path, text, names):
    file = tmp_path / 'cameras.yaml'
    file.write_text(f'/**:\n  ros__parameters:\n    cameras: {text}\n')
    context = rclpy.Context()
    rclpy.init(args=['--ros-args', '--params-file', str(file)], context=context)
    try:
        node = Node('pose_estimator', context=context)
        parameters, problems = declare_parameters(node)
        node.destroy_node()
    finally:
        rclpy.shutdown(context=context)
    assert (parameters.cameras, problems) == (names, {})


def test_an_unknown_name_is_refused():
    with pytest.raises(ValueError, match='unknown parameter treshold; expected model, model_2d'):
        Parameters().updated({'treshold': 0.3})


def test_fixed_parameters_do_not_change_at_run_time(declare):
    node, _, _ = declare()
    result = node.set_parameters([Parameter('model', value='other')])[0]
    assert not result.successful
    assert 'read-only' in result.reason
