"""
Lifts the 2D keypoints of another network to 3D, and follows the people.

    python examples/bring_your_own_2d_network.py rtmpose.onnx coco17 film.mp4

The network is any ONNX file with SimCC outputs, such as RTMPose: crops (B, 3, h, w) in, `simcc_x`
and `simcc_y` out. Any other works as well: what counts is that `find` returns pixels and scores.
A network that shall take the whole place of ours derives from `unihpe_ros.PoseModel` instead.

"""

import math
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
import onnxruntime
from unihpe_ros import Camera, PersonDetector, PoseEstimator, SKELETONS

# Of ImageNet, RGB, as most networks have it.
MEAN, STD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
PADDING = 1.25  # How much larger than its box a crop is.


class SimccNetwork:
    """A 2D keypoint network in ONNX Runtime, one box at a time."""

    def __init__(self, path: str) -> None:
        self._session = onnxruntime.InferenceSession(path, providers=['CPUExecutionProvider'])
        self._input = self._session.get_inputs()[0].name
        self._size = tuple(self._session.get_inputs()[0].shape[:1:-1])  # (w, h) px

    def find(
        self, image: NDArray[np.uint8], box: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return ``(K, 2)`` keypoints, px of the image, and ``(K,)`` scores of one person."""
        (w, h), (x0, y0, x1, y1) = self._size, box
        scale = min(w / (x1 - x0), h / (y1 - y0)) / PADDING
        # The middle of the box goes to the middle of the crop.
        shift = np.array([w - scale * (x0 + x1), h - scale * (y0 + y1)]) / 2
        crop = cv2.warpAffine(
            image, np.array([[scale, 0, shift[0]], [0, scale, shift[1]]]), (w, h)
        )
        planes = ((crop[..., ::-1] - MEAN) / STD).transpose(2, 0, 1)[None].astype(np.float32)
        bins = self._session.run(['simcc_x', 'simcc_y'], {self._input: planes})
        found = np.stack([axis[0].argmax(-1) for axis in bins], axis=-1)  # (K, 2)
        ratio = bins[0].shape[-1] / w
        scores = np.minimum(bins[0][0].max(-1), bins[1][0].max(-1)).clip(0, 1)
        inside = (found + 0.5) / ratio - 0.5  # The centre of a pixel is its coordinate.
        return ((inside - shift) / scale).astype(np.float32), scores.astype(np.float32)


def main(network: str, skeleton: str, film: str) -> None:
    """Print how far away the people of a film are."""
    detector, own, estimator = PersonDetector(), SimccNetwork(network), PoseEstimator('unihpe_rt')
    keypoints = SKELETONS[skeleton]
    capture = cv2.VideoCapture(film)
    rate, count = capture.get(cv2.CAP_PROP_FPS) or 30.0, 0
    while True:
        there, image = capture.read()
        if not there:
            break
        found = [own.find(image, box) for box in detector.detect(image).boxes]
        points = np.array([pair[0] for pair in found]).reshape(-1, len(keypoints), 2)
        scores = np.array([pair[1] for pair in found]).reshape(-1, len(keypoints))
        # With your camera's calibration the distances are right.
        camera = Camera.from_fov(image.shape[1], image.shape[0], math.radians(60))
        poses = estimator.lift(points, scores, camera, count / rate, skeleton=keypoints)
        pelvis = poses.keypoints_3d[:, poses.skeleton.index('pelvis')]
        for person, distance in zip(poses.track_ids, np.linalg.norm(pelvis, axis=1), strict=True):
            print(f'{count / rate:6.2f} s: person {person} is {distance:.1f} m away')
        count += 1
    detector.close()
    estimator.close()


if __name__ == '__main__':
    main(*sys.argv[1:4])
