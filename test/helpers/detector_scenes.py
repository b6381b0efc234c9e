"""Scenes with painted people, to train a tiny detector on."""

import json

import cv2
import numpy as np
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.scene_augment import LabelledPicture

SIZE = (128, 96)


def painted(rng, people=2):
    """Draw people: bright ellipses with a dark head on a noisy ground, each in a column."""
    image = rng.integers(60, 120, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    boxes = []
    for column in range(people):
        w, h = rng.integers(14, 40), rng.integers(30, 80)
        x = int(rng.integers(column * 64, column * 64 + 64 - w))
        y = int(rng.integers(0, SIZE[1] - h))
        cv2.ellipse(image, (x + w // 2, y + h // 2), (w // 2, h // 2), 0, 0, 360, (250,) * 3, -1)
        boxes.append([x, y, x + w // 2 * 2, y + h // 2 * 2])
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return LabelledPicture(image, boxes, np.ones(len(boxes), np.float32))


def write_scenes(folder, rng, count):
    """Write painted people as `unihpe render --scenes` writes rendered ones."""
    folder.mkdir()
    pictures = [painted(rng, number % 3) for number in range(count)]
    jpegs = [cv2.imencode('.jpg', picture.image)[1].tobytes() for picture in pictures]
    boxes = np.concatenate([picture.boxes for picture in pictures])
    n, k = len(boxes), len(UNION)
    people = {
        'boxes': boxes,
        'share_visible': np.ones(n, np.float32),
        'keypoints_2d': np.zeros((n, k, 2), np.float32),
        'keypoints_3d': np.zeros((n, k, 3), np.float32),
        'visibility': np.zeros((n, k), np.uint8),
        'hider': np.zeros((n, k), np.uint8),
        'height': np.ones(n, np.float32),
        **{name: np.zeros(n, np.int32) for name in ('clip', 'frame', 'shape')},
    }
    (folder / 'shard_00000.jpegs').write_bytes(b''.join(jpegs))
    np.savez(
        folder / 'shard_00000.npz',
        offsets=np.cumsum([0, *map(len, jpegs)]),
        first=np.cumsum([0, *(len(picture.boxes) for picture in pictures)]),
        K=np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
        distortion=np.zeros((count, 5), np.float32),
        mask_runs=np.zeros(0, np.uint32),
        mask_first=np.zeros(n + 1, np.int64),
        **people,
    )
    manifest = {
        'format': 2,
        'kind': 'scenes',
        'keypoints': list(UNION.keypoints),
        'size': list(SIZE),
        'stored_size': list(SIZE),
    }
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    return folder
