"""What is written appears whole or not at all."""

import os
from pathlib import Path

import pytest
from unihpe_ros.core.files import replacing, write_whole


def test_a_file_appears_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'figure.png'
    with replacing(path) as partial:
        partial.write_text('new')
        assert (partial.parent, partial.suffix) == (path.parent, '.png')
        assert not path.exists()
    assert path.read_text() == 'new'
    assert list(path.parent.iterdir()) == [path]


def test_the_older_file_stays_after_an_error(tmp_path):
    path = tmp_path / 'report.json'
    path.write_text('old')

    def break_off() -> None:
        with replacing(path) as partial:
            partial.write_text('half')
            assert path.read_text() == 'old'
            raise RuntimeError('no power')

    with pytest.raises(RuntimeError, match='no power'):
        break_off()
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_is_left_where_the_file_cannot_be_placed(tmp_path):
    path = tmp_path / 'report.json'
    path.mkdir()
    with pytest.raises(OSError, match=r'report\.json'):
        write_whole(path, 'text')
    assert list(tmp_path.iterdir()) == [path]


def test_two_processes_do_not_share_a_place(tmp_path, monkeypatch):
    def place(pid: int) -> Path:
        monkeypatch.setattr(os, 'getpid', lambda: pid)
        with replacing(tmp_path / 'plan') as partial:
            partial.touch()
            return partial

    assert place(1) != place(2)


@pytest.mark.parametrize(('content', 'stored'), [('grüß\n', 'grüß\n'.encode()), (b'\0', b'\0')])
def test_text_and_bytes_are_written(tmp_path, content, stored):
    write_whole(tmp_path / 'file', content)
    assert (tmp_path / 'file').read_bytes() == stored
