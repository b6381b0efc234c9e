"""Cameras that write one stamp into all images."""

import pytest
from unihpe_ros.core.repeated_stamps import RepeatedStamps


@pytest.mark.parametrize(
    ('stamps', 'useless'),
    [
        ([1.0] * 8, [False] * 5 + [True] * 3),
        # Sent twice.
        ([1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0, 4.0], [False] * 8),
        ([0.0] * 8, [False] * 8),
        ([1.0] * 6 + [2.0, 3.0], [False] * 5 + [True, False, False]),
    ],
)
def test_a_stamp_that_stays_is_useless(stamps, useless):
    repeated = RepeatedStamps()
    assert [repeated.note(stamp) for stamp in stamps] == useless
