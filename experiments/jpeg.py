"""
What it costs to decode a JPEG whole and reduced, and to cut one large person out of it.

    PYTHONPATH=. python experiments/jpeg.py

"""

from __future__ import annotations

import argparse
from array import array
import math
from time import perf_counter

import cv2
import numpy as np
from sensor_msgs.msg import CompressedImage
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.image_input import REDUCTIONS
from unihpe_ros.core.resources import find_resource
from unihpe_ros.ros.compressed import CompressedPicture
from unihpe_ros.ros.malloc import keep_image_buffers

SIZES = ((1280, 720), (1920, 1080))
CROP, PADDING = (144, 192), 1.25
QUALITY, GRAIN = 90, 5


def main() -> None:
    """Print a table: for each size and reduction the milliseconds of both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=50)
    keep_image_buffers()  # As the node does.
    rounds = parser.parse_args().rounds
    _, frame = next(iter(BagReader(find_resource('resource/demo/people')).frames()))
    print('| picture | reduced by | decode p50 ms (p10) | cut p50 ms (p10) |\n|---|---|---|---|')
    for size in SIZES:
        msg, crops = packed(frame, size), one_person(size)
        rows = [{n: measured(msg, crops, n) for n in REDUCTIONS} for _ in range(rounds)]
        for n in REDUCTIONS:
            both = np.array([row[n] for row in rows]) * 1e3
            cells = ' | '.join(
                f'{np.median(part):.2f} ({np.quantile(part, 0.1):.2f})' for part in both.T
            )
            print(f'| {size[0]}x{size[1]}, {len(msg.data) / 1e3:.0f} kB | {n} | {cells} |')


def packed(frame: np.ndarray, size: tuple[int, int]) -> CompressedImage:
    """Enlarge a picture, with the grain of a sensor, and make a JPEG of it."""
    large = cv2.resize(frame, size, interpolation=cv2.INTER_CUBIC)
    grain = np.random.default_rng(0).normal(0, GRAIN, large.shape)
    grainy = (large + grain).clip(0, 255).astype(np.uint8)
    _, data = cv2.imencode('.jpg', grainy, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])
    return CompressedImage(data=array('B', data.tobytes()))


def one_person(size: tuple[int, int]) -> Crops:
    """Aim at somebody who is as high as the picture."""
    width, height = size
    box = [0.5 * width - 0.2 * height, 0, 0.5 * width + 0.2 * height, height]
    camera = Camera.from_fov(width, height, math.radians(60))
    return Crops.aim(np.array([box], np.float32), camera, CROP, PADDING)[0]


def measured(msg: CompressedImage, crops: Crops, reduction: int) -> tuple[float, float]:
    """Return the seconds of decoding and of cutting."""
    begun = perf_counter()
    image = CompressedPicture(msg).decode(reduction)
    decoded = perf_counter()
    list(crops.reduced(reduction).cut(image))
    return decoded - begun, perf_counter() - decoded


if __name__ == '__main__':
    main()
