"""What the tests of the ROS side share: people, a fake estimator, a camera, a node that spins."""

from array import array
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
import os
import threading
import time
from types import SimpleNamespace

import numpy as np
from rcl_interfaces.msg import Log
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.lifecycle import TransitionCallbackReturn
from rclpy.node import Node
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from std_msgs.msg import Header
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.ros.clouds import to_cloud_2d
from unihpe_ros.ros.node import PoseEstimatorNode

FRAME_ID = 'camera_optical_frame'
WIDTH, HEIGHT = 64, 48


def people(count: int, skeleton=UNION, root_mode=RootMode.PROJECTIVE) -> Poses:
    """Make people with ids from 7 on; the first one's second keypoint is missing."""
    rng = np.random.default_rng(1)
    k = len(skeleton)
    flags = np.full((count, k), KeypointFlag.OBSERVED | KeypointFlag.METRIC_ROOT, np.uint16)
    poses = replace(
        Poses.empty(skeleton, root_mode),
        boxes=np.tile(np.array([4, 4, 60, 44], np.float32), (count, 1)),
        keypoints_2d=rng.uniform(5, 43, (count, k, 2)).astype(np.float32),
        keypoints_3d=rng.uniform(1, 2, (count, k, 3)).astype(np.float32),
        scores=rng.uniform(0.5, 1, (count, k)).astype(np.float32),
        flags=flags,
        track_ids=np.arange(7, 7 + count, dtype=np.uint32),
        agreement=np.full(count, 0.9, np.float32),
    )
    if count:
        poses.keypoints_2d[0, 1] = np.nan
        poses.keypoints_3d[0, 1] = np.nan
        poses.scores[0, 1] = 0
        poses.flags[0, 1] = 0
    return poses


class FakeEstimator:
    """Sees as many people as `count` says, and remembers how it was called."""

    backend = 'fake-cpu'
    notes: tuple[str, ...] = ()
    spec = SimpleNamespace(model='fake')

    def __init__(self, parameters=None, count: int = 2, seconds: float = 0.0) -> None:
        self.parameters = parameters
        self.count = count
        self.seconds = seconds
        self.reduced = 1
        self.failure: Exception | None = None
        self.calls: list[tuple] = []
        self.batches: list = []
        self.lifts: list[tuple] = []
        self.settings: list = []
        self.resets = 0
        self.closed = 0
        self.stage_times = {'crop': 0.001, 'image_branch': 0.002}

    def estimate_batch(self, shots) -> list[Poses]:
        self.batches.append(shots)
        self.calls += [(shot.image, shot.camera, shot.stamp) for shot in shots]
        time.sleep(self.seconds)
        if self.failure is not None:
            raise self.failure
        return [people(self.count) for _ in shots]

    def reduction(self, size, camera, stamp, **options) -> int:
        return self.reduced

    def lift(self, keypoints_2d, scores, camera, stamp, **options) -> Poses:
        self.lifts.append((keypoints_2d, scores, camera, stamp, options))
        time.sleep(self.seconds)
        return people(len(keypoints_2d))

    def configure(self, settings) -> None:
        self.settings.append(settings)

    def reset(self) -> None:
        self.resets += 1

    def close(self) -> None:
        self.closed += 1


class Logger:
    """Stands in for a node's logger and keeps what is said."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def error(self, text: str) -> None:
        self.lines.append(text)

    warning = info = error


def image(stamp: float = 1.0, encoding: str = 'bgr8', size=(WIDTH, HEIGHT)) -> Image:
    """Make a picture that was taken at `stamp`, s."""
    header = Header(frame_id=FRAME_ID)
    header.stamp.sec, header.stamp.nanosec = divmod(round(stamp * 1e9), 1_000_000_000)
    width, height = size
    data = array('B', bytes(3 * width * height))
    return Image(
        header=header, width=width, height=height, encoding=encoding, step=3 * width, data=data
    )


def camera_info(size=(WIDTH, HEIGHT), focal: float = 60.0) -> CameraInfo:
    """Make the calibration of a camera without distortion."""
    width, height = size
    cx, cy = (width - 1) / 2, (height - 1) / 2
    return CameraInfo(
        width=width,
        height=height,
        distortion_model='plumb_bob',
        d=[0.0] * 5,
        k=[focal, 0.0, cx, 0.0, focal, cy, 0.0, 0.0, 1.0],
        p=[focal, 0.0, cx, 0.0, 0.0, focal, cy, 0.0, 0.0, 0.0, 1.0, 0.0],
    )


# Long: it is only waited for in full when a test fails, and the machine may be busy.
PATIENCE_S = 20.0


def wait_until(condition: Callable[[], object], timeout: float = PATIENCE_S) -> bool:
    """Wait for a condition; return whether it came true in time."""
    end = time.monotonic() + timeout
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.005)
    return bool(condition())


@contextmanager
def spinning(*nodes: Node) -> Iterator[None]:
    """Serve nodes in a thread; the thread is gone before the nodes are."""
    executor = SingleThreadedExecutor(context=nodes[0].context)
    for node in nodes:
        executor.add_node(node)
    stop = threading.Event()

    def spin() -> None:
        while not stop.is_set():
            executor.spin_once(timeout_sec=0.02)

    thread = threading.Thread(target=spin)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
        executor.shutdown()
        for node in nodes:
            node.destroy_node()


@contextmanager
def ros() -> Iterator[rclpy.Context]:
    """Open and close a context of its own."""
    context = rclpy.Context()
    rclpy.init(context=context)
    try:
        yield context
    finally:
        rclpy.shutdown(context=context)


class Peer(Node):
    """The other side: publishes images and keeps what it hears."""

    def __init__(self, context: rclpy.Context, namespace: str = '') -> None:
        super().__init__('peer', context=context, namespace=namespace)
        self.heard: dict[str, list] = {}

    def camera(self, topic: str = 'image', kind: type = Image, reliable: bool = False):
        """Announce a topic of images."""
        reliability = ReliabilityPolicy.RELIABLE if reliable else ReliabilityPolicy.BEST_EFFORT
        return self.create_publisher(kind, topic, QoSProfile(depth=1, reliability=reliability))

    def listen(self, kind: type, topic: str, qos: QoSProfile | int = 10) -> list:
        """Subscribe to a topic and return the list that its messages go to."""
        self.heard[topic] = []
        self.create_subscription(kind, topic, self.heard[topic].append, qos)
        return self.heard[topic]

    def listen_to_logs(self) -> list[str]:
        """Return the list that the log lines of this namespace's nodes go to."""
        lines: list[str] = []
        own = self.get_namespace().strip('/')

        def keep(log: Log) -> None:
            if log.name.startswith(own):
                lines.append(log.msg)

        latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        self.create_subscription(Log, '/rosout', keep, latched)
        return lines

    def call(self, kind: type, name: str, request) -> object:
        """Call a service and return its answer."""
        client = self.create_client(kind, name)
        assert client.wait_for_service(PATIENCE_S), f'no service {name}'
        # The service may not know of this client yet, and then its answer is lost (DDS promises no
        # more); a question that changes nothing may be asked again.
        for _ in range(3 if kind.__name__.startswith('Get') else 1):
            future = client.call_async(request)
            if wait_until(future.done):
                return future.result()
        raise AssertionError(f'no answer from {name}')


def overrides(**values: object) -> list[Parameter]:
    """Make parameter overrides for a node."""
    return [Parameter(name, value=value) for name, value in values.items()]


def node_and_peer(
    context: rclpy.Context,
    namespace: str,
    factory: Callable[..., object] = FakeEstimator,
    **values: object,
) -> tuple[PoseEstimatorNode, Peer]:
    """Make a node that has yet to be configured, and its other side; both have to be spun."""
    # Nor do they hear what else may run on this machine.
    rules = ['-r', '/diagnostics:=diagnostics', '-r', '/clock:=clock']
    node = PoseEstimatorNode(
        estimator_factory=factory,
        context=context,
        namespace=namespace,
        cli_args=['--ros-args', *rules],
        parameter_overrides=overrides(**values),
    )
    return node, Peer(context, namespace)


@contextmanager
def active(node: PoseEstimatorNode, peer: Peer) -> Iterator[None]:
    """Configure and activate a node, and serve it and its other side."""
    assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
    assert node.trigger_activate() == TransitionCallbackReturn.SUCCESS
    with spinning(node, peer):
        yield


def own_namespace(name: str) -> str:
    """Return a namespace that no other test, and no test of another run, uses."""
    return f'/t{abs(hash((name, os.getpid()))) % 10**8}'


def two_people_2d(stamp: float) -> PointCloud2:
    """Make 2D keypoints of two people."""
    return to_cloud_2d(people(2, COCO_17), image(stamp).header)
