"""Thousands of broken messages beside the images: each is used or told, and none costs much."""

from array import array
import os
import struct
import time
import tracemalloc

import cv2
import numpy as np
import pytest
from ros_fixtures import camera_info, Logger
from sensor_msgs.msg import CompressedImage, Image
from unihpe_ros.ros.auxiliary_inputs import AuxiliaryInputs
from unihpe_ros.ros.camera_log import CameraLog
from unihpe_ros.ros.parameters import Parameters

# More in an environment variable, for a longer search.
COUNT = int(os.environ.get('UNIHPE_FUZZED_MESSAGES', '3000'))
SIZE = (64, 48)
WHOLE = [0, 1, 47, 48, 64, 65, 128, 32767, 2**31 - 1, 2**32 - 1]
ENCODINGS = ['16UC1', '32FC1', 'mono16', 'mono8', '', 'x' * 900, '32FC1\0', '16uc1']
FORMATS = ['16UC1; compressedDepth png', '32FC1; compressedDepth rvl', '', 'jpeg', 'é' * 300]


def raw_depth(rng: np.random.Generator) -> Image:
    encoding = ENCODINGS[rng.integers(len(ENCODINGS))]
    step = 4 if encoding == '32FC1' else 2
    msg = Image(width=64, height=48, encoding=encoding, step=64 * step)
    data = rng.integers(0, 256, rng.choice([0, 1, 64 * 48 * step, 64 * 48 * step + 9]), np.uint8)
    msg.data = array('B', data.tobytes())
    msg.is_bigendian = bool(rng.integers(2))
    for field in ('width', 'height', 'step'):
        if rng.random() < 0.2:
            setattr(msg, field, WHOLE[rng.integers(len(WHOLE))])
    return msg


def packed_depth(rng: np.random.Generator) -> CompressedImage:
    depth = rng.integers(0, 9000, (48, 64)).astype(np.uint16)
    data = struct.pack('<iff', *rng.integers(0, 9, 3)) + cv2.imencode('.png', depth)[1].tobytes()
    damaged = np.frombuffer(data, np.uint8)[: rng.integers(0, len(data) + 1)].copy()
    if rng.random() < 0.5:
        damaged = np.frombuffer(data, np.uint8).copy()
    hits = rng.integers(0, max(len(damaged), 1), rng.integers(0, 4))
    if len(damaged):
        damaged[hits] = rng.integers(0, 256, len(hits))
    name = FORMATS[rng.integers(len(FORMATS))]
    return CompressedImage(format=name, data=array('B', damaged.tobytes()))


@pytest.mark.filterwarnings('ignore::RuntimeWarning')
def test_depth_of_any_kind_is_used_or_told(rng, monkeypatch):
    auxiliary = AuxiliaryInputs(rectified=False, log=CameraLog(Logger()))
    told: list[str] = []
    monkeypatch.setattr(auxiliary, '_warn', told.append)
    used = 0
    tracemalloc.start()
    for number in range(COUNT):
        msg = raw_depth(rng) if number % 2 else packed_depth(rng)
        auxiliary.depths.put(1.0, msg)
        before = len(told)
        depth = auxiliary.depth_of(1.0, time.monotonic(), SIZE, Parameters())
        auxiliary.depths.clear()
        assert (depth is None) == (len(told) > before)
        if depth is not None:
            used += 1
            assert (depth.shape, depth.dtype) == ((48, 64), np.float32)
    assert tracemalloc.get_traced_memory()[1] < 2**26
    tracemalloc.stop()
    assert COUNT / 20 < used < COUNT
    assert max(map(len, told)) < 2000


def test_camera_info_that_changes_with_every_image_is_used_or_told(rng):
    logger = Logger()
    auxiliary = AuxiliaryInputs(rectified=False, log=CameraLog(logger))
    used = 0
    for _ in range(COUNT // 2):
        msg = camera_info(focal=float(rng.uniform(0, 300)))
        for field in ('width', 'height', 'binning_x'):
            if rng.random() < 0.2:
                setattr(msg, field, WHOLE[rng.integers(len(WHOLE))])
        calibration = auxiliary.cameras.update(msg)
        camera = auxiliary.camera_of(SIZE)
        if camera is not None:
            used += 1
            assert (camera.width, camera.height) == SIZE
        else:
            assert calibration.camera is None or auxiliary.calibration.startswith('it is of ')
    assert 0 < used < COUNT / 2
    # However many kinds there are, the log is not flooded.
    assert len(logger.lines) < 40
