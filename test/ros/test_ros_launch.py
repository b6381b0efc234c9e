"""The launch file and RViz's configuration speak of topics and files that exist."""

import ast
import importlib.util

import pytest
from ros_fixtures import FakeEstimator, ros
from unihpe_ros.ros.launch_arguments import unused_arguments
from unihpe_ros.ros.node import PoseEstimatorNode
import yaml


@pytest.fixture(scope='module')
def outputs() -> set[str]:
    """Return the topics of a configured node in the launch file's default namespace."""
    with ros() as context:
        node = PoseEstimatorNode(
            estimator_factory=FakeEstimator, context=context, namespace='unihpe'
        )
        node.trigger_configure()
        names = {name for name, _ in node.get_topic_names_and_types()}
        node.destroy_node()
    return names


def test_rviz_shows_topics_that_the_node_publishes(root, outputs):
    config = yaml.safe_load((root / 'config' / 'pose.rviz').read_text())
    displays = config['Visualization Manager']['Displays']
    shown = {display['Topic']['Value'] for display in displays if 'Topic' in display}
    assert shown == {'/unihpe/image_annotated', '/unihpe/pose3d', '/unihpe/markers'}
    assert shown <= outputs


def test_every_display_asks_for_what_the_node_offers(root):
    config = yaml.safe_load((root / 'config' / 'pose.rviz').read_text())
    for display in config['Visualization Manager']['Displays']:
        if 'Topic' in display:
            assert display['Topic']['Reliability Policy'] == 'Reliable'
            assert display['Topic']['Durability Policy'] == 'Volatile'


def test_the_launch_file_names_files_that_ship(root):
    tree = ast.parse((root / 'launch' / 'pose.launch.py').read_text())
    named = {
        call.args[0].value
        for call in ast.walk(tree)
        if isinstance(call, ast.Call) and getattr(call.func, 'id', '') == 'config'
        if isinstance(call.args[0], ast.Constant)
    }
    assert named == {'pose.yaml', 'pose.rviz', 'fastdds.xml'}
    assert all((root / 'config' / name).is_file() for name in named)


def test_the_launch_file_offers_its_arguments(root):
    pytest.importorskip('launch_ros', reason='no wheels of launch_ros: comes with a ROS install')
    spec = importlib.util.spec_from_file_location('pose', root / 'launch' / 'pose.launch.py')
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    names = {
        argument.name for argument in module.generate_launch_description().get_launch_arguments()
    }
    assert names == {*module.ARGUMENTS, 'params_file'}


@pytest.mark.parametrize(
    ('name', 'words'),
    [
        ('imge', ['imge:= is not used: did you mean image:=?']),
        ('param_file', ['param_file:= is not used: did you mean params_file:=?']),
        ('score_threshold', ['score_threshold:= is not used: it is a parameter of the node']),
        # Of a launch file that includes ours.
        ('robot_description', []),
        ('image', []),
    ],
)
def test_an_argument_that_the_launch_file_lacks_is_told(name, words):
    told = unused_arguments({name: '1'}, ('image', 'camera', 'params_file'))
    assert [text[: len(start)] for text, start in zip(told, words, strict=True)] == words
