"""Engines that are built once and kept, and what spoils one that was kept."""

import errno
import json
import os
from pathlib import Path

from engine_builds import Gpu
import pytest
from tiny_model import tiny_spec
from unihpe_ros.cli.main import main
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cache import cache_folder, ensure_engine

pytestmark = pytest.mark.slow

RTX = 'tensorrt-rtx'


# The cache.


def test_engine_is_built_once_and_kept(lifting_file: Path, cache: Path) -> None:
    assert cache_folder() == cache
    first = ensure_engine(lifting_file, Gpu(), runtime=RTX)
    stamp = first.plan.stat().st_mtime_ns
    second = ensure_engine(lifting_file, Gpu(), runtime=RTX)
    assert first.notes == second.notes == ()
    assert second.plan.stat().st_mtime_ns == stamp
    assert second.spec == tiny_spec(branch='lifting')
    other = ensure_engine(lifting_file, Gpu(), runtime=RTX, max_people=3)
    assert other.plan != second.plan


def test_engine_built_ahead_of_time_serves_any_gpu_of_its_sm(
    lifting_file: Path, cache: Path
) -> None:
    assert main(['build-engine', str(lifting_file), '--sm', '8.9']) == 0
    stamps = {path: path.stat().st_mtime_ns for path in cache.iterdir()}
    found = ensure_engine(lifting_file, Gpu('Some GPU'), runtime=RTX)
    assert found.notes == ()
    assert {path: path.stat().st_mtime_ns for path in cache.iterdir()} == stamps


def spoil_description(plan: Path, **changes: object) -> None:
    path = plan.with_suffix('.json')
    about = json.loads(path.read_text())
    about['key'].update(changes)
    path.write_text(json.dumps(about))


SPOILS = {
    'other gpu': (
        lambda plan: spoil_description(plan, gpu='Other GPU'),
        "built for gpu 'Other GPU', here it is 'Fake GPU'",
    ),
    'other sm': (lambda plan: spoil_description(plan, sm='8.6'), "built for sm '8.6', here it is"),
    'other version': (
        lambda plan: spoil_description(plan, version='1.0'),
        "built for version '1.0', here it is '1.7",
    ),
    'other model': (
        lambda plan: spoil_description(plan, model='0' * 64),
        'it was built from another model',
    ),
    'older recipe': (lambda plan: spoil_description(plan, recipe=0), 'built for recipe 0, here'),
    'truncated': (
        lambda plan: plan.write_bytes(plan.read_bytes()[:-100]),
        'it is truncated: expected ',
    ),
    'changed': (
        lambda plan: plan.write_bytes(plan.read_bytes()[:-1] + b'?'),
        'its content has changed since it was built',
    ),
    'no description': (
        lambda plan: plan.with_suffix('.json').unlink(),
        'is unreadable',
    ),
    'broken description': (
        lambda plan: plan.with_suffix('.json').write_text('{"key": {}}'),
        'is unreadable',
    ),
}


@pytest.mark.parametrize('how', SPOILS)
def test_engine_that_does_not_fit_is_named_and_built_anew(
    how: str, lifting_file: Path, cache: Path
) -> None:
    spoil, reason = SPOILS[how]
    plan = ensure_engine(lifting_file, Gpu(), runtime=RTX).plan
    compiled = plan.with_suffix('.runtime_cache')
    compiled.write_bytes(b'of the old one')
    spoil(plan)
    again = ensure_engine(lifting_file, Gpu(), runtime=RTX)
    assert len(again.notes) == 1
    assert again.notes[0].startswith(f'engine built anew: {plan}: ')
    assert reason in again.notes[0]
    assert not compiled.exists()
    assert ensure_engine(lifting_file, Gpu(), runtime=RTX).notes == ()


def test_failed_build_leaves_nothing(tmp_path: Path, cache: Path) -> None:
    broken = tmp_path / 'broken.lifting.onnx'
    broken.write_bytes(b'not a model at all')
    with pytest.raises(EngineError, match='expected an ONNX model'):
        ensure_engine(broken, Gpu(), runtime=RTX)
    assert not cache.exists()


def test_cache_that_cannot_be_written_is_named(
    lifting_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / 'file').write_text('in the way')
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'file'))
    with pytest.raises(EngineError, match=r'\.plan: expected a folder to write to'):
        ensure_engine(lifting_file, Gpu(), runtime=RTX)


def test_disk_that_is_full_leaves_nothing_behind(
    lifting_file: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Path.write_bytes

    def fill(path: Path, content: bytes) -> int:
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    with monkeypatch.context() as patch:
        patch.setattr(Path, 'write_bytes', fill)
        with pytest.raises(EngineError, match=r'\.plan: expected .*No space left on device'):
            ensure_engine(lifting_file, Gpu(), runtime=RTX)
    assert list(cache.iterdir()) == []
    assert ensure_engine(lifting_file, Gpu(), runtime=RTX).plan.is_file()
