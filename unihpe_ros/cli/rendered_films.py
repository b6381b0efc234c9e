"""Render films with ground truth and store them as recordings."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
import math
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from unihpe_ros.synthesis.samples.sequence import Truth

# Midnight of 2026, UTC.
START_NS = 1_767_225_600 * 10**9
_CROWD_QUALITY = 90


def write_film(
    path: Path, film: Iterable[tuple[NDArray[np.uint8], Truth]], frames: int, quality: int
) -> None:
    """
    Write a film as a recording; it appears when all of it is written.

    Parameters
    ----------
    path : Path
        Folder of the recording.
    film : Iterable[tuple[NDArray[np.uint8], Truth]]
        Pictures with the truth about them.
    frames : int
        How many there will be.
    quality : int
        JPEG quality.

    """
    from tqdm import tqdm
    from unihpe_ros.bags.writer import BagWriter
    from unihpe_ros.core.geometry import Camera
    from unihpe_ros.synthesis.samples.demo_film import true_people

    with BagWriter(path, quality) as bag:
        for image, truth in tqdm(film, path.name, total=frames, unit='frame', leave=False):
            camera = Camera(truth.view.K, *truth.view.size)
            stamp = START_NS + round(1e9 * truth.stamp)
            pose = truth.view.world_from_camera
            bag.write(stamp, image, camera, true_people(truth), pose)


def find_films(
    folder: Path,
    seeds: Iterable[int],
    seconds: float,
    motions: Path | None,
    bodies: Path | None,
    *,
    is_moving: bool = False,
) -> list[Path]:
    """
    Find the films of 3 to 6 people who walk across each other's way; make those that lack.

    Parameters
    ----------
    folder : Path
        Where they are kept.
    seeds : Iterable[int]
        One film for each.
    seconds : float
        Length of each.
    motions : Path, optional
        Folder or archive of BVH clips, to make films of.
    bodies : Path, optional
        Cache of body shapes; in `folder` if it is not given.
    is_moving : bool
        Whether the camera turns and drives.

    Raises
    ------
    ValueError
        If one lacks and there are no clips.

    """
    from unihpe_ros.bench.tracking.films import FILM_RATE

    name = 'moving' if is_moving else 'crowd'
    films = {seed: folder / f'{name}_{seed}_{seconds:g}s_{FILM_RATE:g}fps' for seed in seeds}
    lacking = {seed: path for seed, path in films.items() if not path.is_dir()}
    if lacking:
        if motions is None:
            path = next(iter(lacking.values()))
            raise ValueError(f'{path}: is not rendered; expected --motions as well, to render it')
        baked = bodies or folder / '.bodies.npz'
        _make_films(lacking, seconds, motions, baked, is_moving=is_moving)
    return list(films.values())


def _make_films(
    films: dict[int, Path], seconds: float, motions: Path, baked: Path, *, is_moving: bool
) -> None:
    import numpy as np
    from unihpe_ros.bench.tracking.films import FILM_RATE
    from unihpe_ros.bench.tracking.simulated_people import CAMERA_HEIGHT, ways_about
    from unihpe_ros.bench.tracking.tracking_benchmark import CAMERA, people_of
    from unihpe_ros.synthesis.body.body_shapes import load_bodies
    from unihpe_ros.synthesis.motion.motion_bank import motion_folder
    from unihpe_ros.synthesis.samples.sequence import moving_robot, robot_camera
    from unihpe_ros.synthesis.samples.walkers import film_crowd, find_walks, Trajectory

    bodies = load_bodies(baked)
    walks = find_walks(motion_folder(motions, baked.parent / '.motions'))
    fov = 2 * math.atan(0.5 * CAMERA.width / CAMERA.K[0, 0])
    view = robot_camera((CAMERA.width, CAMERA.height), fov, CAMERA_HEIGHT)
    for seed, path in films.items():
        people = people_of(seed)
        about = ways_about(people, seconds, FILM_RATE, seed)
        moments = (about.places, about.headings, about.distances)
        places, headings, distances = (values.astype(np.float32) for values in moments)
        ways = [
            Trajectory(places[:, i], headings[:, i], distances[:, i], FILM_RATE)
            for i in range(people)
        ]
        camera = partial(moving_robot, view, phase=float(seed)) if is_moving else lambda _: view
        film = film_crowd(bodies, walks, ways, seconds, FILM_RATE, seed, camera)
        write_film(path, film, round(seconds * FILM_RATE), _CROWD_QUALITY)
