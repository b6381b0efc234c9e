"""Arguments of the CUDA kernels: the structures of scene.cuh as NumPy arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
import math
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray
from unihpe_ros.core import simcc
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.model_spec import MISSING_SCORE, ModelSpec
from unihpe_ros.core.network_input import Normalisation
from unihpe_ros.core.reduction import halved_from_crop
from unihpe_ros.core.skeleton import UNION

MAX_HALVINGS = 14
# Encodings by ROS's names: number for the kernels, bytes per pixel, rows of bytes per row of
# pixels.
KERNEL_ENCODINGS = {
    'bgr8': (0, 3, 1.0),
    'rgb8': (1, 3, 1.0),
    'mono8': (2, 1, 1.0),
    'yuv422_yuy2': (3, 2, 1.0),
    'yuv422': (4, 2, 1.0),
    'nv12': (5, 1, 1.5),
    'nv21': (6, 1, 1.5),
    'bgra8': (7, 4, 1.0),
    'rgba8': (8, 4, 1.0),
}
_NO_LENS, _POLYNOMIAL, _FISHEYE = range(3)
_COEFFICIENTS = 12

_POINTER = 'u8'
LENS = np.dtype(
    [
        ('distorted_from_image', 'f8', (3, 3)),
        ('k', 'f8', _COEFFICIENTS),
        ('reach', 'f8'),
        ('focal', 'f8'),
        ('model', 'i8'),
    ]
)
VIEW = np.dtype(
    [
        *(('pixels', _POINTER), ('halved', _POINTER), ('pitch', 'i8')),
        ('offset', 'i8', MAX_HALVINGS + 1),
        *((name, 'i4') for name in ('width', 'height', 'encoding', 'halvings')),
        ('lens', LENS),
    ]
)
CROP = np.dtype(
    [
        ('image_from_crop', 'f8', (3, 3)),
        ('virtual_from_camera', 'f8', (3, 3)),
        ('scale', 'f8'),
        ('read_from_crop', 'f4', (3, 3)),
        *((name, 'i4') for name in ('view', 'halvings', 'unused')),
    ]
)


def _arguments(pointers: str, integers: str, floats: Sequence[Any] = ()) -> np.dtype[np.void]:
    """Return a kernel's structure: pointers, integers, floats, padded to whole pointers."""
    fields: list[Any] = [(name, _POINTER) for name in pointers.split()]
    fields += [(name, 'i4') for name in integers.split()]
    fields += floats
    used = np.dtype(fields).itemsize
    return np.dtype([*fields, ('unused', 'i4')] if used % 8 else fields)


# Kernel to the structure that it takes.
ARGUMENTS = {
    'halve': _arguments('views', 'halvings'),
    'cut': _arguments(
        'views crops batch', 'width height rgb', [('scale', 'f4', 3), ('offset', 'f4', 3)]
    ),
    'read_answer': _arguments(
        'simcc_x simcc_y visibility views crops keypoints rows',
        'count bins_x bins_y row cell',
        [
            *(('ratio', 'f4'), ('missing', 'f4'), ('reach', 'f4')),
            ('tolerance', 'f4', len(UNION)),
        ],
    ),
    'finish': _arguments('poses image_embedding pose_embedding rows', 'count width row'),
}


@dataclass(frozen=True)
class PixelLayout:
    """
    Memory layout of an image: size and encoding.

    Parameters
    ----------
    width, height : int
        px.
    encoding : str
        One of KERNEL_ENCODINGS; rows are not padded.

    """

    width: int
    height: int
    encoding: str = 'bgr8'

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array in host memory."""
        _, channels, planes = KERNEL_ENCODINGS[self.encoding]
        shape = (int(self.height * planes), self.width, channels)
        return shape[: 2 if channels == 1 else 3]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape)

    def offsets(self) -> list[int]:
        """Return the offset of each reduction in memory, bytes, and last the total size."""
        offsets = [0, 0]
        for halvings in range(1, MAX_HALVINGS + 1):
            pixels = (self.width >> halvings) * (self.height >> halvings)
            offsets.append(offsets[-1] + 3 * pixels)
        return offsets

    def fill(self, view: NDArray[np.void], pixels: int, halved: int) -> None:
        """Describe an image at these addresses to the kernels."""
        number, channels, _ = KERNEL_ENCODINGS[self.encoding]
        view['pixels'], view['halved'], view['pitch'] = pixels, halved, self.width * channels
        view['offset'] = self.offsets()[:-1]
        view['width'], view['height'], view['encoding'] = self.width, self.height, number


def fill_lens(lens: NDArray[np.void], camera: Camera) -> None:
    """Write the lens of a camera into the structure that the kernels read."""
    matrix = camera.K.copy()
    matrix[2] = 0, 0, 1
    lens['k'], lens['model'] = 0, _NO_LENS
    lens['focal'] = max(camera.K[0, 0], camera.K[1, 1])
    lens['reach'] = math.inf
    if camera.is_distorted:
        matrix[0, 1] = 0  # OpenCV's lens models have no skew.
        known = camera.distortion[:_COEFFICIENTS]
        lens['k'][: len(known)] = known
        lens['model'] = _FISHEYE if camera.is_fisheye else _POLYNOMIAL
        lens['reach'] = camera.reach
        if len(camera.distortion) > _COEFFICIENTS:
            matrix = matrix @ _tilt(*camera.distortion[_COEFFICIENTS:])
    lens['distorted_from_image'] = np.linalg.inv(matrix)


def fill_crops(
    rows: NDArray[np.void], view: NDArray[np.void], crops: Crops, size: tuple[int, int], index: int
) -> None:
    """
    Write the crops of one image, and how often to halve it, into the kernels' structures.

    Parameters
    ----------
    rows : NDArray
        ``(B,)`` of CROP.
    view : NDArray
        Of VIEW, filled by `PixelLayout.fill`.
    crops : Crops
        B crops.
    size : tuple[int, int]
        (w, h) of the crops, px.
    index : int
        Which view it is.

    """
    halvings = crops.halvings((int(view['width']), int(view['height'])))
    rows['image_from_crop'] = crops.image_from_crop
    rows['virtual_from_camera'] = crops.virtual_from_camera
    rows['scale'] = crops.focal / (0.5 * size[1])
    rows['read_from_crop'] = halved_from_crop(crops.image_from_crop, halvings)
    rows['view'], rows['halvings'] = index, halvings
    view['halvings'] = halvings.max()


def normalisation(spec: ModelSpec) -> dict[str, Any]:
    """Return the fields of 'cut' that say how grey levels become the image branch's input."""
    made = Normalisation(spec)
    return {'rgb': made.is_rgb, 'scale': made.scale, 'offset': made.offset}


def reading(spec: ModelSpec) -> dict[str, Any]:
    """Return the fields of 'read_answer' that say how SimCC is read, see `core.simcc`."""
    bins_x, bins_y = spec.bins
    tolerance = simcc.tolerances(bins_y)
    return {
        'count': len(spec.keypoints),
        'bins_x': bins_x,
        'bins_y': bins_y,
        'cell': simcc.cell_size(tolerance),
        'reach': simcc.reach(bins_y),
        'tolerance': tolerance,
        'ratio': spec.simcc_ratio,
        'missing': MISSING_SCORE,
    }


def arguments(kernel: str, **fields: Any) -> NDArray[np.void]:
    """Return a kernel's structure, ready to be passed."""
    filled = np.zeros((), ARGUMENTS[kernel])
    for name, value in fields.items():
        filled[name] = value
    return filled


class AnswerRows:
    """
    The result on the device: one row of floats for each person.

    Parameters
    ----------
    count : int
        Number of keypoints.
    width : int
        Extent of the embedding.

    Attributes
    ----------
    width : int
        Floats in a row.

    """

    def __init__(self, count: int, width: int) -> None:
        self._count = count
        self._ends = np.cumsum([2 * count, count, 3 * count, 1, width])
        self.width = int(self._ends[-1])

    def split(self, rows: NDArray[np.float32]) -> tuple[NDArray[np.float32], ...]:
        """Return copies of points, scores, poses, embeddings, agreement of ``(B, width)``."""
        points, scores, poses, agreement, embeddings = (
            part.copy() for part in np.split(rows, self._ends[:-1], axis=1)
        )
        k = self._count
        return (
            points.reshape(-1, k, 2),
            scores,
            poses.reshape(-1, k, 3),
            embeddings,
            agreement[:, 0],
        )


def array_part(array: NDArray[Any], dtype: DTypeLike, begin: int, count: int) -> NDArray[Any]:
    """Return `count` structures that begin at a byte of a flat array of bytes."""
    return array[begin : begin + count * np.dtype(dtype).itemsize].view(dtype)


def _tilt(about_x: float, about_y: float) -> NDArray[np.float64]:
    """Return the homography by which OpenCV's lens model tilts the sensor."""
    sin_x, cos_x = math.sin(about_x), math.cos(about_x)
    sin_y, cos_y = math.sin(about_y), math.cos(about_y)
    turn_x = np.array([[1, 0, 0], [0, cos_x, sin_x], [0, -sin_x, cos_x]])
    turn_y = np.array([[cos_y, 0, -sin_y], [0, 1, 0], [sin_y, 0, cos_y]])
    turn = turn_y @ turn_x
    onto = np.array([[turn[2, 2], 0, -turn[0, 2]], [0, turn[2, 2], -turn[1, 2]], [0, 0, 1]])
    return onto @ turn
