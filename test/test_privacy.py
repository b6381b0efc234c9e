"""Nothing is kept outside documented folders, and nothing leaves the machine."""

from __future__ import annotations

from collections.abc import Callable
import importlib.util
import os
from pathlib import Path
import re
import shutil
import subprocess
import sys

import pytest
from tiny_bag import write_tiny_bag

# Each case is a process of its own.
pytestmark = pytest.mark.slow

# Loads an engine as the node does, and runs it.
LIBRARY = """
import sys
import numpy as np
from unihpe_ros.estimator import PoseEstimator
estimator = PoseEstimator('unihpe_rt', backend=sys.argv[1])
estimator.estimate(np.zeros((240, 320, 3), np.uint8), None, 0.0)
print(estimator.backend)
estimator.close()
"""
NODE = """
import os, signal, sys, threading
from unihpe_ros.ros.start import main
threading.Timer(6, os.kill, (os.getpid(), signal.SIGTERM)).start()
sys.exit(main())
"""
STRACE = ('strace', '-f', '-qq', '-e', 'trace=connect,sendto,sendmsg')
# Loopback, and the multicast by which ROS nodes find each other.
LOCAL = re.compile(r'127\.|239\.255\.|0\.0\.0\.0')
ADDRESS = re.compile(r'inet_addr\("([^"]+)"\)|inet_pton\(AF_INET6, "([^"]+)"')


def works(*command: str) -> bool:
    return (
        shutil.which(command[0]) is not None
        and not subprocess.run([*command, 'true'], capture_output=True).returncode
    )


@pytest.fixture
def home(tmp_path) -> Path:
    folder = tmp_path / 'home'
    folder.mkdir()
    return folder


@pytest.fixture
def run(home, tmp_path, root) -> Callable[..., str]:
    """Return a function that runs a command in a new home; without a network where that works."""
    dropped = ('XDG_', 'MPLCONFIG', 'ROS_LOG_DIR', 'ROS_HOME', 'ORT_', 'CI', 'UNIHPE_')

    def run_command(*command: str, expected: int = 0) -> str:
        env = {name: text for name, text in os.environ.items() if not name.startswith(dropped)}
        env.update(HOME=str(home), PYTHONPATH=str(root), PYTHONDONTWRITEBYTECODE='1')
        lonely = ('unshare', '-rn')
        if works(*lonely):
            command = (*lonely, 'sh', '-c', 'ip link set lo up; exec "$@"', 'sh', *command)
        done = subprocess.run(
            command, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == expected, done.stdout + done.stderr
        return done.stdout

    return run_command


def kept(home: Path) -> set[str]:
    return {f'~/{file.relative_to(home)}' for file in home.rglob('*') if not file.is_dir()}


def undocumented(home: Path, root: Path) -> list[str]:
    """Return the files of a home that are in no folder of which docs/privacy.md tells."""
    text = (root / 'docs/privacy.md').read_text()
    folders = tuple(re.findall(r'^\| `(~/[^`]+)`', text, re.MULTILINE))
    assert '~/.ros/log' in folders
    return sorted(file for file in kept(home) if not file.startswith(folders))


def backends() -> list[str]:
    has_openvino = importlib.util.find_spec('openvino') is not None
    return ['onnxruntime-cpu', *(['openvino'] if has_openvino else [])]


@pytest.mark.parametrize('backend', backends())
def test_an_engine_leaves_nothing_in_a_new_home(run, home, backend):
    assert run(sys.executable, '-c', LIBRARY, backend).strip() == backend
    assert kept(home) == set()


def test_a_node_leaves_its_log_alone(run, home, root):
    run(sys.executable, '-c', NODE)
    assert undocumented(home, root) == []
    assert all(file.startswith('~/.ros/log/') for file in kept(home))


def test_a_benchmark_leaves_what_is_documented(run, home, root, tmp_path):
    bag = write_tiny_bag(tmp_path / 'bag', 0.1)
    run(sys.executable, '-m', 'unihpe_ros.cli.main', 'bench', 'bag', str(bag))
    assert undocumented(home, root) == []


@pytest.mark.skipif(not works(*STRACE), reason='strace is not here, or may not trace')
@pytest.mark.parametrize('program', [*backends(), 'node'])
def test_nobody_outside_this_machine_is_spoken_to(run, tmp_path, program):
    trace = tmp_path / 'trace'
    code = (NODE,) if program == 'node' else (LIBRARY, program)
    run(*STRACE, '-o', str(trace), sys.executable, '-c', *code)
    lines = trace.read_text().splitlines()
    found = [''.join(match) for line in lines for match in ADDRESS.findall(line)]
    assert [address for address in found if not LOCAL.match(address)] == []


def test_who_wants_to_be_counted_still_is(run):
    program = "import os, unihpe_ros; print(os.environ['ORT_DISABLE_TELEMETRY'])"
    assert run(sys.executable, '-c', program).strip() == '1'
    assert run('env', 'ORT_DISABLE_TELEMETRY=0', sys.executable, '-c', program).strip() == '0'
