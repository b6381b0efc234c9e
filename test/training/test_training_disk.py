"""A checkpoint that does not fit on the disk."""

import pytest
import torch
from unihpe_ros.training.run import write_state


def test_a_checkpoint_that_does_not_fit_is_told_and_the_older_one_stays(tmp_path, monkeypatch):
    path = tmp_path / 'last.pt'
    path.write_text('old')

    def break_off(state, file):
        file.write_bytes(b'half')
        raise RuntimeError('[enforce fail at inline_container.cc:672] . unexpected pos 576 vs 534')

    monkeypatch.setattr(torch, 'save', break_off)
    with pytest.raises(OSError, match=r'last\.pt: cannot be written whole; is the disk full\?'):
        write_state(path, {})
    assert path.read_text() == 'old'
    assert list(tmp_path.iterdir()) == [path]
