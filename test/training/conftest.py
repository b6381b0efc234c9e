"""Fixtures of tests of training."""

import pytest


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the detector so small that it learns in seconds."""
    # PyTorch is loaded where it is needed alone.
    from detector_scenes import SIZE
    from unihpe_ros.models.detector_network import DetectorPreset, DETECTORS

    preset = DetectorPreset(SIZE, (16, 16, 24, 32, 32), (1, 1, 1, 1), 24)
    monkeypatch.setitem(DETECTORS, 'unihpe_det', preset)
