"""
Follows people through a webcam's images, or a video's, and prints where they are.

    python examples/webcam_loop.py 0
    python examples/webcam_loop.py film.mp4

"""

from collections.abc import Iterator
from contextlib import suppress
import sys
import time

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros import PoseEstimator


def frames(source: str) -> Iterator[tuple[float, NDArray[np.uint8]]]:
    """Yield the time, s, and the image of each frame until there are no more."""
    is_camera = source.isdigit()
    capture = cv2.VideoCapture(int(source) if is_camera else source)
    if not capture.isOpened():
        sys.exit(f'{source}: expected the number of a camera or a video')
    rate = capture.get(cv2.CAP_PROP_FPS) or 30.0
    count = 0
    while True:
        there, image = capture.read()
        if not there:
            return
        # The tracker needs the time between images: a film has its own.
        yield (time.monotonic() if is_camera else count / rate), image
        count += 1


def main(source: str) -> None:
    """Print a line for each person in each image."""
    estimator = PoseEstimator()
    for stamp, image in frames(source):
        poses = estimator.estimate(image, None, stamp)
        pelvis = poses.skeleton.index('pelvis')
        for person, points in zip(poses.track_ids, poses.keypoints_2d, strict=True):
            x, y = points[pelvis]
            print(f'{stamp:8.2f} s  person {person}  pelvis at {x:.0f} {y:.0f} px')
    estimator.close()


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with suppress(KeyboardInterrupt):
        main(sys.argv[1])
