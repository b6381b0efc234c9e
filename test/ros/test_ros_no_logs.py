"""A node without a folder for its logs says in one sentence what to set."""

import os
import subprocess
import sys

import pytest

PROGRAM = 'import sys; from unihpe_ros.ros.start import main; sys.exit(main())'


@pytest.mark.parametrize('home', [None, '/proc/nowhere'])
def test_without_a_home_the_cure_is_named(root, home):
    dropped = ('HOME', 'ROS_LOG_DIR', 'ROS_HOME')
    env = {name: text for name, text in os.environ.items() if name not in dropped}
    env['PYTHONPATH'] = str(root)
    if home is not None:
        env['HOME'] = home
    done = subprocess.run(
        [sys.executable, '-c', PROGRAM], env=env, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 1
    # Jazzy's C library has its say before, on its own.
    line = done.stderr.splitlines()[-1]
    assert 'Traceback' not in done.stderr
    assert line.startswith('pose_estimator: error: ROS finds no folder for its log files (')
    assert line.endswith('set ROS_LOG_DIR to one that can be written, such as /tmp/ros_log')
