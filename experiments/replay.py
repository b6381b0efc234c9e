"""
Record what the estimator answers to stored images, and compare it to the last digit later.

A change that only moves or renames code leaves every figure as it is:

    PYTHONPATH=. python experiments/replay.py record reference.npz   # before the change
    PYTHONPATH=. python experiments/replay.py compare reference.npz  # after it

The images are the demo recording's. They are followed as they are, as JPEGs of three times the
size that are reduced while they are decoded, as two cameras in one batch, with a depth image,
through a lens with distortion, without a camera, with boxes from outside, and as 2D keypoints
alone. ONNX Runtime runs the networks on one thread, so that a second run gives the same bits; a
reference holds for one machine and one version of ONNX Runtime, NumPy and OpenCV.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
import sys

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.resources import find_resource
from unihpe_ros.core.skeleton import COCO_17
from unihpe_ros.estimator import CameraImage, PoseEstimator

FIELDS = ('boxes', 'keypoints_2d', 'keypoints_3d', 'scores', 'flags', 'track_ids', 'agreement')
ENLARGED = 3
# Images of the slower ways of following.
FEW = 45
# m; the demo's people walk nearer and farther.
WALL = 4.0
Arrays = dict[str, NDArray[np.generic]]
REDUCED = {
    1: cv2.IMREAD_COLOR,
    2: cv2.IMREAD_REDUCED_COLOR_2,
    4: cv2.IMREAD_REDUCED_COLOR_4,
    8: cv2.IMREAD_REDUCED_COLOR_8,
}


@dataclass(frozen=True)
class Frame:
    """One image of the recording and when it was taken, s."""

    stamp: float
    image: NDArray[np.uint8]


@dataclass(frozen=True)
class Replay:
    """The estimator and what it is shown."""

    estimator: PoseEstimator
    frames: list[Frame]
    camera: Camera

    def whole(self) -> Iterator[Poses]:
        """Yield the people of the images as they are."""
        for frame in self.frames:
            yield self.estimator.estimate(frame.image, self.camera, frame.stamp)

    def reduced_jpegs(self) -> Iterator[Poses]:
        """Yield the people of large JPEGs."""
        size = tuple(ENLARGED * side for side in (self.camera.width, self.camera.height))
        camera = Camera(self.camera.K * [[ENLARGED], [ENLARGED], [1]], *size)
        for frame in self.frames[:FEW]:
            large = cv2.resize(frame.image, size, interpolation=cv2.INTER_CUBIC)
            data = cv2.imencode('.jpg', large, [cv2.IMWRITE_JPEG_QUALITY, 90])[1]
            factor = self.estimator.reduction(size, camera, frame.stamp)
            image = cv2.imdecode(data, REDUCED[factor])
            image = CameraImage(image, camera, frame.stamp, whole_size=size)
            yield self.estimator.estimate_batch([image])[0]

    def two_cameras(self) -> Iterator[Poses]:
        """Yield the people of two cameras, of which one is mirrored."""
        for frame in self.frames[:FEW]:
            mirrored = np.ascontiguousarray(frame.image[:, ::-1])
            yield from self.estimator.estimate_batch(
                [
                    CameraImage(frame.image, self.camera, frame.stamp, 'left'),
                    CameraImage(mirrored, self.camera, frame.stamp, 'right'),
                ]
            )

    def depth(self) -> Iterator[Poses]:
        """Yield the people in front of a wall that a depth camera sees."""
        wall = np.full((self.camera.height, self.camera.width), WALL, np.float32)
        for frame in self.frames[:FEW]:
            yield self.estimator.estimate(frame.image, self.camera, frame.stamp, depth=wall)

    def lens(self) -> Iterator[Poses]:
        """Yield the people as if a lens had bent the images."""
        bent = replace(self.camera, distortion=np.array([-0.2, 0.05, 0.001, 0.001, 0.0]))
        for frame in self.frames[:FEW]:
            yield self.estimator.estimate(frame.image, bent, frame.stamp)

    def no_camera(self) -> Iterator[Poses]:
        """Yield the people of an unknown camera."""
        for frame in self.frames[:FEW]:
            yield self.estimator.estimate(frame.image, None, frame.stamp)

    def given_boxes(self) -> Iterator[Poses]:
        """Yield the people in the left and the right half of the images."""
        w, h = self.camera.width, self.camera.height
        boxes = np.array([[0, 0, w / 2, h], [w / 2, 0, w, h]], np.float32)
        for frame in self.frames[:FEW]:
            yield self.estimator.estimate(frame.image, self.camera, frame.stamp, boxes=boxes)

    def keypoints_alone(self) -> Iterator[Poses]:
        """Yield the people whose 2D keypoints the images show, lifted without the images."""
        for frame in self.frames[:FEW]:
            seen = self.estimator.estimate(frame.image, self.camera, frame.stamp, stream='seen')
            given = seen.to(COCO_17)
            yield self.estimator.lift(
                given.keypoints_2d,
                given.scores,
                self.camera,
                frame.stamp,
                skeleton=COCO_17,
                stream='lifted',
            )

    def single_images(self) -> Iterator[Poses]:
        """Yield the people of images of which none knows of another."""
        for frame in self.frames[:FEW]:
            yield self.estimator.estimate_image(frame.image, self.camera)

    def ways(self) -> dict[str, Callable[[], Iterator[Poses]]]:
        """Return every way of following people, by name."""
        ways = (
            self.whole,
            self.reduced_jpegs,
            self.two_cameras,
            self.depth,
            self.lens,
            self.no_camera,
            self.given_boxes,
            self.keypoints_alone,
            self.single_images,
        )
        return {way.__name__: way for way in ways}


def replay(count: int) -> Arrays:
    """Return the answers to the first images, in all ways, as arrays named 'way/field'."""
    reader = BagReader(find_resource('resource/demo/people'))
    first = islice(reader.frames(), count)
    frames = [Frame(1e-9 * stamp, np.array(image)) for stamp, image in first]
    if reader.camera is None:
        sys.exit('replay: the demo recording has no camera_info')
    arrays: Arrays = {}
    estimator = PoseEstimator('unihpe_rt', backend='onnxruntime-cpu', threads=1)
    for name, way in Replay(estimator, frames, reader.camera).ways().items():
        estimator.reset()
        answers = list(way())
        arrays[f'{name}/people'] = np.array([len(poses) for poses in answers])
        arrays[f'{name}/root_mode'] = np.array([poses.root_mode.value for poses in answers])
        for field in FIELDS:
            arrays[f'{name}/{field}'] = np.concatenate(
                [getattr(poses, field) for poses in answers]
            )
        print(f'{name}: {len(answers)} answers, {arrays[f"{name}/people"].sum()} people')
    estimator.close()
    return arrays


def first(reference: Arrays, name: str, arrays: Arrays) -> NDArray[np.generic]:
    """Return the rows of an array of the reference that belong to as many images."""
    people = f'{name.partition("/")[0]}/people'
    count = len(arrays[people])
    of_images = name.endswith(('/people', '/root_mode'))
    return reference[name][: count if of_images else int(reference[people][:count].sum())]


def difference(one: NDArray[np.generic], other: NDArray[np.generic]) -> str:
    """Return in what two arrays differ; empty if in nothing."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return f'{one.dtype} {one.shape} became {other.dtype} {other.shape}'
    if one.tobytes() == other.tobytes():
        return ''
    changed = np.flatnonzero(~((one == other) | ((one != one) & (other != other))))
    if not len(changed):
        return ''  # NaN of other bits.
    return f'{len(changed)} of {one.size} values differ, the first at {changed[0]}'


def main() -> None:
    """Record or compare; exit with 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('task', choices=('record', 'compare'))
    parser.add_argument('file', type=Path, help='.npz with the reference')
    parser.add_argument(
        '--frames',
        type=int,
        default=420,
        help='images of the recording; `compare` may take fewer than `record`',
    )
    args = parser.parse_args()
    arrays = replay(args.frames)
    if args.task == 'record':
        np.savez_compressed(args.file, **arrays)
        return
    with np.load(args.file) as file:
        reference = {name: file[name] for name in file.files}
    if gone := set(reference) - set(arrays):
        sys.exit(f'{args.file}: expected no more than {sorted(arrays)}; got {sorted(gone)} too')
    for way in sorted({name.partition('/')[0] for name in set(arrays) - set(reference)}):
        print(f'{way} is new: not compared')
    found = {name: difference(first(reference, name, arrays), arrays[name]) for name in reference}
    worse = [f'{name}: {text}' for name, text in found.items() if text]
    print('\n'.join(worse) or f'all {len(found)} arrays are the same to the last digit')
    sys.exit(bool(worse))


if __name__ == '__main__':
    main()
