"""
Measure what joint angles, frames, postures and motion cost for each person; docs/hri.md.

Publishers are stand-ins: messages are made, not sent.

    PYTHONPATH=. python experiments/people_cost.py
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import replace
import time
from types import SimpleNamespace

import numpy as np
from std_msgs.msg import Header
from unihpe_ros.core.pose import KeypointFlag, Poses, RootMode
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.kinematics.gestures import GestureRecogniser
from unihpe_ros.kinematics.human_model import BODY_SIZES
from unihpe_ros.kinematics.joint_angles import body_angles
from unihpe_ros.kinematics.pointing import pointing_rays
from unihpe_ros.kinematics.starter_gestures import open_gallery
from unihpe_ros.ros.body_frames import BodyFrames
from unihpe_ros.ros.people_states import PeopleStates, place_of, to_people_cloud
from unihpe_ros.ros.transforms import IDENTITY


class _Node:
    """Takes what is published."""

    def create_publisher(self, *_: object) -> SimpleNamespace:
        return SimpleNamespace(publish=lambda _: None, get_subscription_count=lambda: 1)


def people(count: int) -> Poses:
    """Return people whose keypoints are where chance put them."""
    points = np.random.default_rng(0).normal(0, 0.5, (count, len(UNION), 3)) + (0, 0, 3)
    return replace(
        Poses.empty(UNION, RootMode.PROJECTIVE),
        boxes=np.zeros((count, 4), np.float32),
        keypoints_2d=np.zeros((count, len(UNION), 2), np.float32),
        keypoints_3d=points.astype(np.float32),
        scores=np.ones((count, len(UNION)), np.float32),
        flags=np.full((count, len(UNION)), KeypointFlag.OBSERVED, np.uint16),
        track_ids=np.arange(1, count + 1, dtype=np.uint32),
        agreement=np.ones(count, np.float32),
    )


def steps(poses: Poses) -> dict[str, Callable[[int], object]]:
    """Return what is done for an image of a number, by name."""
    count, states, header = len(poses), PeopleStates(), Header(frame_id='map')
    bodies = [BodyFrames(_Node(), f'b{k}', f'a{k}', '', describe=False) for k in range(count)]
    held = body_angles(poses.keypoints_3d)
    sizes = np.stack([held.sizes[name] for name in BODY_SIZES], -1)
    turn = np.array([0.0, 0.0, 0.0, 1.0])

    def frames(_: int) -> None:
        for row, body in enumerate(bodies):
            body.publish_states(held.angles[row], sizes[row], header)
            body.transforms(held.origins[row], turn, header)

    def motion(number: int) -> None:
        place = place_of(1 + number / 30, IDENTITY, '')
        to_people_cloud(states.points(poses, place, []), header)

    gestures = GestureRecogniser(open_gallery('starter'))
    ids = poses.track_ids.tolist()
    return {
        'joint angles': lambda _: body_angles(poses.keypoints_3d),
        'joint states and frames': frames,
        'people, with heading': motion,
        'posture': lambda n: states.postures(poses, place_of(1 + n / 30, IDENTITY, '')),
        'pointing': lambda _: pointing_rays(poses.keypoints_3d),
        'gestures': lambda n: gestures.update(ids, poses.keypoints_3d, 1 + n / 30),
    }


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--people', type=int, default=4)
    parser.add_argument('--images', type=int, default=200)
    args = parser.parse_args()
    print(f'{args.people} people; CPU ms for each, mean of {args.images} images')
    total = 0.0
    for name, step in steps(people(args.people)).items():
        step(0)
        began = time.thread_time()
        for number in range(1, args.images + 1):
            step(number)
        spent = 1e3 * (time.thread_time() - began) / args.images / args.people
        total += spent
        print(f'{name} | {spent:.3f}')
    print(f'all | {total:.3f}')


if __name__ == '__main__':
    main()
