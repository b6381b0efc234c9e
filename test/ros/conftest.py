"""Fixtures of tests of the node and its messages."""

import numpy as np
import pytest


@pytest.fixture
def picture() -> np.ndarray:
    """Smooth colours, so that subsampled chroma and mosaics lose little."""
    from image_messages import H, W

    y, x = np.mgrid[:H, :W]
    return np.stack([2 * x + 60, 3 * y + 40, x + 2 * y + 20], -1).astype(np.uint8)
