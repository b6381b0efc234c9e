"""
Finds people with a detector of your own: here what moves before a camera that stands still.

    python examples/bring_your_own_detector.py film.mp4

"""

import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros import Detections, Detector, PoseEstimator


class MotionDetector(Detector):
    """
    Boxes of what differs from the background; a network of yours would stand in its place.

    Parameters
    ----------
    least_height : float
        Smallest box, as a share of the image's height.

    """

    def __init__(self, least_height: float = 0.2) -> None:
        self._background = cv2.createBackgroundSubtractorMOG2(detectShadows=False)
        self._least_height = least_height

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """Return ``(N, 4)`` boxes x0 y0 x1 y1, px of the image, and ``(N,)`` scores."""
        moving = self._background.apply(image)
        moving = cv2.morphologyEx(moving, cv2.MORPH_CLOSE, np.ones((15, 15), np.uint8))
        _, _, stats, _ = cv2.connectedComponentsWithStats(moving)
        x, y, w, h = stats[1:, :4].T.astype(np.float32)  # The first one is the background.
        boxes = np.stack([x, y, x + w, y + h], axis=1)
        boxes = boxes[h >= self._least_height * len(image)]
        return Detections(boxes, np.ones(len(boxes), np.float32))


def main(film: str) -> None:
    """Print how many people there are in each image."""
    estimator = PoseEstimator(detector=MotionDetector())
    capture = cv2.VideoCapture(film)
    rate, count = capture.get(cv2.CAP_PROP_FPS) or 30.0, 0
    while True:
        there, image = capture.read()
        if not there:
            break
        poses = estimator.estimate(image, None, count / rate)
        print(f'{count / rate:6.2f} s: {len(poses)} people, ids {poses.track_ids.tolist()}')
        count += 1
    estimator.close()


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
