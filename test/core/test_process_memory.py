"""Resident memory of a process."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
from unihpe_ros.core.process_memory import resident_mb

pytestmark = pytest.mark.skipif(not Path('/proc/self').is_dir(), reason='needs the /proc of Linux')


def test_an_array_that_is_written_to_is_resident():
    before = resident_mb()
    held = np.ones(8_000_000)
    assert resident_mb() - before > 40
    assert held.nbytes == 64_000_000


def test_a_process_is_named_by_its_number():
    assert resident_mb(os.getpid()) == pytest.approx(resident_mb(), rel=0.1)


def test_memory_of_no_process_is_unknown():
    # Numbers of processes end below 2**22.
    assert math.isnan(resident_mb(2**22 + 1))
