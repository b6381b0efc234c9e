"""Predictions and the truth of a few records."""

import numpy as np
from unihpe_ros.core import simcc
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.evaluation.predictions import Predictions


def predictions_of(poses, truth, **changes):
    count = len(truth)
    pixels = np.full((count, 26, 2), np.nan)
    values = {
        'poses': {'fused': poses},
        'truth': truth,
        'keypoints': pixels,
        'scores': np.ones((count, 26)),
        'truth_2d': pixels,
        'inside': np.ones((count, 26), bool),
        'agreement': np.linspace(0, 1, count),
        'embeddings': {},
        'groups': [''] * count,
        'areas': np.full(count, np.nan),
        'images': [f'{row}.jpg' for row in range(count)],
        'boxes': np.tile([0.0, 0.0, 50.0, 100.0], (count, 1)),
        'rows': np.arange(count),
        'skipped': 0,
        **changes,
    }
    return Predictions(**values)


def truth_of(count, seed=0):
    truth = np.random.default_rng(seed).normal(0, 0.3, (count, 26, 3))
    return truth - truth[:, UNION.index('pelvis')][:, None]


class Oracle:
    """Finds the true 2D in the image, and remembers what it was asked to lift."""

    size, simcc_ratio, width, padding = (144, 192), 2.0, 4, 1.25

    def __init__(self, records):
        self.crops = [crop_record(record, self.size) for record in records]
        self.lifted = []

    def encode_image(self, images):
        keypoints = np.nan_to_num(np.stack([crop.keypoints for crop in self.crops]))
        logits = [
            np.log(simcc.encode(keypoints[..., axis], 2 * self.size[axis], 2.0, 3.0) + 1e-9)
            for axis in (0, 1)
        ]
        count = len(images)
        return {
            'simcc_x': logits[0].astype(np.float32),
            'simcc_y': logits[1].astype(np.float32),
            'visibility': np.full((count, 26), 9, np.float32),
            'feature': np.ones((count, 4), np.float32),
            'embedding': np.eye(2, dtype=np.float32)[[0] * count],
        }

    def lift(self, keypoints, feature):
        self.lifted.append(keypoints)
        poses = np.zeros((len(keypoints), 26, 3), np.float32)
        names = ('image_pose3d', 'lifted_pose3d', 'fused_pose3d')
        embedding = np.array([[1, 0], [0, 1], [-1, 0], [1, 0]], np.float32)[: len(keypoints)]
        return {**dict.fromkeys(names, poses), 'embedding': embedding}
