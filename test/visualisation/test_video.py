"""Pictures and videos as files: whole, or one sentence and no file."""

import errno
import os
from pathlib import Path
import subprocess
import sys

import cv2
import numpy as np
import pytest
from unihpe_ros.visualisation.video import VideoFile, write_picture


def test_picture_that_finds_no_room_says_so_and_leaves_nothing(tmp_path, monkeypatch, capfd):
    def fill(self, content):
        self.touch()
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, 'write_bytes', fill)
    with pytest.raises(OSError, match=r'a\.png: cannot be written: No space left on device'):
        write_picture(tmp_path / 'a.png', np.zeros((8, 8, 3), np.uint8))
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ('', '')


FULL = """
from pathlib import Path
import resource, sys
import numpy as np
from unihpe_ros.visualisation.video import VideoFile
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
noise = np.random.default_rng(0).integers(0, 255, (240, 320, 3), np.uint8)
try:
    with VideoFile(Path(sys.argv[1]), 30.0) as video:
        for _ in range(20):
            video.write(noise)
except OSError as error:
    print(error)
"""


def test_pictures_of_other_sizes_are_fitted_into_the_first(tmp_path):
    with VideoFile(tmp_path / 'a.mp4', 10.0) as video:
        for shape in ((48, 64, 3), (96, 128, 3), (48, 32, 3), (1, 1, 3)):
            video.write(np.full(shape, 255, np.uint8))
    capture = cv2.VideoCapture(str(tmp_path / 'a.mp4'))
    images = [capture.read()[1] for _ in range(4)]
    assert [image.shape for image in images] == [(48, 64, 3)] * 4
    assert images[1].min() > 200
    # Half as wide: black on both sides.
    assert images[2][24, 32].min() > 200
    assert images[2][:, [3, 60]].max() < 60


def test_video_that_finds_no_room_says_so_once_and_leaves_nothing(tmp_path):
    # Any file of this process ends at 20 kB, as on a disk that is full.
    command = [sys.executable, '-c', FULL, tmp_path / 'a.mp4']
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == f'{tmp_path}/a.mp4: cannot be written whole; is the disk full?\n'
    assert done.stderr == ''
    assert list(tmp_path.iterdir()) == []
