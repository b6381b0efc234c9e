"""Stand-ins for hri_msgs, which has no wheels, for TF's broadcaster and for a node."""

import copy
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import ClassVar

from std_msgs.msg import Header
from unihpe_ros.core.skeleton import ROS4HRI_18


@dataclass
class Point:
    x: float = 0.0
    y: float = 0.0
    c: float = 0.0


@dataclass
class Region:
    header: Header
    xmin: float = 0.0
    ymin: float = 0.0
    xmax: float = 0.0
    ymax: float = 0.0
    c: float = 0.0


@dataclass
class Ids:
    header: Header
    ids: list


@dataclass
class Skeleton:
    header: Header
    skeleton: list = field(default_factory=list)


for number, name in enumerate(ROS4HRI_18.keypoints):
    setattr(Skeleton, name.upper(), number)


@dataclass
class BodyPosture:
    header: Header
    posture: int = 0
    STANDING, SITTING, CROUCHING, LAYING, OTHER = 1, 2, 3, 4, 0


@dataclass
class Gesture:
    header: Header
    gesture: int = 0
    HANDS_ON_FACE, ARMS_CROSSED, LEFT_HAND_RAISED = 1, 2, 3
    RIGHT_HAND_RAISED, BOTH_HANDS_RAISED, WAVING, OTHER = 4, 5, 6, 0


class Broadcaster:
    sent: ClassVar[list] = []

    def __init__(self, node):
        self.sent.clear()
        self.pub_tf = node.create_publisher(object, '/tf', 100)

    @classmethod
    def named(cls, name):
        """Return the last frame of that name."""
        return [one for one in cls.sent if one.child_frame_id == name][-1]

    def sendTransform(self, messages):  # noqa: N802 - tf2_ros calls it so.
        self.sent.extend(copy.deepcopy(messages))


class FakeNode:
    """Keeps what is published, by topic; nodes in the same domain hear each other."""

    def __init__(self, domain=None, listeners=1):
        self.topics = {}
        self.parameters = {}
        self.listeners = listeners
        self.heard_by = {} if domain is None else domain.heard_by

    def create_publisher(self, kind, topic, depth):
        del kind, depth
        messages = self.topics.setdefault(topic, [])

        def publish(message):
            messages.append(message)
            for callback in self.heard_by.get(topic, ()):
                callback(message)

        return SimpleNamespace(
            topic=topic, publish=publish, get_subscription_count=lambda: self.listeners
        )

    def create_subscription(self, kind, topic, callback, depth):
        del kind, depth
        self.heard_by.setdefault(topic, []).append(callback)
        return SimpleNamespace(topic=topic, callback=callback)

    def destroy_subscription(self, subscription):
        self.heard_by[subscription.topic].remove(subscription.callback)

    def declare_parameter(self, name, value):
        assert name not in self.parameters
        self.parameters[name] = value

    def undeclare_parameter(self, name):
        del self.parameters[name]

    def has_parameter(self, name):
        return name in self.parameters

    def destroy_publisher(self, publisher):
        del self.topics[publisher.topic]
