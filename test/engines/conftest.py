"""Fixtures of tests that build engines: a tiny model, and a cache of its own."""

from pathlib import Path

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
