"""
Trains the shipped network further, on pictures of your own with labelled 2D keypoints.

    pip install -e '.[train]'
    python examples/train_on_your_own_data.py labels.json pictures/ runs/mine --steps 5000

The labels are in COCO's keypoint format (17 keypoints a person). No 3D is needed: it is kept by
projecting the network's 3D onto the labels (`reprojection`) and by what the network itself lifts
from them (`cross_modal`). docs/training.md tells more.

"""

import argparse
from pathlib import Path
import subprocess
import sys

SHIPPED = Path(__file__).resolve().parents[1] / 'resource' / 'models' / 'unihpe_rt'
EXPERIMENT = """
preset: unihpe_rt
init: {start}
seed: 1
steps: {steps}
images:
  - {{path: {photos}, kind: photos}}
image_batch: {batch}
loss: {{cross_modal: 1.0, reprojection: 0.5}}
workers: 1
"""


def unihpe(*words: object) -> None:
    """Run a command of the package; end with its status if it fails."""
    command = [sys.executable, '-m', 'unihpe_ros.cli.main', *map(str, words)]
    print('unihpe', *words, flush=True)
    if status := subprocess.run(command, check=False).returncode:
        sys.exit(status)


def main() -> None:
    """Import the pictures, write the experiment, train and export."""
    parser = argparse.ArgumentParser(description='train the shipped network on your own pictures')
    parser.add_argument('labels', type=Path, help='annotations, JSON of COCO keypoints')
    parser.add_argument('pictures', type=Path, help='folder or tar of the pictures')
    parser.add_argument('out', type=Path, help='folder to make')
    parser.add_argument('--steps', type=int, default=5000, help='steps (default: 5000)')
    parser.add_argument('--batch', type=int, default=64, help='pictures a step (default: 64)')
    args = parser.parse_args()
    photos, experiment = args.out / 'photos', args.out / 'experiment.yaml'
    args.out.mkdir(parents=True, exist_ok=True)
    unihpe('photos', 'import', args.labels, args.pictures, '--out', photos)
    experiment.write_text(
        EXPERIMENT.format(start=SHIPPED, steps=args.steps, photos=photos, batch=args.batch),
        encoding='utf-8',
    )
    unihpe('train', experiment, '--out', args.out / 'run')
    unihpe('export', args.out / 'run' / 'checkpoint.pt', '--out', args.out, '--name', 'mine')
    print(f'now: unihpe run photo.jpg --model {args.out / "mine"}')


if __name__ == '__main__':
    main()
