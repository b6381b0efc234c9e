"""
Measure by which colours people are known again after minutes: docs/tracking.md.

Rendered people with the generator's outfits come twice: some looks at each, in other postures and
from other sides, in the same place or in another one, so in another light. How alike are the
colours of the two visits of one person, how alike those of two people?

    PYTHONPATH=. python experiments/who_is_back.py --motions cmu_bvh --bodies bodies.npz \
        --looks looks.npz

"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any
import warnings

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.synthesis.body.body_shapes import load_bodies
from unihpe_ros.synthesis.camera.effects import encode_jpeg, expose, with_auto_exposure
from unihpe_ros.synthesis.camera.lenses import sample_lens
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions
from unihpe_ros.synthesis.primitives.raster import bounds
from unihpe_ros.synthesis.render.scene_renderer import shade_scene
from unihpe_ros.synthesis.render.visibility_buffer import rasterise_meshes
from unihpe_ros.synthesis.samples.framing import frame
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.samples.staging import sample_balanced_posture
from unihpe_ros.synthesis.scenery.environment_sampling import add_scenery, sample_environment
from unihpe_ros.tracking.appearance import clothes_colours, PARTS
from unihpe_ros.tracking.people_memory import CLEAR, SAME_CLOTHES

Float64 = NDArray[np.float64]

SIZE = (144, 192)
# The first two visits are to one place, the third to another.
VISITS, LOOKS = 3, 3
_CORNERS = UNION.indices(
    *(f'{side}_{joint}_joint' for side in ('left', 'right') for joint in ('shoulder', 'hip'))
)
_DRAWS = 8000
_NOISE = 0.01  # Of keypoints, shares of the person's height in the picture.


def render(assets: PeopleAssets, people: int, path: Path) -> None:
    """Render the looks at people and store pictures and keypoints."""
    pictures, keypoints = [], []
    for person in range(people):
        rng = np.random.default_rng([7, person])
        shape = int(rng.choice(assets.shapes))
        bodies = assets.bodies
        outfit = sample_outfit(rng, bool(bodies.gender[shape] > 0.5), float(bodies.age[shape]))
        dressed = assets.tailor.dress(shape, outfit)
        for visit in range(VISITS):
            for look in range(LOOKS):
                rng = np.random.default_rng([8, person, visit, look])
                place = np.random.default_rng([9, person, visit // 2])
                jpeg, points = one_look(assets, shape, dressed, rng, place)
                pictures.append(np.frombuffer(jpeg, np.uint8))
                keypoints.append(points)
        ends = np.cumsum([len(one) for one in pictures])
        # What is made so far can be looked at.
        np.savez(path, jpegs=np.concatenate(pictures), ends=ends, keypoints=np.array(keypoints))
        print(f'{person + 1} of {people}', flush=True)


def one_look(
    assets: PeopleAssets,
    shape: int,
    dressed: Any,
    rng: np.random.Generator,
    place: np.random.Generator,
) -> tuple[bytes, NDArray[np.float32]]:
    """Return a JPEG of a person, and ``(26, 2)`` keypoints in it with an error, px."""
    while True:
        posture = sample_balanced_posture(assets, rng, shape)
        figure = assets.pose(dressed, posture, rng.random((2, 5, 3), dtype=np.float32))
        low, high = bounds(figure.body)
        view, _ = frame(rng, figure, posture, float(low[2]), SIZE)
        points = view.project(view.to_camera(figure.keypoints))
        torso = points[_CORNERS]
        if (torso > 0).all() and (torso < view.size).all():
            break
    layers = rasterise_meshes([figure.mesh], [0], view)
    environment = sample_environment(place, float(low[2]), np.stack([view.eye, low, high]), [])
    environment = add_scenery(place, environment, view, 0.5 * (low + high))
    lens = sample_lens(place)
    middle = 0.5 * (low + high)
    blur = lens.background_blur
    drawing = shade_scene(layers, environment, view, focus=middle, background_blur=blur)
    lens = with_auto_exposure(lens, drawing.image, drawing.owner[::2, ::2] == 0)
    height = float(np.ptp(points[:, 1]))
    points = points + rng.normal(0, _NOISE * height, points.shape)
    return encode_jpeg(expose(drawing.image, lens), 90), points.astype(np.float32)


def read(path: Path) -> tuple[list[NDArray[np.uint8]], NDArray[np.float32]]:
    """Return pictures, BGR, and ``(P * VISITS * LOOKS, 26, 2)`` keypoints."""
    with np.load(path) as file:
        starts = [0, *file['ends'][:-1]]
        jpegs, ends, keypoints = file['jpegs'], file['ends'], file['keypoints']
    parts = (jpegs[a:b] for a, b in zip(starts, ends, strict=True))
    return [cv2.imdecode(one, cv2.IMREAD_COLOR) for one in parts], keypoints


def clothes(pictures: list[NDArray[np.uint8]], keypoints: NDArray[np.float32]) -> Float64:
    """``(P, VISITS, LOOKS, 4, C)`` Colours of the clothes of each look."""
    each = [
        clothes_colours(picture, points[None], UNION)[0]
        for picture, points in zip(pictures, keypoints, strict=True)
    ]
    return np.array(each, np.float64).reshape(-1, VISITS, LOOKS, *each[0].shape)


def likenesses(before: Float64, now: Float64) -> Float64:
    """``(P, P)`` Likeness of the people of one visit, down, with those of another."""
    lengths = [np.sqrt(np.square(one).sum(-1)) for one in (before, now)]
    units = [one / length[..., None] for one, length in zip((before, now), lengths, strict=True)]
    # As `clothes_likeness` does, of all pairs at once, and of the torso alone too.
    return np.asarray(np.nanmean(np.einsum('ipc,jpc->ijp', *units), -1))


def drawn(alike: Float64, remembered: int) -> tuple[Float64, NDArray[np.bool_], Float64]:
    """
    Return what is decided of people who come, before others who were drawn by chance.

    Parameters
    ----------
    alike : NDArray[np.float64]
        ``(P, P)`` see `likenesses`.
    remembered : int
        How many people are remembered.

    Returns
    -------
    own : NDArray[np.float64]
        Likeness with the one whom people who are remembered resemble most; 0 if it is not clear.
    is_right : NDArray[np.bool_]
        Whether that is themselves.
    stranger : NDArray[np.float64]
        Likeness as above, of people who are not remembered.

    """
    rng, count = np.random.default_rng(0), len(alike)
    person = np.arange(_DRAWS) % count
    others = np.array(
        [rng.permutation(np.delete(np.arange(count), p))[:remembered] for p in person]
    )
    known = np.concatenate([person[:, None], others[:, 1:]], 1)
    best = []
    for one in (known, others):
        seen = np.sort(alike[one, person[:, None]], 1)
        best.append(np.where(seen[:, -1] - seen[:, -2] >= CLEAR, seen[:, -1], 0))
    return best[0], alike[known, person[:, None]].argmax(1) == 0, best[1]


def main() -> None:
    """Print how often people are recognised, and strangers taken for one of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--motions', type=Path, help='folder of BVH clips')
    parser.add_argument('--bodies', type=Path, help='body shapes')
    parser.add_argument('--people', type=int, default=80)
    parser.add_argument('--remembered', type=int, default=16)
    parser.add_argument('--looks', type=Path, required=True, help='pictures; made if missing')
    args = parser.parse_args()
    if not args.looks.exists():
        bodies = load_bodies(args.bodies)
        bank = load_motions(find_clips(args.motions, 'test')[::8], 10.0)
        render(PeopleAssets(bodies, bank, bodies.shapes('test')), args.people, args.looks)
    with warnings.catch_warnings():
        # Of some a part is never seen.
        warnings.simplefilter('ignore', RuntimeWarning)
        looks = clothes(*read(args.looks))
        torso = np.where(np.arange(len(PARTS))[:, None] == 0, looks, np.nan)
        for text, seen, count in (
            ('torso', torso, LOOKS),
            ('clothes, one look', looks, 1),
            ('clothes', looks, LOOKS),
        ):
            before = np.nanmean(seen[:, 0], 1)
            for place, visit in (('same place', 1), ('another light', 2)):
                now = np.nanmean(seen[:, visit, :count], 1)
                told(f'{text}, {place}', likenesses(before, now), args.remembered)


def told(text: str, alike: Float64, remembered: int) -> None:
    """Print a row: own id, another's, and strangers, %, at two rates and as in the tracker."""
    own, is_right, stranger = drawn(alike, remembered)
    cells = []
    for least in (*np.quantile(stranger, (0.99, 0.999)), SAME_CLOTHES):
        shares = (own > least) & is_right, (own > least) & ~is_right, stranger > least
        cells.append(f'{least:.3f}: ' + ' / '.join(f'{100 * one.mean():.1f}' for one in shares))
    print(f'{text} | ' + ' | '.join(cells))


if __name__ == '__main__':
    main()
