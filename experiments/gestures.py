"""
Measure the recognition of gestures: confusions, misses and false alarms; docs/hri.md.

Held-out bodies make the twelve starter gestures (`gesture_clips`), a network lifts their 2D
keypoints with noise, seen from all around, and the recogniser is asked as by the node. Right is
whoever is shown to make the right gesture for longest. The same clips tell whether the embedding
of the 2D poses would do better than directions of the arms: nearest neighbours among other bodies,
seen from the same sides. False alarms are counted on motion clips of people who make none.

    PYTHONPATH=. python experiments/gestures.py --motions cmu_bvh --bodies bodies.npz \
        --poses poses_test.npz

"""

from __future__ import annotations

import argparse
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
import itertools
import math
from pathlib import Path

from gesture_clips import CAMERA_RATE, GesturePeople, GESTURES, Views
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.resources import MODEL
from unihpe_ros.kinematics.arm_directions import arm_directions
from unihpe_ros.kinematics.gesture_gallery import Gallery
from unihpe_ros.kinematics.gestures import GestureRecogniser
from unihpe_ros.kinematics.starter_gestures import STARTER, starter_gestures

Float64 = NDArray[np.float64]

_NAMES = list(STARTER)
_NONE = 'none'
# Poses a second of a bank that `unihpe render --poses-only` writes, and people at a time.
_BANK_RATE, _GROUP = 10.0, 32


def shown(points: Float64, rate: float) -> list[list[str]]:
    """Return what is shown at each moment of ``(N, F, 26, 3)`` keypoints of N people."""
    recogniser, ids = GestureRecogniser(Gallery(STARTER)), range(len(points))
    frames = [
        [one.name for one in recogniser.update(ids, points[:, f], f / rate)]
        for f in range(points.shape[1])
    ]
    return [list(names) for names in zip(*frames, strict=True)]


def confusion(points: Float64, truth: Sequence[str]) -> NDArray[np.intp]:
    """Return how often each gesture is shown as each, and last as none."""
    table = np.zeros((len(_NAMES), len(_NAMES) + 1), np.intp)
    for names, true in zip(shown(points, CAMERA_RATE), truth, strict=True):
        counted = Counter(name for name in names if name)
        best = counted.most_common(1)[0][0] if counted else _NONE
        table[_NAMES.index(true), [*_NAMES, _NONE].index(best)] += 1
    return table


def nearest_right(features: Float64, labels: NDArray[np.intp], people: NDArray[np.intp]) -> float:
    """Return the share, %, whose nearest neighbour among the other half of the people is right."""
    half = people < np.median(people)
    hits = []
    for here in (half, ~half):
        apart = (features[~here] ** 2).sum(-1) - 2 * features[here] @ features[~here].T
        hits.append(labels[~here][apart.argmin(-1)] == labels[here])
    return 100 * float(np.concatenate(hits).mean())


def bank_clips(path: Path, copies: int) -> Iterator[tuple[str, Float64]]:
    """Yield subject and ``(F, 26, 3)`` keypoints of each clip of a bank, on so many bodies."""
    with np.load(path) as bank:
        plain = ~bank['varied']
        points, names = bank['positions'][plain], bank['names']
        clip, shape, frame = (bank[name][plain] for name in ('clip', 'shape', 'frame'))
    ends = (np.diff(clip) != 0) | (np.diff(shape) != 0) | (np.diff(frame) < 0)
    taken: Counter[int] = Counter()
    for part in np.split(np.arange(len(points)), np.flatnonzero(ends) + 1):
        number = int(clip[part[0]])
        taken[number] += 1
        if taken[number] <= copies:
            yield str(names[number]).partition('/')[0], points[part].astype(np.float64)


def alarms(path: Path, copies: int) -> dict[str, tuple[float, Counter[str]]]:
    """Return minutes, and how often which gesture begins, by subject of a bank."""
    clips = sorted(bank_clips(path, copies), key=lambda one: len(one[1]))
    minutes: defaultdict[str, float] = defaultdict(float)
    begun: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for start in range(0, len(clips), _GROUP):
        group = clips[start : start + _GROUP]
        longest = max(len(points) for _, points in group)
        padded = [
            np.concatenate([points, np.repeat(points[-1:], longest - len(points), axis=0)])
            for _, points in group
        ]
        for (subject, points), names in zip(
            group, shown(np.stack(padded), _BANK_RATE), strict=True
        ):
            names = ['', *names[: len(points)]]
            minutes[subject] += len(points) / _BANK_RATE / 60
            begun[subject].update(
                now for before, now in itertools.pairwise(names) if now not in ('', before)
            )
    return {subject: (minutes[subject], begun[subject]) for subject in sorted(minutes)}


def draw(path: Path, table: NDArray[np.intp]) -> None:
    """Draw the confusions in %."""
    from matplotlib.figure import Figure

    shares = 100 * table / table.sum(-1, keepdims=True)
    figure = Figure((8.6, 7.2), layout='constrained')
    axes = figure.subplots()
    axes.imshow(shares, cmap='Blues', vmin=0, vmax=100)
    for row, column in zip(*np.nonzero(table), strict=True):
        value = shares[row, column]
        colour = 'white' if value > 55 else 'black'
        axes.text(column, row, f'{value:.0f}', ha='center', va='center', color=colour)
    words = [name.replace('_', ' ') for name in (*_NAMES, _NONE)]
    axes.set_xticks(range(len(words)), words, rotation=45, ha='right')
    axes.set_yticks(range(len(_NAMES)), words[:-1])
    axes.set_xlabel('recognised, %')
    axes.set_ylabel('made')
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=90, metadata={'Software': None})


def main() -> None:
    """Print the figures and draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--motions', type=Path, help='folder of BVH clips')
    parser.add_argument('--bodies', type=Path, help='body shapes')
    parser.add_argument('--poses', type=Path, nargs='*', default=[], help='banks without gestures')
    parser.add_argument('--copies', type=int, default=2, help='bodies of each clip of a bank')
    parser.add_argument('--model', default=MODEL)
    parser.add_argument('--people', type=int, default=20)
    parser.add_argument('--views', type=int, default=8)
    parser.add_argument('--noise', type=float, default=0.01, help='of 2D, shares of the height')
    parser.add_argument('--every', type=int, default=6, help='take every so many-th clip')
    parser.add_argument('--out', type=Path, default=Path('docs/hri/gestures.png'))
    args = parser.parse_args()
    if args.motions:
        report(args)
    for path in args.poses:
        total, count = 0.0, 0
        for subject, (minutes, begun) in alarms(path, args.copies).items():
            total, count = total + minutes, count + begun.total()
            rate = begun.total() / minutes
            print(f'{path.name} {subject} | {minutes:.1f} min | {rate:.2f}/min | {dict(begun)}')
        print(f'{path.name} | {total:.1f} min | {count / total:.2f} false alarms a minute')


def report(args: argparse.Namespace) -> None:
    """Print how many gestures are recognised, and draw the confusions."""
    rng = np.random.default_rng(0)
    people = GesturePeople(args.motions, args.bodies, args.people, args.every)
    views = Views(args.model, args.noise)
    true, seen, labels, embeddings, who = [], [], [], [], []
    for number, shape in enumerate(people.shapes):
        for name in GESTURES:
            clip = people.clip(name, shape, rng)
            true.append(clip)
            for view in range(args.views):
                lifted, embedded = views.look(clip, math.tau * view / args.views, rng)
                seen.append(lifted)
                embeddings.append(embedded[len(embedded) // 2])
                labels.append(name)
                who.append(number)
    views.close()
    exact = confusion(np.array(true), list(GESTURES) * len(people.shapes))
    table = confusion(np.array(seen), labels)
    print(f'{len(people.shapes)} people, {len(labels)} clips of {args.model}')
    for name, row in zip(_NAMES, table, strict=True):
        others = {[*_NAMES, _NONE][k]: int(row[k]) for k in np.flatnonzero(row)}
        print(f'{name} | {others}')
    for text, one in (('true keypoints', exact), ('network', table)):
        right, missed = np.trace(one) / one.sum(), one[:, -1].sum() / one.sum()
        print(f'{text}: top-1 {100 * right:.1f} %, none recognised {100 * missed:.1f} %')
    held = np.array([not starter_gestures()[name].is_movement for name in labels])
    which = np.array([_NAMES.index(name) for name in labels])[held]
    middle = np.stack([points[len(points) // 2] for points in seen])[held]
    for text, features in (
        ('arms', arm_directions(middle)),
        ('embedding', np.stack(embeddings)[held].astype(np.float64)),
    ):
        found = nearest_right(features, which, np.array(who)[held])
        print(f'nearest neighbour by {text}, held poses of one image: {found:.1f} %')
    draw(args.out, table)


if __name__ == '__main__':
    main()
