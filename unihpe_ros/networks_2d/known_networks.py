"""List of networks that are known to work, with licences and addresses of their makers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KnownNetwork:
    """
    One network, or one row of sizes of it.

    Parameters
    ----------
    name : str
        What its makers call it.
    family : str
        How its answer is read.
    keypoints : str
        Keypoint sets that it comes in.
    licence : str
        Of its weights, as its makers state it; look there before you ship a product.
    published : str
        Where they are.
    settle : str
        What must be set with `unihpe models add`.

    """

    name: str
    family: str
    keypoints: str
    licence: str
    published: str
    settle: str = ''


_MMPOSE = 'github.com/open-mmlab/mmpose'
KNOWN = (
    KnownNetwork(
        'RTMPose t, s, m, l, x',
        'SimCC',
        'coco17, halpe26, coco133',
        'Apache-2.0',
        f'{_MMPOSE}, projects/rtmpose',
    ),
    KnownNetwork('RTMO s, m, l', 'RTMO', 'coco17', 'Apache-2.0', f'{_MMPOSE}, projects/rtmo'),
    KnownNetwork(
        'HRNet w32, w48',
        'heatmaps',
        'coco17',
        'MIT',
        'github.com/leoxiaobin/deep-high-resolution-net.pytorch',
    ),
    KnownNetwork(
        'SimpleBaseline',
        'heatmaps',
        'coco17',
        'MIT',
        'github.com/microsoft/human-pose-estimation.pytorch',
    ),
    KnownNetwork(
        'ViTPose s, b, l, h',
        'heatmaps',
        'coco17, coco133',
        'Apache-2.0',
        'github.com/ViTAE-Transformer/ViTPose',
        '--set heatmap_grid=corners',
    ),
    KnownNetwork(
        'YOLOv8-pose, YOLO11-pose',
        'YOLO-pose',
        'coco17',
        'AGPL-3.0',
        'github.com/ultralytics/ultralytics',
    ),
    KnownNetwork(
        'MoveNet Lightning, Thunder',
        'MoveNet SinglePose',
        'coco17',
        'Apache-2.0',
        'www.kaggle.com/models/google/movenet',
    ),
    KnownNetwork(
        'MoveNet MultiPose',
        'MoveNet MultiPose',
        'coco17',
        'Apache-2.0',
        'www.kaggle.com/models/google/movenet',
    ),
)
