"""The container files name what is there; nobody builds them here."""

import json
from pathlib import Path
import re
import subprocess

import pytest
from unihpe_ros.ros.camera_presets import CAMERA_PRESETS
import yaml

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILES = sorted((ROOT / 'docker').glob('*.Dockerfile'))
INSTRUCTIONS = {'FROM', 'ENV', 'WORKDIR', 'COPY', 'RUN', 'ENTRYPOINT', 'CMD'}


def instructions(path: Path) -> list[tuple[str, str]]:
    """Return name and rest of each instruction, its lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith('#')]
    text = re.sub(r'\\\n\s*', '', '\n'.join(lines))
    return [tuple(line.split(None, 1)) for line in text.splitlines() if line]


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.name)
def test_dockerfile_is_well_formed(path):
    steps = instructions(path)
    assert steps[0][0] == 'FROM'
    assert {name for name, _ in steps} <= INSTRUCTIONS
    for name, rest in steps:
        if name == 'FROM':
            assert re.match(r'[\w./-]+:[\w.-]+( AS \w+)?$', rest), 'a base image without a tag'
        if name in ('ENTRYPOINT', 'CMD'):
            assert all(isinstance(word, str) for word in json.loads(rest))
        if name == 'COPY' and not rest.startswith('--from'):
            assert (ROOT / rest.split()[0]).exists()
        if name == 'RUN' and 'apt-get install' in rest:
            assert 'apt-get update' in rest
            assert 'rm -rf /var/lib/apt/lists/*' in rest
            assert '--no-install-recommends' in rest


@pytest.mark.parametrize('path', DOCKERFILES, ids=lambda path: path.name)
def test_files_that_a_dockerfile_names_are_there(path):
    for file in re.findall(r'/ws/src/unihpe_ros/([\w./-]+\w)', path.read_text()):
        assert (ROOT / file).is_file()


def test_commands_and_arguments_exist():
    texts = [path.read_text() for path in (*DOCKERFILES, ROOT / 'docker' / 'compose.yaml')]
    launch = (ROOT / 'launch' / 'pose.launch.py').read_text()
    found = [pair for text in texts for pair in re.findall(r'(\w+):=(\w+)', text)]
    assert found
    for name, value in found:
        assert f"'{name}'" in launch
        assert name != 'camera' or value in CAMERA_PRESETS


def test_compose_shares_memory_and_names_its_dockerfile():
    content = yaml.safe_load((ROOT / 'docker' / 'compose.yaml').read_text())
    service = content['services']['unihpe']
    assert (service['ipc'], service['network_mode']) == ('host', 'host')
    assert (ROOT / service['build']['dockerfile']).is_file()


def test_entrypoint_and_devcontainer_can_be_read():
    script = ROOT / 'docker' / 'entrypoint.sh'
    assert script.stat().st_mode & 0o111
    subprocess.run(['sh', '-n', script], check=True)
    content = json.loads((ROOT / '.devcontainer' / 'devcontainer.json').read_text())
    assert content['image'].count(':') == 1
    assert content['postCreateCommand'] == 'make venv'


def test_constraints_keep_numpy_1():
    lines = (ROOT / 'config' / 'pip' / 'humble.txt').read_text().splitlines()
    names = {re.split(r'[<=>]', line)[0] for line in lines if not line.startswith('#')}
    assert 'numpy<2' in lines
    assert {'numpy', 'scipy', 'onnxruntime', 'opencv-python-headless'} == names
