"""One training sample: a person as the pose network gets to see them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.preprocess import PADDING
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.synthesis.drawing import draw
from unihpe_ros.synthesis.effects import encode_jpeg, expose, sample_lens
from unihpe_ros.synthesis.environment import sample_environment
from unihpe_ros.synthesis.labels import visibility
from unihpe_ros.synthesis.people import Cast, Figure, seated
from unihpe_ros.synthesis.props import (
    assemble,
    held_thing,
    random_rotation,
    seat_for,
    standing_thing,
    thing_materials,
    upright,
)
from unihpe_ros.synthesis.scene import Mesh, OWNER_HELD, OWNER_PROP, View
from unihpe_ros.synthesis.wardrobe import sample_outfit

Float32 = NDArray[np.float32]

# The stored picture is larger than the network's crop by this share on every side, so that
# training can turn, scale and shift it without meeting a border.
MARGIN = 0.25
_TRIES = 6
_MIN_VISIBLE = 5

# Which part of the body a truncated box shows, and how common that is.
_PARTS = (
    (tuple(range(13)), 0.4),
    (tuple(range(7)), 0.2),
    ((*range(7), 11, 12), 0.3),
    ((5, 6, *range(11, 17)), 0.1),
)


@dataclass(frozen=True)
class Sample:
    """
    A picture of one person with its labels; see docs/data_format.md.

    Parameters
    ----------
    jpeg : bytes
        The picture.
    keypoints_2d : Float32
        ``(26, 2)`` px.
    keypoints_3d : Float32
        ``(26, 3)`` m, camera optical frame.
    visibility : NDArray[np.uint8]
        ``(26,)`` 0 outside, 1 occluded, 2 visible.
    K : Float32
        ``(3, 3)`` Intrinsics of the picture.
    box : Float32
        ``(4,)`` x0 y0 x1 y1 of the whole body, px; may reach outside.
    aim : Float32
        ``(4,)`` The box that the picture was framed for: the body, or the part of it in view.
    height : float
        Standing height of the body, m.
    clip, frame, shape : int
        Where pose and body come from.

    """

    jpeg: bytes
    keypoints_2d: Float32
    keypoints_3d: Float32
    visibility: NDArray[np.uint8]
    K: Float32
    box: Float32
    aim: Float32
    height: float
    clip: int
    frame: int
    shape: int


def stored_size(size: tuple[int, int]) -> tuple[int, int]:
    """Size of the stored picture for a network's crop of `size` (w, h), px."""
    return round(size[0] * (1 + 2 * MARGIN)), round(size[1] * (1 + 2 * MARGIN))


def render_sample(
    cast: Cast,
    key: tuple[int, ...],
    size: tuple[int, int],
    photos: list[Float32] | None = None,
) -> Sample:
    """
    Make one sample, the same for the same key on any machine and in any order.

    Parameters
    ----------
    cast : Cast
        Bodies, clothes and motions.
    key : tuple[int, ...]
        Seed, split and number of the sample.
    size : tuple[int, int]
        (w, h) of the network's crop, px.
    photos : list[Float32] | None
        Linear pictures to use as backgrounds now and then.

    Returns
    -------
    Sample
        The picture and its labels.

    """
    for attempt in range(_TRIES):
        rng = np.random.default_rng([*key, attempt])
        sample = _render(cast, rng, size, photos or [])
        if (sample.visibility[: len(COCO_17)] == 2).sum() >= _MIN_VISIBLE:
            break
    return sample


def _render(
    cast: Cast, rng: np.random.Generator, size: tuple[int, int], photos: list[Float32]
) -> Sample:
    posture = cast.sample_posture(rng)
    sits = rng.random() < 0.14
    if sits:
        posture = seated(posture, rng)
    shape, figure = _sample_person(cast, rng, posture)
    ground = float(figure.body[:, 2].min())
    meshes, owners = [figure.mesh], [0]
    for _ in range(rng.choice(3, p=[0.68, 0.24, 0.08])):
        meshes.append(_neighbour(cast, rng, ground))
        owners.append(len(owners))
    view, aim = _sample_view(rng, figure, ground, size)
    if sits:
        meshes.append(_seat(rng, figure, ground))
        owners.append(OWNER_PROP)
    for mesh, owner in _sample_things(rng, figure, view, ground):
        meshes.append(mesh)
        owners.append(owner)
    environment = sample_environment(rng, ground, view.eye, photos)
    lens = sample_lens(rng)
    focus = figure.body.mean(0)
    drawing = draw(meshes, owners, environment, view, focus, 1.6, lens.background_blur)
    image = expose(drawing.image, lens, drawing.owner[::2, ::2] == 0)
    placed = view.to_camera(figure.keypoints)
    seen = view.project(placed)
    body_height = cast.bodies.height(shape)
    return Sample(
        jpeg=encode_jpeg(image, lens.jpeg_quality),
        keypoints_2d=seen.astype(np.float32),
        keypoints_3d=placed.astype(np.float32),
        visibility=visibility(seen, placed[:, 2], drawing, 0, body_height),
        K=view.K.astype(np.float32),
        box=view.box_of(figure.body),
        aim=aim,
        height=body_height,
        clip=posture.clip,
        frame=posture.frame,
        shape=shape,
    )


def _sample_person(cast, rng, posture):  # type: ignore[no-untyped-def]
    shape = int(rng.choice(cast.shapes))
    bodies = cast.bodies
    outfit = sample_outfit(rng, bodies.gender[shape] > 0.5, float(bodies.age[shape]))
    spread = rng.random((2, 5, 3), dtype=np.float32)
    return shape, cast.posed(cast.tailor.dress(shape, outfit), posture, spread)


def _neighbour(cast: Cast, rng: np.random.Generator, ground: float) -> Mesh:
    """Somebody else near the person, standing on the same floor."""
    _, figure = _sample_person(cast, rng, cast.sample_posture(rng))
    angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.45, 1.8)
    shift = np.array(
        [
            distance * np.cos(angle),
            distance * np.sin(angle),
            ground - figure.body[:, 2].min(),
        ],
        np.float32,
    )
    mesh = figure.mesh
    mesh.vertices[:] += shift
    return mesh


def look_at(
    eye: NDArray[np.floating], target: NDArray[np.floating], roll: float = 0.0
) -> NDArray[np.float64]:
    """``(3, 3)`` camera_from_world of a camera at `eye` that looks at `target`."""
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    down = np.cross(forward, right)
    c, s = np.cos(roll), np.sin(roll)
    return np.stack([c * right + s * down, c * down - s * right, forward])


def _sample_eye(rng: np.random.Generator, centre: Float32, ground: float) -> NDArray[np.float64]:
    """Where the camera is: half the time a robot's, else a photographer's or a ceiling's."""
    distance = np.exp(rng.uniform(np.log(1.4), np.log(9)))
    azimuth = rng.uniform(0, 2 * np.pi)
    kind = rng.choice(3, p=[0.45, 0.4, 0.15])
    if kind == 0:
        height = ground + rng.uniform(0.2, 2.0)
    elif kind == 1:
        height = ground + rng.normal(1.5, 0.15)
    else:
        height = centre[2] + distance * np.tan(rng.uniform(-0.2, 1.0))
    flat = np.sqrt(max(distance**2 - (height - centre[2]) ** 2, (0.35 * distance) ** 2))
    place = centre + flat * np.array([np.sin(azimuth), -np.cos(azimuth), 0])
    return np.array([place[0], place[1], max(height, ground + 0.15)])


def _sample_view(
    rng: np.random.Generator, figure: Figure, ground: float, size: tuple[int, int]
) -> tuple[View, Float32]:
    """Aim at the person, or a part of them, as a detector's box would."""
    centre = 0.5 * (figure.body.max(0) + figure.body.min(0))
    eye = _sample_eye(rng, centre, ground)
    points = figure.body
    if rng.random() < 0.28:
        chosen = _PARTS[rng.choice(len(_PARTS), p=[share for _, share in _PARTS])][0]
        points = figure.keypoints[list(chosen)]
        spread = 0.06 * float(np.ptp(figure.body[:, 2]).clip(0.6))
        points = np.concatenate([points - spread, points + spread])
    roll = rng.normal(0, 0.06) if rng.random() < 0.9 else rng.uniform(-0.6, 0.6)
    target = 0.5 * (points.max(0) + points.min(0)).astype(np.float64)
    K, rotation = np.eye(3), look_at(eye, target, roll)
    for _ in range(3):
        rotation = look_at(eye, target, roll)
        camera = (points - eye) @ rotation.T
        flat = camera[:, :2] / np.maximum(camera[:, 2:], 0.1)
        low, high = flat.min(0), flat.max(0)
        aim = np.array([*(0.5 * (low + high)), 1.0])
        target = eye + rotation.T @ aim * np.linalg.norm(target - eye)
    extent = (high - low) * PADDING
    width = max(extent[0], extent[1] * size[0] / size[1])
    stored = stored_size(size)
    K = np.array(
        [
            [size[0] / width, 0, 0.5 * (stored[0] - 1)],
            [0, size[0] / width, 0.5 * (stored[1] - 1)],
            [0, 0, 1],
        ]
    )
    view = View(K, stored, look_at(eye, target, roll), eye)
    return view, view.box_of(points)


def _seat(rng: np.random.Generator, figure: Figure, ground: float) -> Mesh:
    hips = figure.keypoints[UNION.indices('left_hip_joint', 'right_hip_joint')]
    knees = figure.keypoints[UNION.indices('left_knee', 'right_knee')]
    forward = (knees - hips).mean(0)
    facing = float(np.arctan2(forward[0], -forward[1]))
    top = max(float(hips[:, 2].min()) - 0.1 - ground, 0.1)
    place = np.array([*hips.mean(0)[:2], ground])
    return seat_for(rng, place, top, facing)


def _sample_things(
    rng: np.random.Generator, figure: Figure, view: View, ground: float
) -> list[tuple[Mesh, int]]:
    things: list[tuple[Mesh, int]] = []
    if rng.random() < 0.25:
        hand = figure.keypoints[UNION.index(rng.choice(['left_wrist', 'right_wrist']))]
        things.append((held_thing(rng, hand + rng.normal(0, 0.03, 3) - (0, 0, 0.05)), OWNER_HELD))
    if rng.random() < 0.24:
        for _ in range(rng.integers(1, 3)):
            things.append((_occluder(rng, figure, view, ground), OWNER_PROP))
    if rng.random() < 0.6:
        for _ in range(rng.integers(1, 6)):
            angle, distance = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 4)
            at = np.array([distance * np.cos(angle), distance * np.sin(angle), 0])
            at[:2] += figure.keypoints[UNION.index('pelvis')][:2]
            at[2] = ground
            if np.linalg.norm(at[:2] - view.eye[:2]) > 0.9:
                things.append((standing_thing(rng, at), OWNER_PROP))
    return things


def _occluder(rng: np.random.Generator, figure: Figure, view: View, ground: float) -> Mesh:
    """Something between the camera and the person."""
    target = figure.keypoints[rng.integers(len(COCO_17))]
    share = rng.uniform(0.3, 0.8)
    between = view.eye + (target - view.eye) * share + rng.normal(0, 0.12, 3) * share
    if rng.random() < 0.5:
        return standing_thing(rng, np.array([between[0], between[1], ground]))
    half = np.exp(rng.uniform(np.log(0.04), np.log(0.4), 3)) * share
    if rng.random() < 0.5:
        half[2] *= 3
    turn = random_rotation(rng) if rng.random() < 0.4 else upright(rng.uniform(0, 6.3))
    solid = ('box', 'cylinder', 'ball')[rng.integers(3)]
    return assemble([(solid, (0, 0, 0), half, 0)], thing_materials(rng), between, turn)
