"""
Make a 1920x1080 film of one person, for measuring what `unihpe run` takes for it.

    PYTHONPATH=. python experiments/one_person_film.py walk.mp4 --seconds 60
    unihpe run walk.mp4 --out people.csv --video out.mp4

One of the people of the demo recording is cut out of each image and put before a plain wall; the
film runs forwards and backwards until it is long enough.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.resources import find_resource
from unihpe_ros.visualisation.video import VideoFile

RATE, SIZE = 30.0, (1920, 1080)
# Around the keypoints, as a share of the person's size.
MARGIN = 0.15


def main() -> None:
    """Write the film."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('out', type=Path)
    parser.add_argument('--seconds', type=float, default=60.0)
    args = parser.parse_args()
    images = one_person()
    order = [*images, *images[-2:0:-1]]
    with VideoFile(args.out, RATE) as video:
        for number in range(round(args.seconds * RATE)):
            image = order[number % len(order)]
            video.write(cv2.resize(image, SIZE, interpolation=cv2.INTER_CUBIC))


def one_person() -> list[NDArray[np.uint8]]:
    """Return images of 640x360 px of whoever of the recording is seen most often."""
    recording = BagReader(find_resource('resource/demo/people'))
    truth = recording.truth() or {}
    counts = Counter(i for poses in truth.values() for i in poses.track_ids.tolist())
    person = counts.most_common(1)[0][0]
    noise = np.random.default_rng(0).integers(120, 136, (60, 80, 3), np.uint8)
    wall = cv2.resize(noise, (640, 480))
    images = []
    for stamp, image in recording.frames():
        poses = truth.get(stamp)
        if poses is None or person not in poses.track_ids:
            continue
        points = poses.keypoints_2d[poses.track_ids.tolist().index(person)]
        low, high = np.nanmin(points, axis=0), np.nanmax(points, axis=0)
        margin = MARGIN * np.max(high - low)
        x0, y0 = np.clip(low - margin, 0, (640, 480)).astype(int)
        x1, y1 = np.clip(high + margin, 0, (640, 480)).astype(int)
        alone = wall.copy()
        alone[y0:y1, x0:x1] = image[y0:y1, x0:x1]
        images.append(alone[60:420])
    return images


if __name__ == '__main__':
    main()
