"""examples/read_pose3d.py reads what the node publishes."""

from dataclasses import replace
from pathlib import Path
import runpy

from ros_fixtures import Peer, people, spinning, wait_until
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.ros.clouds import to_cloud

EXAMPLE = Path(__file__).resolve().parents[2] / 'examples' / 'read_pose3d.py'


def one_hand_up():
    """Return two people, of whom the second one's wrist is above the nose."""
    poses = people(2, COCO_17)
    points = poses.keypoints_3d.copy()
    points[:, :, 1] = 0.0
    points[1, COCO_17.index('left_wrist'), 1] = -0.4
    points[0, COCO_17.index('right_wrist')] = float('nan')
    return replace(poses, keypoints_3d=points)


def test_hands_above_the_head_are_logged(context):
    watcher = runpy.run_path(str(EXAMPLE))['HandWatcher'](context=context)
    peer = Peer(context)
    said = peer.listen_to_logs()
    publisher = peer.create_publisher(PointCloud2, '/unihpe/pose3d', 10)
    poses = one_hand_up()
    with spinning(watcher, peer):
        assert wait_until(lambda: publisher.get_subscription_count())
        publisher.publish(to_cloud(poses, Header()))
        assert wait_until(lambda: [line for line in said if 'raises a hand' in line])
    text = f'person {poses.track_ids[1]} raises a hand'
    assert {line for line in said if 'raises' in line} == {text}
    watcher.destroy_node()
    peer.destroy_node()
