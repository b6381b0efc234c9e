"""The executable ends without a word when it is interrupted while it starts."""

import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
from rclpy.executors import ExternalShutdownException
from unihpe_ros.ros import spin

# An import of the node that takes its time.
STARTING = """
import sys, time, types
from importlib.abc import MetaPathFinder

class Slow(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name == 'unihpe_ros.ros.node':
            print('starting', flush=True)
            time.sleep(60)

sys.meta_path.insert(0, Slow())
from unihpe_ros.ros.start import main
sys.exit(main())
"""


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_interrupted_while_it_starts_it_ends_in_peace(number):
    paths = [str(Path(__file__).parents[2]), os.environ.get('PYTHONPATH', '')]
    child = subprocess.Popen(
        [sys.executable, '-c', STARTING],
        env={**os.environ, 'PYTHONPATH': os.pathsep.join(filter(None, paths))},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert child.stdout.readline() == 'starting\n'
        began = time.monotonic()
        child.send_signal(number)
        _, error = child.communicate(timeout=30)
        assert time.monotonic() - began < 15
        assert (child.returncode, error) == (0, '')
    finally:
        child.kill()
        child.wait(10)


class Ended:
    """Stands for node, executor and rclpy of a process that is shut down at once."""

    parameters = SimpleNamespace(autostart=False)
    is_loading = False

    def spin_once(self, **_):
        raise ExternalShutdownException

    def __getattr__(self, name):
        return lambda *_, **__: True


def test_a_signal_that_comes_while_the_interpreter_ends_kills_nobody(monkeypatch):
    for name in ('rclpy', 'PoseEstimatorNode', 'SingleThreadedExecutor'):
        monkeypatch.setattr(spin, name, Ended() if name == 'rclpy' else lambda **_: Ended())
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    try:
        assert spin.main([]) == 0
        assert [signal.getsignal(number) for number in numbers] == [signal.SIG_IGN] * 2
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
