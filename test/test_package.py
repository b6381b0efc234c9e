"""package.xml, setup.py, CHANGELOG.rst and the files themselves tell the same story."""

import ast
from collections import Counter
from distutils.core import run_setup
from importlib.metadata import EntryPoint
from pathlib import Path
import re
import subprocess
import xml.etree.ElementTree as ElementTree

import pytest
import setuptools
from unihpe_ros import __version__
from unihpe_ros.core.resources import find_resource

ENTRY_POINTS = ['unihpe = unihpe_ros.cli.main:main', 'pose_estimator = unihpe_ros.ros.start:main']
# Rooms that know ROS.
ROS_ROOMS = ('ros', 'bags', 'node_trial')
# Folders that tell whose machine something was written on; /opt/ros and /opt/nvidia are common.
MACHINE_PATH = re.compile(r'(?<![\w.~$}])/(home|root|Users|work|mnt|opt(?!/(ros|nvidia)\b))/\w')


@pytest.fixture
def distribution(root, monkeypatch) -> setuptools.Distribution:
    """Return what setup.py says."""
    monkeypatch.chdir(root)
    return run_setup('setup.py', stop_after='init')


@pytest.fixture(scope='module')
def manifest(root) -> ElementTree.Element:
    """Return package.xml."""
    return ElementTree.parse(root / 'package.xml').getroot()


@pytest.fixture(scope='module')
def tracked(root) -> list[Path]:
    """Return the files that git tracks."""
    if not (root / '.git').exists():
        pytest.skip('not a git checkout: nothing says which files belong to the package')
    listed = subprocess.run(
        ['git', 'ls-files', '-z'], cwd=root, capture_output=True, text=True, check=True
    )
    return [Path(name) for name in listed.stdout.split('\0') if name and (root / name).is_file()]


def test_one_version_everywhere(root, distribution, manifest):
    released = re.search(r'^(\d+\.\d+\.\d+) \(', (root / 'CHANGELOG.rst').read_text(), re.M)
    assert released
    assert distribution.get_version() == __version__
    assert manifest.findtext('version') == __version__
    assert released.group(1) == __version__


def test_package_xml_repeats_setup_py(distribution, manifest):
    assert manifest.get('format') == '3'
    assert manifest.findtext('export/build_type') == 'ament_python'
    assert manifest.findtext('name') == distribution.get_name()
    assert manifest.findtext('description') == distribution.get_description()
    assert manifest.findtext('license') == distribution.get_license()
    assert manifest.find('maintainer').get('email') == distribution.get_maintainer_email()


def test_a_robot_installs_no_torch(distribution, manifest):
    for name in ('torch', 'timm', 'anny', 'numba'):
        assert not any(need.startswith(name) for need in distribution.install_requires)
        assert not any(name in (need.text or '') for need in manifest.iter('exec_depend'))


def test_versions_of_one_thing_agree_between_extras(root, distribution):
    torch = {need for needs in distribution.extras_require.values() for need in needs}
    torch = {need for need in torch if re.match(r'torch(vision)?\b', need)}
    makefile = re.search(r'^TORCH := (.*)$', (root / 'Makefile').read_text(), re.M)
    assert makefile
    assert set(makefile.group(1).split()) == torch


def test_entry_points_are_the_two_commands(distribution):
    assert distribution.entry_points['console_scripts'] == ENTRY_POINTS


@pytest.mark.parametrize('line', ENTRY_POINTS)
def test_entry_points_can_be_called(line):
    name, _, target = line.partition(' = ')
    assert callable(EntryPoint(name, target, 'console_scripts').load())


def test_every_module_is_in_a_listed_package(root, distribution):
    folders = {path.parent for path in (root / 'unihpe_ros').rglob('*.py')}
    named = {'.'.join(folder.relative_to(root).parts) for folder in folders}
    assert named == set(distribution.packages)


def test_every_shared_file_is_installed_where_find_resource_looks(tracked, root, distribution):
    installed = {
        (Path(target) / Path(source).name).as_posix(): source
        for target, sources in distribution.data_files
        for source in sources
    }
    marker = 'share/ament_index/resource_index/packages/unihpe_ros'
    assert installed.pop(marker) == 'resource/unihpe_ros'
    assert (root / 'resource/unihpe_ros').read_bytes() == b''
    for path in tracked:
        if path.parts[0] in ('config', 'launch', 'resource') and path.name != 'unihpe_ros':
            assert installed[f'share/unihpe_ros/{path.as_posix()}'] == str(path)
            assert find_resource(path.as_posix()) == root / path


def test_parameters_and_launch_file_ship(distribution):
    shipped = {source for _, sources in distribution.data_files for source in sources}
    assert {'config/pose.yaml', 'launch/pose.launch.py', 'package.xml'} <= shipped


def test_no_path_of_somebodys_machine(tracked, root):
    found = []
    for path in tracked:
        content = (root / path).read_bytes()
        if b'\0' not in content[:8192]:
            found += [f'{path}: {m.group()}' for m in MACHINE_PATH.finditer(content.decode())]
    assert found == []


def test_package_xml_names_what_the_node_imports(tracked, root, manifest):
    source = '\n'.join(
        (root / path).read_text()
        for path in tracked
        if path.suffix == '.py'
        and path.parts[:1] == ('unihpe_ros',)
        and path.parts[1] in ROS_ROOMS
    )
    messages = set(re.findall(r'\b(\w+_(?:msgs|srvs|interfaces))\.(?:msg|srv)\b', source))
    assert {'sensor_msgs', 'rcl_interfaces'} <= messages
    named = {need.text for need in manifest.iter('exec_depend')}
    # Looked for at run time; few robots speak ROS4HRI or have social layers.
    assert messages - named == {'hri_msgs', 'people_msgs'}


def test_a_class_name_means_one_class(root):
    names = Counter(
        node.name
        for path in (root / 'unihpe_ros').rglob('*.py')
        for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
        if isinstance(node, ast.ClassDef)
    )
    assert 'Poses' in names
    assert [name for name, count in names.items() if count > 1] == []
