"""The number of threads follows what a container may use."""

import pytest
from unihpe_ros.engines import threads


@pytest.mark.parametrize(
    ('text', 'cores'),
    [('100000 100000', 1), ('150000 100000', 2), ('50000 100000', 1), ('max 100000', 8),
     ('', 8), ('0 0', 8), ('nonsense', 8)],
)  # fmt: skip
def test_a_share_of_the_processor_counts_as_whole_cores(monkeypatch, tmp_path, text, cores):
    quota = tmp_path / 'cpu.max'
    quota.write_text(text)
    monkeypatch.setattr(threads, '_QUOTA', quota)
    monkeypatch.setattr(threads.os, 'sched_getaffinity', lambda _: set(range(8)), raising=False)
    assert threads.usable_cores() == cores


def test_cores_that_are_taken_away_count(monkeypatch, tmp_path):
    monkeypatch.setattr(threads, '_QUOTA', tmp_path / 'missing')
    monkeypatch.setattr(threads, '_OLD_QUOTA', tmp_path / 'missing')
    monkeypatch.setattr(threads.os, 'sched_getaffinity', lambda _: {3}, raising=False)
    assert threads.usable_cores() == 1
    assert threads.choose_threads(0) == 1
    assert threads.choose_threads(3) == 3
