"""
What `tune_malloc` gains: page faults and CPU time of an image's way through rclpy and the decoder.

    PYTHONPATH=. python experiments/malloc.py

"""

from __future__ import annotations

import argparse
from array import array
import resource
import subprocess
import sys

from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import Image
from unihpe_ros.ros.images import decode_image
from unihpe_ros.ros.malloc import keep_image_buffers

SIZES = ((640, 480), (1280, 720), (1920, 1080))
WARM_UP = 5


def main() -> None:
    """Print a table: each size, without and with it, each in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rounds', type=int, default=60)
    parser.add_argument('--only', choices=('off', 'on'), help='in this process')
    args = parser.parse_args()
    if args.only:
        if args.only == 'on':
            keep_image_buffers()
        for size in SIZES:
            faults, seconds = measured(size, args.rounds)
            print(f'| {size[0]}x{size[1]} | {args.only} | {faults:.0f} | {1e3 * seconds:.2f} |')
        return
    print('| rgb8 | tune_malloc | page faults an image | CPU ms an image |\n|---|---|---|---|')
    for which in ('off', 'on'):
        command = [sys.executable, __file__, '--only', which, '--rounds', str(args.rounds)]
        print(subprocess.run(command, check=True, capture_output=True, text=True).stdout, end='')


def measured(size: tuple[int, int], rounds: int) -> tuple[float, float]:
    """Return page faults and seconds of the processor for an image."""
    width, height = size
    pixels = array('B', bytes(3 * width * height))
    msg = Image(width=width, height=height, encoding='rgb8', step=3 * width, data=pixels)
    data = serialize_message(msg)
    for _ in range(WARM_UP):
        take(data)
    before = resource.getrusage(resource.RUSAGE_SELF)
    for _ in range(rounds):
        take(data)
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return (after.ru_minflt - before.ru_minflt) / (2 * rounds), seconds / (2 * rounds)


def take(data: bytes) -> None:
    """Receive an image as the node does: one is decoded while the next one comes."""
    first, second = (deserialize_message(bytes(bytearray(data)), Image) for _ in range(2))
    decode_image(first)
    decode_image(second)


if __name__ == '__main__':
    main()
