"""Fixtures of tests of benchmarks on recordings."""

from pathlib import Path

from bench_runs import write_folder
from made_up_reports import bag_result, report_of
import pytest
from unihpe_ros.bench.recordings.bench_report import BenchReport


@pytest.fixture(scope='module')
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with recordings and tiny models."""
    return write_folder(tmp_path_factory.mktemp('bench'))


@pytest.fixture(scope='module')
def report() -> BenchReport:
    """Return the report of one model on two recordings."""
    return report_of([bag_result('one'), bag_result('two', 40)])
