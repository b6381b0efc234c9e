"""Parameters that are given and not used: each is named, with what was meant."""

import pytest
from rclpy.node import Node
from rclpy.parameter import Parameter
from ros_fixtures import FakeEstimator
from unihpe_ros.ros.node import PoseEstimatorNode
from unihpe_ros.ros.parameter_files import (
    unknown_overrides,
    unknown_parameters,
    unmatched_files,
)
from unihpe_ros.ros.parameters import declare_parameters


def told_of(context, namespace, **given):
    overrides = [Parameter(name.replace('__', '.'), value=given[name]) for name in given]
    node = Node(
        'pose_estimator', context=context, namespace=namespace, parameter_overrides=overrides
    )
    declare_parameters(node)
    told = unknown_parameters(node)
    node.destroy_node()
    return told


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('score_treshold', "did you mean 'score_threshold'?"),
        ('max_poeple', "did you mean 'max_people'?"),
        ('tracking__lost_timeout_s', "are not in groups, expected 'lost_timeout_s'"),
        ('tracking__lost_timout_s', "did you mean 'lost_timeout_s'?"),
        ('qqqq', "parameter 'qqqq' is not used: there is none of that name"),
    ],
)
def test_a_name_that_nobody_declares_is_told_with_the_nearest(context, namespace, name, words):
    (told,) = told_of(context, namespace, **{name: 1.0})
    assert words in told


def test_what_is_declared_or_of_ros_is_no_news(context, namespace):
    given = {
        'score_threshold': 0.4,
        'use_sim_time': False,
        'qos_overrides./pose3d.publisher.depth': 3,
    }
    assert told_of(context, namespace, **given) == []


def test_a_qos_override_that_applies_to_no_topic_is_told(context, namespace):
    topic = f'qos_overrides.{namespace}/pose3d.publisher.depth'
    lost = [
        f'qos_overrides.{namespace}/pose4d.publisher.depth',
        f'qos_overrides.{namespace}/image.subscription.reliability',
    ]
    values = [Parameter(topic, value=3), *(Parameter(name, value=3) for name in lost)]
    node = PoseEstimatorNode(
        estimator_factory=lambda _: FakeEstimator(),
        context=context,
        namespace=namespace,
        parameter_overrides=values,
    )
    try:
        node.trigger_configure()
        told = unknown_overrides(node)
    finally:
        node.destroy_node()
    assert len(told) == 2
    assert all('expected qos_overrides.<topic>.publisher.<policy> with' in line for line in told)
    assert all(any(f"'{name}' is not used" in line for line in told) for name in lost)


PART = '  ros__parameters:\n    max_people: 2\n'


@pytest.mark.parametrize(
    ('text', 'names'),
    [
        (f'/**:\n{PART}', ''),
        (f'pose_estimator:\n{PART}', '/pose_estimator'),
        (f'/robot1/pose_estimator:\n{PART}', ''),
        (f'/**/pose_estimator:\n{PART}', ''),
        (f'/*/pose_estimator:\n{PART}', ''),
        (f'/robot2/pose_estimator:\n{PART}', '/robot2/pose_estimator'),
        (f'robot1:\n  pose_estimator:\n  {PART.replace("    ", "      ")}', ''),
        (f'unihpe:\n{PART}camera:\n{PART}', '/camera, /unihpe'),
        (f'camera:\n{PART}/**:\n{PART}', ''),
        ('nothing: of this\n', ''),
        ('- a list\n', ''),
        (': : :\n', ''),
    ],
)
def test_a_file_that_holds_nothing_for_the_node_is_told(tmp_path, text, names):
    path = tmp_path / 'parameters.yaml'
    path.write_text(text)
    arguments = ['pose_estimator', '--ros-args', '--params-file', str(path)]
    told = unmatched_files(arguments, '/robot1/pose_estimator')
    assert bool(told) == bool(names)
    if names:
        assert f'holds parameters of {names}; expected /robot1/pose_estimator' in told[0]


def test_a_file_that_is_not_there_is_left_to_rcl(tmp_path):
    arguments = ['--params-file', str(tmp_path / 'none.yaml'), '--params-file']
    assert unmatched_files(arguments, '/pose_estimator') == []
