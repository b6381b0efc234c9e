from pathlib import Path
import shutil
import subprocess
import sys

import pytest
from unihpe_ros.core import resources
from unihpe_ros.core.resources import find_model_files, find_resource


def install(prefix: Path, library: str) -> Path:
    """Lay the module and one file out as an installer does; return the module's folder."""
    package = prefix / library / 'unihpe_ros'
    (package / 'core').mkdir(parents=True)
    shutil.copy(resources.__file__, package / 'core')
    (package / '__init__.py').touch()
    (package / 'core/__init__.py').touch()
    (prefix / 'share/unihpe_ros/config').mkdir(parents=True)
    (prefix / 'share/unihpe_ros/config/a.yaml').touch()
    return package.parent


def found_from(library: Path, **env: str) -> str:
    program = 'from unihpe_ros.core.resources import *; print(find_resource("config/a.yaml"))'
    done = subprocess.run(
        [sys.executable, '-c', program],
        env={'PYTHONPATH': str(library), **env},
        cwd=library,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def test_a_checkout_is_its_own_resource_folder(root):
    assert find_resource('package.xml') == root / 'package.xml'
    assert find_resource('resource').is_dir()


@pytest.mark.parametrize(
    'library', ['lib/python3.10/site-packages', 'local/lib/python3.10/dist-packages']
)
def test_an_installation_is_found_from_the_module(tmp_path, library):
    folder = install(tmp_path, library)
    assert found_from(folder) == str(tmp_path / 'share/unihpe_ros/config/a.yaml')


def test_ament_prefixes_are_searched_in_order(tmp_path):
    folder = install(tmp_path / 'elsewhere', 'deep/er/lib/python3.10/site-packages')
    install(tmp_path / 'overlay', 'lib/python3.10/site-packages')
    prefixes = f'{tmp_path / "none"}:{tmp_path / "overlay"}:{tmp_path / "elsewhere"}'
    expected = tmp_path / 'overlay/share/unihpe_ros/config/a.yaml'
    assert found_from(folder, AMENT_PREFIX_PATH=prefixes) == str(expected)


def test_model_is_found_by_name_by_prefix_and_by_any_file(root):
    branches, folder = ('image', 'lifting'), root / 'resource/models'
    files = {branch: folder / f'unihpe_rt.{branch}.onnx' for branch in branches}
    for model in ('unihpe_rt', folder / 'unihpe_rt', *files.values()):
        assert find_model_files(model, branches) == files
    assert find_model_files('unihpe_det', ('',)) == {'': folder / 'unihpe_det.onnx'}
    with pytest.raises(FileNotFoundError, match=r'^nosuch\.onnx, \S+resource/models/nosuch\.onnx'):
        find_model_files('nosuch', ('',))


def test_what_is_nowhere_says_where_it_was_looked_for(root, monkeypatch):
    monkeypatch.setenv('AMENT_PREFIX_PATH', '/opt/ros/overlay')
    with pytest.raises(FileNotFoundError, match=r'config/none\.yaml: expected among') as caught:
        find_resource('config/none.yaml')
    assert str(root / 'config/none.yaml') in str(caught.value)
    assert '/opt/ros/overlay/share/unihpe_ros/config/none.yaml' in str(caught.value)
