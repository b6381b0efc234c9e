"""
Draw COCO's keypoints beside Human3.6M's on one rendered person: docs/conventions.jpg.

    PYTHONPATH=. python experiments/conventions.py --motions cmu_bvh.tar.xz --out data
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.skeleton import COCO_17, H36M_17, Skeleton, UNION
from unihpe_ros.synthesis.body.body_shapes import load_bodies
from unihpe_ros.synthesis.camera.effects import expose, with_auto_exposure
from unihpe_ros.synthesis.clothing.outfit_sampling import sample_outfit
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions, motion_folder
from unihpe_ros.synthesis.primitives.scene_types import BodyPosture, Lens, SceneCamera
from unihpe_ros.synthesis.render.scene_renderer import render_meshes
from unihpe_ros.synthesis.samples.framing import look_at
from unihpe_ros.synthesis.samples.people import PeopleAssets
from unihpe_ros.synthesis.scenery.places import sample_room
from unihpe_ros.visualisation.video import write_picture

_SIZE = (560, 720)
_DISTANCE = 3.2
_COLOURS = {COCO_17.name: (0, 140, 255), H36M_17.name: (255, 120, 0)}


def draw_conventions(assets: PeopleAssets, seed: int = 0) -> NDArray[np.uint8]:
    """
    Return a picture of one person twice, with COCO's keypoints and with Human3.6M's.

    Parameters
    ----------
    assets : PeopleAssets
        Bodies, clothes and motions; the first pose of the first clip is shown.
    seed : int
        Seed of clothes and room.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    rng = np.random.default_rng(seed)
    bodies = assets.bodies
    shape = int(min(assets.shapes, key=lambda s: abs(bodies.age[s] - 30)))
    posture = BodyPosture(
        assets.bank.rotations[0], 0, int(assets.bank.frame[0]), np.zeros(3, np.float32)
    )
    outfit = sample_outfit(rng, bool(bodies.gender[shape] > 0.5), float(bodies.age[shape]))
    figure = assets.pose(
        assets.tailor.dress(shape, outfit), posture, np.full((2, 5, 3), 0.5, 'f4')
    )
    low, high = figure.body.min(0), figure.body.max(0)
    middle = 0.5 * (low + high).astype(np.float64)
    eye = middle - (0, _DISTANCE, 0)
    focal = 0.84 * _DISTANCE * min(_SIZE[1] / (high[2] - low[2]), _SIZE[0] / (high[0] - low[0]))
    centre = 0.5 * (np.array(_SIZE) - 1)
    K = np.array([[focal, 0, centre[0]], [0, focal, centre[1]], [0, 0, 1]])
    view = SceneCamera(K, _SIZE, look_at(eye, middle), eye)
    room = sample_room(rng, float(low[2]), np.stack([eye, low, high]))
    drawing = render_meshes([figure.mesh], [0], room, view, focus=middle)
    lens = with_auto_exposure(Lens(), drawing.image, drawing.owner[::2, ::2] == 0)
    image = expose(drawing.image, lens)
    seen = view.project(view.to_camera(figure.keypoints))
    return np.hstack([_with_names(image, seen, skeleton) for skeleton in (COCO_17, H36M_17)])


def _with_names(
    image: NDArray[np.uint8], seen: NDArray[np.float64], skeleton: Skeleton
) -> NDArray[np.uint8]:
    drawn = image.copy()
    places = np.rint(seen[skeleton.indices_in(UNION)]).astype(int)
    for parent, child in skeleton.bones:
        cv2.line(drawn, places[parent].tolist(), places[child].tolist(), (255, 255, 255), 1, 16)
    for place, name in zip(places.tolist(), skeleton.keypoints, strict=True):
        cv2.circle(drawn, place, 4, _COLOURS[skeleton.name], -1, cv2.LINE_AA)
        if not name.startswith(('left_eye', 'right_eye', 'left_ear', 'right_ear')):
            at = (place[0] + 6, place[1] - 5)
            cv2.putText(drawn, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 2, 16)
            cv2.putText(drawn, name, at, cv2.FONT_HERSHEY_SIMPLEX, 0.36, (255, 255, 255), 1, 16)
    cv2.putText(drawn, skeleton.name, (8, 22), 0, 0.6, _COLOURS[skeleton.name], 2, cv2.LINE_AA)
    return drawn


def main() -> None:
    """Draw the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--motions', type=Path, required=True, help='as for `unihpe render`')
    parser.add_argument('--bodies', type=Path, help='as for `unihpe render`')
    parser.add_argument('--out', type=Path, required=True, help='folder')
    args = parser.parse_args()
    clips = find_clips(motion_folder(args.motions, args.out / '.motions'), 'train')
    bodies = load_bodies(args.bodies or args.out / '.bodies.npz')
    assets = PeopleAssets(bodies, load_motions(clips[:1], 10.0), bodies.shapes('train'))
    write_picture(args.out / 'conventions.jpg', draw_conventions(assets))


if __name__ == '__main__':
    main()
