"""
Measure an older revision and this one in turn: own time of the estimator, and of the whole node.

    PYTHONPATH=. python experiments/own_time.py --before 450bbd2 --rounds 6
    PYTHONPATH=. python experiments/own_time.py --before 450bbd2 --rounds 2 --node

Each revision runs its own `experiments/overhead.py`, or its own `unihpe bench node` (4 people and
1, 640x480, 30 fps). The least of the rounds counts, because other work on the machine only adds;
the models are those of this tree in both.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
import json
import os
from pathlib import Path
import subprocess
import sys
import tempfile

HERE = Path(__file__).resolve().parents[1]
NODE = [
    *('bench', 'node', '--size', '640x480', '--transport', 'raw', '--fps', '30'),
    *('--people', '1', '--people', '4', '--soak', '0'),
]


def run(tree: Path, *command: str) -> str:
    """Run Python in a source tree; return what it prints."""
    environment = {**os.environ, 'PYTHONPATH': str(tree), 'OMP_NUM_THREADS': '1'}
    done = subprocess.run(
        [sys.executable, *command], cwd=tree, env=environment, text=True, capture_output=True
    )
    if done.returncode:
        sys.exit(f'{tree}: {" ".join(command)} failed: {done.stderr[-800:]}')
    return done.stdout


def estimator(tree: Path, seconds: float) -> dict[str, float]:
    """Return the 10th percentile of each stage's ms."""
    frames = str(max(round(100 * seconds), 60))
    rows = run(tree, 'experiments/overhead.py', '--frames', frames).splitlines()[3:]
    cells = [row.split(' | ') for row in rows]
    return {name: float(values[0]) for name, *values in cells}


def node(tree: Path, seconds: float) -> dict[str, float]:
    """Return the ms outside the engine, and the age of images, of each run of our node."""
    with tempfile.TemporaryDirectory() as folder:
        options = [*NODE, '--seconds', str(seconds), '--model', str(model()), '--out', folder]
        run(tree, '-m', 'unihpe_ros.cli.main', *options)
        runs = json.loads((Path(folder) / 'node.json').read_text(encoding='utf-8'))['runs']
    found = {}
    for one in runs:
        if one['case']['kind'] == 'node':
            name = f'{one["case"]["people"]} people'
            found[f'{name}: outside the engine'] = one['own_ms']
            found[f'{name}: age of the image, p50'] = one['ages_ms'][0]
    return found


def model() -> Path:
    """Return the path of the model, without its suffixes."""
    return HERE / 'resource/models/unihpe_rt'


def main() -> None:
    """Print a table of both revisions and their ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('--before', default='450bbd2', help='revision (default: 450bbd2)')
    parser.add_argument('--rounds', type=int, default=6, help='runs of each (default: 6)')
    parser.add_argument('--seconds', type=float, default=4.0, help='about each (default: 4)')
    parser.add_argument('--node', action='store_true', help='the whole node, not the estimator')
    args = parser.parse_args()
    measure: Callable[[Path, float], dict[str, float]] = node if args.node else estimator
    least: dict[Path, dict[str, float]] = {}
    with tempfile.TemporaryDirectory() as folder:
        before = Path(folder) / 'before'
        git = ['git', '-C', str(HERE), 'worktree']
        subprocess.run([*git, 'add', '--detach', str(before), args.before], check=True)
        try:
            for _ in range(args.rounds):
                for tree in (before, HERE):
                    known = least.setdefault(tree, {})
                    for name, ms in measure(tree, args.seconds).items():
                        known[name] = min(ms, known.get(name, ms))
        finally:
            subprocess.run([*git, 'remove', '--force', str(before)], check=True)
    print(f'ms, least of {args.rounds} | {args.before} | now | ratio\n---|---|---|---')
    for name, now in least[HERE].items():
        old = least[before].get(name, float('nan'))
        print(f'{name} | {old:.2f} | {now:.2f} | {now / old:.2f}')


if __name__ == '__main__':
    main()
