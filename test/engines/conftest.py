"""Fixtures of tests of engines: a tiny model, a cache of its own, kernels on the host."""

from collections.abc import Callable
from pathlib import Path

from host_gpu import compile_kernels
import pytest
from tiny_model import write_tiny_model


@pytest.fixture(scope='module')
def lifting_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the lifting branch of a tiny model."""
    prefix = write_tiny_model(tmp_path_factory.mktemp('model'))
    return prefix.with_name('tiny.lifting.onnx')


@pytest.fixture
def cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Return the folder where engines are kept; it is not made yet."""
    monkeypatch.setenv('UNIHPE_ENGINE_CACHE', str(tmp_path / 'engines'))
    return tmp_path / 'engines'


@pytest.fixture(scope='session')
def functions(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Callable[..., None]]:
    """Return the CUDA kernels compiled for the host."""
    return compile_kernels(tmp_path_factory.mktemp('kernels'))
