"""Image buffers are kept: no page of theirs is asked for again with every image."""

import ctypes
import subprocess
import sys

from unihpe_ros.ros import malloc

_FAULTS = """
import resource, sys
from unihpe_ros.ros.malloc import keep_image_buffers
if sys.argv[1] == 'kept':
    assert keep_image_buffers()
def image():
    # A message, a copy of its bytes, a decoded picture: three of 1920x1080.
    return [bytearray(6220800) for _ in range(3)]
for _ in range(3):
    image()
before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
for _ in range(20):
    image()
print(resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before)
"""


def faults(how: str) -> int:
    command = [sys.executable, '-c', _FAULTS, how]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_kept_buffers_cost_no_page_faults():
    # 4556 pages an image, 20 images.
    assert faults('kept') < 5000
    assert faults('plain') > 20000


def test_a_c_library_without_it_is_no_error(monkeypatch):
    monkeypatch.setattr(ctypes, 'CDLL', lambda name: object())
    assert malloc.keep_image_buffers() is False
