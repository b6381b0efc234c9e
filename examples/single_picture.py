"""
Finds the people in one picture and draws their skeletons into a copy of it.

    python examples/single_picture.py photo.jpg photo_people.png

"""

import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros import PoseEstimator, Poses


def draw(image: NDArray[np.uint8], poses: Poses, least_score: float = 0.3) -> None:
    """Draw the bones whose two keypoints score enough."""
    for points, scores in zip(poses.keypoints_2d, poses.scores, strict=True):
        for bone in poses.skeleton.bones:
            if scores[list(bone)].min() >= least_score:
                start, end = (tuple(map(int, points[index])) for index in bone)
                cv2.line(image, start, end, (80, 220, 60), 2, cv2.LINE_AA)


def main(picture: str, out: str) -> None:
    """Read a picture, print who is in it, and write it with skeletons."""
    image = cv2.imread(picture)
    if image is None:
        sys.exit(f'{picture}: expected a picture that OpenCV reads')
    estimator = PoseEstimator()
    poses = estimator.estimate_image(image)
    nose = poses.skeleton.index('nose')
    for box, points, scores in zip(poses.boxes, poses.keypoints_2d, poses.scores, strict=True):
        print(f'box {box.round()} px, nose {points[nose].round()} px, score {scores[nose]:.2f}')
    draw(image, poses)
    cv2.imwrite(out, image)
    estimator.close()


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
