"""Drawing of what happens to one image, from the camera's message to the published skeletons."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from drawing.svg import Box, Picture, SOFT

WIDTH, CARD, GAP = 1200, Box(0, 0, 263, 144), 28


@dataclass(frozen=True)
class Step:
    """One thing that happens to an image: a name, the files that do it, words, and the result."""

    name: str
    files: tuple[str, ...]
    words: str
    result: str
    kind: str = 'runtime'


RECEIVED = (
    Step(
        'Receive',
        ('ros/camera_input.py',),
        'Takes raw or compressed images. Calibration, depth and boxes are stored.',
        'message',
        'spine',
    ),
    Step(
        'Keep the newest',
        ('ros/worker.py',),
        'One place per camera: a newer image replaces the waiting one. There is no queue.',
        'message',
        'spine',
    ),
)
WORKED = (
    Step(
        'Decode',
        ('ros/images.py', 'ros/compressed.py'),
        'Every encoding to BGR. JPEG smaller where people are large.',
        'image (H, W, 3)',
    ),
    Step(
        'Predict',
        ('camera_stream.py', 'tracking/prediction.py'),
        'Where the known people should be by now.',
        'boxes (T, 4) px',
    ),
    Step(
        'Detect newcomers',
        ('newcomers.py', 'detector.py'),
        'In its own thread, now and then. Used in a later image.',
        'boxes (S, 4) px',
    ),
    Step(
        'Crop',
        ('core/crops.py', 'core/preprocess.py'),
        'A virtual camera turned at each person; the lens is taken out.',
        'crops (B, 3, h, w)',
    ),
    Step(
        'Image branch',
        ('engines/host_model.py',),
        'The network, one batch for all people. On a GPU: device_model.py.',
        'SimCC, embedding',
    ),
    Step(
        'Read keypoints',
        ('core/simcc.py',),
        'The peak of each distribution, and its score.',
        'keypoints_2d, scores',
    ),
    Step(
        'Lifting branch',
        ('engines/host_model.py', 'core/network_input.py'),
        '2D keypoints and the image feature to 3D.',
        'relative_3d, agreement',
    ),
    Step(
        'Build observations',
        ('crop_observations.py', 'tracking/observations.py'),
        'The crops that show a person, with colours and position.',
        'Observations',
    ),
    Step(
        'Associate',
        ('tracking/association.py', 'tracking/tracker.py'),
        'Tracks by keypoints, boxes, position and colours.',
        'track_ids',
    ),
    Step(
        'Refine',
        ('tracking/refinement.py', 'tracking/root.py'),
        'Position in the room, bone lengths, smoothing.',
        'keypoints_3d, m',
    ),
    Step(
        'Assemble',
        ('tracking/assemble.py',),
        'Poses of observed people, and predicted ones of people lost a moment ago.',
        'Poses',
    ),
    Step(
        'Publish',
        ('ros/publishers.py', 'ros/clouds.py'),
        'With the image header; only topics with a subscriber.',
        'pose3d, markers, ...',
    ),
)
MEANWHILE = (
    'While the worker is busy, the executor goes on: services answer, and newer images replace '
    'the waiting one. The worker then takes the newest image of each camera; dropped ones are '
    'counted in /diagnostics. People are predicted by the time between stamps, so that a dropped '
    'image costs no id. While the detector runs, images with known people do not wait for it.'
)


def draw_image_path(package: Path) -> str:
    """Return the SVG of the way of one image; `package` is where the files have to be."""
    files = {file for step in (*RECEIVED, *WORKED) for file in step.files}
    if absent := sorted(file for file in files if not (package / file).is_file()):
        raise ValueError(f'docs/drawing/image_path.py names files that are gone: {absent}')
    picture = Picture(WIDTH, 900, 'The way of one image through unihpe_ros')
    picture.write(32, 46, 'The way of one image', size=24, bold=True)
    _lane(picture, Box(16, 68, 1168, 214), "the executor's thread: called by ROS, never waits")
    _lane(picture, Box(16, 296, 1168, 588), 'the worker thread: the newest image of each camera')
    for number, step in enumerate(RECEIVED):
        _card(picture, _place(number, 108), number + 1, step)
    note = Box(_place(2, 0).x, 108, 2 * CARD.w + GAP, CARD.h)
    picture.write(note.x + 6, note.y + 20, 'What if it takes longer than a frame?', bold=True)
    picture.paragraph(note.x + 6, note.y + 43, note.w - 8, MEANWHILE)
    for number, step in enumerate(WORKED):
        _card(picture, _place(number % 4, 338 + 190 * (number // 4)), number + 3, step)
    _arrows(picture)
    return picture.text


def _place(column: int, y: float) -> Box:
    return Box(32 + column * (CARD.w + GAP), y, CARD.w, CARD.h)


def _lane(picture: Picture, box: Box, words: str) -> None:
    picture.panel(box, 'lane', radius=12, width=1)
    # At the right, where no arrow comes in.
    x = box.right - 16
    picture.write(x, box.y + 26, words, size=14, colour=SOFT, bold=True, anchor='end')


def _card(picture: Picture, box: Box, number: int, step: Step) -> None:
    """Draw one step: what, where in the code, how, and what comes out."""
    picture.panel(box, step.kind)
    picture.write(box.x + 12, box.y + 25, f'{number}  {step.name}', size=16, bold=True)
    y = box.y + 45
    for file in step.files:
        picture.write(box.x + 12, y, file, size=13, mono=True)
        y += 17
    picture.paragraph(box.x + 12, y + 3, box.w - 16, step.words, size=13)
    picture.write(
        box.x + 12, box.bottom - 10, f'\N{RIGHTWARDS ARROW} {step.result}', bold=True, size=13.5
    )


def _arrows(picture: Picture) -> None:
    """Draw the order of the steps."""
    rows = [_place(0, 108), *(_place(0, 338 + 190 * row) for row in range(3))]
    for row in rows:
        y = row.y + row.h / 2
        for column in range(1 if row is rows[0] else 3):
            right = _place(column, row.y).right
            picture.arrow([(right, y), (right + GAP - 2, y)])
    for upper, lower in pairwise(rows):
        start = _place(1 if upper is rows[0] else 3, upper.y)
        turn = lower.y - 22 if upper is not rows[0] else 289
        x, end = start.middle, lower.middle
        picture.arrow([(x, start.bottom), (x, turn), (end, turn), (end, lower.y - 2)])
