"""
Measure what PoseEstimator takes outside its engines, stage by stage.

Painted people, the tests' detector and their model of constants at the size of the real network:
the engines cost next to nothing, everything else is done as with real weights. Run from the source
tree.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path
import sys
import tempfile

import numpy as np
from unihpe_ros.core.geometry import Camera
from unihpe_ros.estimator import EstimatorSettings

sys.path.append(str(Path(__file__).resolve().parents[1] / 'test/helpers'))
from tiny_estimator import tiny_estimator
from tiny_model import paint_person, person_box, write_tiny_model

ENGINES = ('detect', 'image_branch', 'lifting_branch')
WARM_UP = 60


def main() -> None:
    """Run the estimator on a still scene and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--people', type=int, default=3)
    parser.add_argument('--frames', type=int, default=300)
    parser.add_argument('--size', type=int, nargs=2, default=(640, 480), metavar=('W', 'H'))
    parser.add_argument('--distorted', action='store_true', help='a lens with k1 = -0.3')
    args = parser.parse_args()
    width, height = args.size
    image = np.full((height, width, 3), 40, np.uint8)
    for person in range(args.people):
        x = (person + 0.5) * width / args.people
        paint_person(
            image, person_box(x, 0.5 * height, min(0.6 * height, 1.6 * width / args.people))
        )
    camera = Camera.from_fov(width, height, math.radians(60))
    if args.distorted:
        camera = Camera(camera.K, width, height, np.array([-0.3, 0.1, 0.001, -0.001, 0.0]))
    with tempfile.TemporaryDirectory() as folder:
        model = write_tiny_model(Path(folder), input_size=(144, 192))
        estimator = tiny_estimator(model, EstimatorSettings(max_people=args.people), threads=1)
        stages: dict[str, list[float]] = {}
        for frame in range(WARM_UP + args.frames):
            poses = estimator.estimate(image, camera, frame / 30)
            if frame >= WARM_UP:
                for name, seconds in estimator.stage_times.items():
                    stages.setdefault(name, []).append(seconds * 1e3)
    outside = sum(np.array(ms) for name, ms in stages.items() if name not in ENGINES)
    if len(poses) != args.people:
        sys.exit(f'overhead: {args.people} people are painted, {len(poses)} were found')
    print(f'{len(poses)} people, {width}x{height}; ms')
    print('stage | p10 | p50 | p95')
    print('---|---|---|---')
    for name, ms in {**stages, 'outside the engines': outside}.items():
        print(name, *(f'{value:.2f}' for value in np.percentile(ms, (10, 50, 95))), sep=' | ')


if __name__ == '__main__':
    main()
