"""What is written appears whole or not at all."""

import errno
import os
from pathlib import Path
import subprocess
import sys

import numpy as np
import pytest
from unihpe_ros.core.files import replacing, replacing_folder, write_arrays, write_whole


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


@pytest.mark.parametrize('place', [replacing, replacing_folder])
@pytest.mark.parametrize('code', [errno.ENOSPC, errno.EFBIG])
def test_a_full_disk_is_told_with_the_file_that_was_asked_for(tmp_path, place, code):
    path = tmp_path / 'table.csv'

    def fill() -> None:
        with place(path):
            raise OSError(code, os.strerror(code))

    with pytest.raises(OSError, match=f'table.csv: cannot be written: {os.strerror(code)}'):
        fill()
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_another_file_keeps_its_name(tmp_path):
    def read() -> None:
        with replacing(tmp_path / 'table.csv'):
            (tmp_path / 'input.csv').read_text()

    with pytest.raises(FileNotFoundError, match=r'input\.csv'):
        read()


def test_what_a_killed_process_has_left_is_removed(tmp_path):
    path = tmp_path / 'walk.mp4'
    program = f"""
import os, signal
from pathlib import Path
from unihpe_ros.core.files import replacing
with replacing(Path({str(path)!r})) as partial:
    partial.write_text('half')
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, '-c', program], check=False)
    (left,) = tmp_path.iterdir()
    # Those of others are not touched: of another machine, of a process that lives.
    others = [tmp_path / '.walk.elsewhere-7.partial.mp4', tmp_path / left.name]
    others[1] = left.with_name(left.name.replace(left.name.split('-')[-1], '1.partial.mp4'))
    for other in others:
        other.touch()
    write_whole(path, 'whole')
    assert path.read_text() == 'whole'
    assert sorted(tmp_path.iterdir()) == sorted([path, *others])


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


@pytest.mark.parametrize('name', ['bank.npz', 'bank'])
def test_arrays_are_written_under_the_very_name(tmp_path, name):
    write_arrays(tmp_path / 'new' / name, rows=np.arange(3))
    with np.load(tmp_path / 'new' / name) as stored:
        assert stored['rows'].tolist() == [0, 1, 2]
    assert [path.name for path in (tmp_path / 'new').iterdir()] == [name]


def test_a_folder_takes_the_place_of_an_older_one_when_it_is_complete(tmp_path):
    path = tmp_path / 'new' / 'bag'
    for content in ('old', 'new'):
        with replacing_folder(path) as partial:
            assert partial.name == 'bag'
            assert not partial.exists()
            partial.mkdir()
            (partial / content).touch()
        assert [file.name for file in path.iterdir()] == [content]
    assert list(path.parent.iterdir()) == [path]


def test_the_older_folder_stays_after_an_error_and_left_overs_go(tmp_path):
    path = tmp_path / 'bag'
    path.mkdir()
    (path / 'old').touch()
    (tmp_path / '.bag.partial' / 'bag').mkdir(parents=True)

    def break_off() -> None:
        with replacing_folder(path) as partial:
            partial.mkdir()
            raise RuntimeError('no power')

    with pytest.raises(RuntimeError, match='no power'):
        break_off()
    assert list(tmp_path.iterdir()) == [path]
    assert (path / 'old').exists()
