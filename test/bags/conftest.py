"""Fixtures of tests of recordings."""

from pathlib import Path

from bench_bags import data_file, write_bag
import pytest


@pytest.fixture(scope='module')
def mcap(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the file of a recording of eight images."""
    return data_file(write_bag(tmp_path_factory.mktemp('bags') / 'bag', 8))
