"""What every test may rely on: ROS stays on this machine, and random numbers are the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
from pathlib import Path
import tempfile
from typing import TYPE_CHECKING

from hypothesis import settings
import numpy as np
import pytest

if TYPE_CHECKING:
    import rclpy
    from unihpe_ros.estimator import PoseEstimator

ROOT = Path(__file__).resolve().parents[1]
# Marker of all the tests of a folder; single slow tests elsewhere have a decorator. Training,
# evaluation, rendering and benchmarks make data and networks first, which takes longer than what
# they test.
FOLDER_MARKERS = {
    'bags': 'ros',
    'bench': 'slow',
    'evaluation': 'slow',
    'models': 'slow',
    'node_trial': 'ros',
    'ros': 'ros',
    'synthesis': 'slow',
    'training': 'slow',
}


def pytest_configure(config: pytest.Config) -> None:
    # Before any test imports rclpy: messages decide at import whether they check their fields,
    # and without it np.float32(1.5) in a float64 field is published as 5e-315.
    os.environ['ROS_PYTHON_CHECK_FIELDS'] = '1'
    os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'
    # Sessions at the same time do not hear each other; ids above 101 may collide with ports.
    os.environ['ROS_DOMAIN_ID'] = str(os.getpid() % 100 + 1)
    logs = tempfile.TemporaryDirectory(prefix='unihpe_ros_log_')
    config.add_cleanup(logs.cleanup)
    os.environ['ROS_LOG_DIR'] = logs.name
    # A developer's run looks for new counter-examples; CI judges the change, not the dice. On a
    # machine that is shared a slow example says nothing.
    settings.register_profile('developer', deadline=None)
    settings.register_profile('ci', deadline=None, derandomize=True)
    settings.load_profile('ci' if os.environ.get('CI') else 'developer')


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    # Importing what is not run takes as long as many of the fast tests together.
    below = collection_path.relative_to(ROOT / 'test').parts if collection_path != ROOT else ()
    marker = FOLDER_MARKERS.get(below[0]) if below else None
    return True if marker is not None and f'not {marker}' in config.option.markexpr else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        marker = FOLDER_MARKERS.get(item.path.relative_to(ROOT / 'test').parts[0])
        if marker is not None:
            item.add_marker(marker)


@pytest.fixture(scope='session')
def root() -> Path:
    """Return the top of the source tree."""
    return ROOT


@pytest.fixture
def rng() -> np.random.Generator:
    """Return random numbers that are the same in every run."""
    return np.random.default_rng(0)


@pytest.fixture(scope='module')
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write the model of constants for the tests of a module; return its prefix."""
    # It is made of onnx, which some machines lack.
    from tiny_model import write_tiny_model

    return write_tiny_model(tmp_path_factory.mktemp('model'))


@pytest.fixture(scope='module')
def model_and_detector(model: Path) -> dict[str, Path]:
    """Return the parameters of a node that name the model of constants and a tiny detector."""
    from tiny_detector import write_tiny_detector

    return {'model': model, 'detector_model': write_tiny_detector(model.parent)}


@pytest.fixture
def estimator(model: Path) -> 'PoseEstimator':
    """Load the model of constants."""
    from tiny_estimator import tiny_estimator

    return tiny_estimator(model, threads=1)


@pytest.fixture(scope='module')
def context() -> 'Iterator[rclpy.Context]':
    """Open ROS for the tests of a module."""
    # Tests that need no ROS run where there is none.
    from ros_fixtures import ros

    with ros() as context:
        yield context


@pytest.fixture
def namespace(request: pytest.FixtureRequest) -> str:
    """Return a ROS namespace that no other test uses."""
    from ros_fixtures import own_namespace

    return own_namespace(request.node.name)


@pytest.fixture
def quick_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nodes report about themselves ten times a second."""
    from unihpe_ros.ros import node

    monkeypatch.setattr(node, 'REPORT_PERIOD_S', 0.1)


@pytest.fixture
def run(context: 'rclpy.Context', namespace: str, quick_reports: None) -> Callable:
    """Return a context manager: a node that is active, its peer and its estimator."""
    from ros_fixtures import active, FakeEstimator, node_and_peer, spinning

    @contextmanager
    def start(estimator=None, factory=None, activate=True, **values):
        estimator = estimator or FakeEstimator()
        node, peer = node_and_peer(context, namespace, factory or (lambda _: estimator), **values)
        with (active if activate else spinning)(node, peer):
            yield node, peer, estimator

    return start
