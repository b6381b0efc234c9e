"""The transform from the camera's frame into the target's."""

import sys
from types import SimpleNamespace

from std_msgs.msg import Header
from unihpe_ros.ros.transforms import IDENTITY, Transforms


class DeafBuffer:
    """Stands for tf2_ros.Buffer that must not be asked."""

    def lookup_transform(self, *asked):
        raise AssertionError(f'asked for {asked}')


def test_for_the_camera_frame_itself_nothing_is_asked(monkeypatch):
    tf2 = SimpleNamespace(Buffer=DeafBuffer, TransformListener=lambda buffer, node: buffer)
    monkeypatch.setitem(sys.modules, 'tf2_ros', tf2)
    header = Header(frame_id='camera')
    header.stamp.sec = 1
    assert Transforms(None, 'a test').at('camera', header, 0.05) is IDENTITY
    header.stamp.sec = 0
    assert Transforms(None, 'a test').at('camera', header, 0.05) is IDENTITY
