"""Skeletons drawn into a picture."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.pose import Poses, RootMode

# RGB in [0, 1]; the person's own left is orange and right is blue.
SIDE_COLOURS = {'left': (1.0, 0.55, 0.1), 'right': (0.15, 0.5, 1.0), 'middle': (0.9, 0.9, 0.9)}

# OpenCV draws at 1/16 px: whole pixels make a slow person's bones jump.
_SHIFT = 4
# A person's lines are this share of the height thick.
_THICKNESS = 0.008
# What was not seen but worked out is drawn darker.
_PREDICTED = 0.45
# A dark edge around bones and letters, so that they stand out from any picture.
_EDGE = (20, 20, 20)
# Letters are this share of the picture's height, and at least so large, in OpenCV's scale.
_LETTERS, _LEAST_LETTERS = 0.0011, 0.4
_LINE_SPACING = 1.6
NO_LABELS: Mapping[int, str] = MappingProxyType({})


def draw_poses(
    image: NDArray[np.uint8], poses: Poses, words: Mapping[int, str] = NO_LABELS
) -> NDArray[np.uint8]:
    """
    Return a copy of an image with people's bones, keypoints, ids and distances.

    People and their bones are drawn from far to near, what is not observed is darker, and who has
    no place in the room has no distance.

    Parameters
    ----------
    image : NDArray[np.uint8]
        ``(H, W, 3)`` BGR.
    poses : Poses
        N people.
    words : Mapping[int, str]
        What is written below a person's id, as posture and gesture.

    Returns
    -------
    NDArray[np.uint8]
        ``(H, W, 3)`` BGR.

    """
    canvas = np.array(image, order='C')
    # What lies far outside is drawn nowhere, and its fixed-point position would overflow.
    limit = 2.0 * max(canvas.shape)
    drawable = (np.abs(poses.keypoints_2d) < limit).all(-1)
    depths = poses.keypoints_3d[..., 2]
    if poses.root_mode is RootMode.RELATIVE:
        depths = np.full_like(depths, np.nan)
    nearest = np.fmin.reduce(depths, axis=1, initial=np.inf)
    for person in np.argsort(-nearest, kind='stable').tolist():
        shown = drawable[person]
        if shown.any():
            place = _draw_person(canvas, poses, person, shown)
            word = words.get(int(poses.track_ids[person]), '')
            _draw_label(canvas, [_label(poses, person), *([word] if word else [])], place)
    return canvas


def _draw_person(
    canvas: NDArray[np.uint8], poses: Poses, person: int, shown: NDArray[np.bool_]
) -> list[int]:
    """Draw bones and keypoints, and return the pixel of the highest one."""
    skeleton, depths = poses.skeleton, np.nan_to_num(poses.keypoints_3d[person, :, 2])
    pixels = np.where(shown[:, None], poses.keypoints_2d[person], 0)
    fixed = np.rint(pixels * 2**_SHIFT).astype(int).tolist()
    heights = poses.keypoints_2d[person, shown, 1]
    thickness = max(1, round(_THICKNESS * float(np.ptp(heights))))
    light = np.where(poses.observed[person], 1, _PREDICTED).tolist()
    bones = [(a, b) for a, b in skeleton.bones if shown[a] and shown[b]]
    # From far to near, each with an edge: of bones that cross, the nearer one is on top.
    for parent, child in sorted(bones, key=lambda bone: -float(depths[list(bone)].sum())):
        ends, side = (fixed[parent], fixed[child]), skeleton.side(child)
        cv2.line(canvas, *ends, _EDGE, thickness + 2, cv2.LINE_AA, _SHIFT)
        bright = min(light[parent], light[child])
        cv2.line(canvas, *ends, _bgr(side, bright), thickness, cv2.LINE_AA, _SHIFT)
    radius = (thickness + 1) * 2**_SHIFT
    for index in np.flatnonzero(shown).tolist():
        colour = _bgr(skeleton.side(index), light[index])
        cv2.circle(canvas, fixed[index], radius, colour, cv2.FILLED, cv2.LINE_AA, _SHIFT)
    highest = int(np.flatnonzero(shown)[heights.argmin()])
    return [value >> _SHIFT for value in fixed[highest]]


def _label(poses: Poses, person: int) -> str:
    """Return a person's id, and how far away they are if that is known."""
    known = poses.keypoints_3d[person][np.isfinite(poses.keypoints_3d[person]).all(-1)]
    label = str(int(poses.track_ids[person]))
    if poses.root_mode is RootMode.RELATIVE or not len(known):
        return label
    # A distance by an assumed field of view is a guess.
    about = '~' if poses.is_view_assumed else ''
    return f'{label}  {about}{np.linalg.norm(known.mean(0)):.1f} m'


def _draw_label(canvas: NDArray[np.uint8], lines: list[str], place: list[int]) -> None:
    """Write lines of text above a pixel, inside of the picture."""
    height, width = canvas.shape[:2]
    font, scale = cv2.FONT_HERSHEY_SIMPLEX, max(_LETTERS * height, _LEAST_LETTERS)
    line = max(1, round(2 * scale))
    sizes = [cv2.getTextSize(text, font, scale, line)[0] for text in lines]
    wide, high = max(size[0] for size in sizes), sizes[0][1]
    step = round(_LINE_SPACING * high)
    x = min(max(place[0] + 6, 2), max(width - wide - 2, 2))
    last = min(max(place[1] - 6, high + 2 + (len(lines) - 1) * step), height - 2)
    for above, text in enumerate(reversed(lines)):
        for colour, thick in ((_EDGE, line + 3), ((255, 255, 255), line)):
            at = (x, last - above * step)
            cv2.putText(canvas, text, at, font, scale, colour, thick, cv2.LINE_AA)


def _bgr(side: str, light: float) -> tuple[float, ...]:
    return tuple(255 * light * channel for channel in reversed(SIDE_COLOURS[side]))
