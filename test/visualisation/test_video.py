"""Pictures and videos as files: whole, or one sentence and no file."""

import errno
import os
from pathlib import Path

import numpy as np
import pytest
from unihpe_ros.visualisation.video import write_picture


def test_picture_that_finds_no_room_says_so_and_leaves_nothing(tmp_path, monkeypatch, capfd):
    def fill(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, 'write_bytes', fill)
    with pytest.raises(OSError, match=r'a\.png: cannot be written: No space left on device'):
        write_picture(tmp_path / 'a.png', np.zeros((8, 8, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ('', '')
