"""What pip and colcon lay down is complete and runs without the source tree."""

import os
from pathlib import Path
import shutil
import subprocess
import sys

import pytest
from unihpe_ros import __version__

LEAVE_BEHIND = shutil.ignore_patterns('.*', 'build', 'install', 'log', '*.egg-info', '__pycache__')
RESOURCE = 'config/pose.yaml'
PROGRAM = f"""
from unihpe_ros.core.resources import find_resource
print(find_resource('{RESOURCE}'))
"""


def run(*command: object, **env: str) -> str:
    """Run a command in a clean environment; return what it prints."""
    inherited = {name: os.environ[name] for name in ('PATH', 'HOME') if name in os.environ}
    done = subprocess.run(
        [str(part) for part in command],
        env={**inherited, **env},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


@pytest.fixture
def source(root, tmp_path) -> Path:
    """Return a copy of the source tree, since builds leave things in theirs."""
    folder = tmp_path / 'src'
    folder.mkdir()
    for path in root.iterdir():
        if LEAVE_BEHIND(str(root), [path.name]):
            continue
        if path.is_file():
            shutil.copy(path, folder)
        elif path.name in ('config', 'launch', 'resource', 'unihpe_ros'):
            shutil.copytree(path, folder / path.name, ignore=LEAVE_BEHIND)
    return folder


@pytest.fixture
def program(tmp_path) -> Path:
    """Return a program that prints where a resource is."""
    path = tmp_path / 'program.py'
    path.write_text(PROGRAM)
    return path


@pytest.mark.slow
def test_colcon_install_has_what_ros2_run_and_launch_look_for(source, program, tmp_path):
    colcon = shutil.which('colcon', path=f'{Path(sys.executable).parent}:{os.environ["PATH"]}')
    if colcon is None:
        pytest.skip('colcon is not installed here')
    install = tmp_path / 'install'
    bases = ['--build-base', tmp_path / 'build', '--install-base', install]
    run(colcon, '--log-base', tmp_path / 'log', 'build', '--paths', source, *bases)
    shutil.rmtree(source)
    prefix = install / 'unihpe_ros'
    assert (prefix / 'share/ament_index/resource_index/packages/unihpe_ros').is_file()
    for file in ('package.xml', 'launch/pose.launch.py', RESOURCE):
        assert (prefix / 'share/unihpe_ros' / file).is_file()
    for executable in ('unihpe', 'pose_estimator'):
        assert os.access(prefix / 'lib/unihpe_ros' / executable, os.X_OK)
    sourced = f'. {install}/setup.sh &&'
    version = run('sh', '-c', f'{sourced} {prefix}/lib/unihpe_ros/unihpe --version')
    assert version == f'unihpe {__version__}'
    found = run('sh', '-c', f'{sourced} {sys.executable} {program}')
    assert found == str(prefix / 'share/unihpe_ros' / RESOURCE)


@pytest.mark.slow
@pytest.mark.skipif(sys.prefix == sys.base_prefix, reason='pip is not to install outside a venv')
def test_pip_install_has_the_resources(source, program, tmp_path):
    prefix = tmp_path / 'prefix'
    # Without --ignore-installed pip would first remove the package from the environment at work.
    options = ['--quiet', '--no-deps', '--no-build-isolation', '--ignore-installed']
    options += ['--prefix', prefix]
    run(sys.executable, '-m', 'pip', 'install', *options, source)
    shutil.rmtree(source)
    library = next(prefix.glob('lib/python*/site-packages'))
    kernels = ('preprocess.ptx', 'decode.ptx', 'preprocess.cu', 'decode.cu', 'scene.cuh')
    pages = ('page.html', 'page.css', 'page.js', 'room.js')
    files = (*(f'engines/{name}' for name in kernels), *(f'web/{name}' for name in pages))
    for file in ('py.typed', *files):
        assert (library / 'unihpe_ros' / file).is_file()
    found = run(sys.executable, program, PYTHONPATH=str(library))
    assert found == str(prefix / 'share/unihpe_ros' / RESOURCE)
    version = run(prefix / 'bin/unihpe', '--version', PYTHONPATH=str(library))
    assert version == f'unihpe {__version__}'
