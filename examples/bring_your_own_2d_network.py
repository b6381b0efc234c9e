"""
Prints how far away the people of a film are, who are found by a 2D network of another maker.

    python examples/bring_your_own_2d_network.py rtmpose.onnx film.mp4

The network is an ONNX file of any family of docs/own_2d_network.md: SimCC, heatmaps, YOLO-pose,
RTMO or MoveNet. Our model lifts its keypoints to 3D and follows the people. Keypoints of a network
that runs elsewhere go to `PoseEstimator.lift`; one that is no ONNX file derives from
`unihpe_ros.PoseModel` or `unihpe_ros.PeopleModel`.

"""

import math
import sys

import cv2
import numpy as np
from unihpe_ros import Camera, PoseEstimator


def main(network: str, film: str) -> None:
    """Print how far away the people of a film are."""
    estimator = PoseEstimator(model_2d=network)
    capture = cv2.VideoCapture(film)
    rate, count = capture.get(cv2.CAP_PROP_FPS) or 30.0, 0
    while True:
        there, image = capture.read()
        if not there:
            break
        # With your camera's calibration the distances are right.
        camera = Camera.from_fov(image.shape[1], image.shape[0], math.radians(60))
        poses = estimator.estimate(image, camera, count / rate)
        pelvis = poses.keypoints_3d[:, poses.skeleton.index('pelvis')]
        for person, distance in zip(poses.track_ids, np.linalg.norm(pelvis, axis=1), strict=True):
            print(f'{count / rate:6.2f} s: person {person} is {distance:.1f} m away')
        count += 1
    estimator.close()


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
