"""Person detectors: the protocol, and the network that ships with the package."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.detector_output import Detections, read_detections
from unihpe_ros.core.image_input import REDUCTIONS
from unihpe_ros.core.letterbox import InputPicture, Letterbox
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.resources import DETECTOR, find_model_files
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.backend_choice import load_engine

SCORE_THRESHOLD = 0.3


class Detector(Protocol):
    """
    Finds people in whole images; derive from it to bring your own.

    Only `detect` has to be there, the rest has defaults.

    """

    def detect(self, image: NDArray[np.uint8], score_threshold: float) -> Detections:
        """
        Find the people in an image.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR, of any size.
        score_threshold : float
            Least score of a box.

        Returns
        -------
        Detections
            Boxes in px of the image, the surest first.

        """

    def reduction(self, size: tuple[int, int]) -> int:
        """Return by how much (1, 2, 4, 8) an image of (w, h) px may be reduced without loss."""
        del size
        return 1

    def close(self) -> None:
        """Release all memory."""


class PersonDetector(Detector):
    """
    Finds people in whole images with the network that ships, or with another of its kind.

    Parameters
    ----------
    model : str or Path
        See `find_detector`.
    backend, threads, precision
        See `unihpe_ros.engines.backend_choice.load_engine`.

    Attributes
    ----------
    spec, backend, notes
        Of the engine, see `unihpe_ros.engines.Engine`.

    Raises
    ------
    EngineError
        If the model cannot be loaded, or is no detector.

    Examples
    --------
    >>> detector = PersonDetector()
    >>> found = detector.detect(cv2.imread('people.jpg'))
    >>> found.boxes, found.scores

    """

    def __init__(
        self,
        model: str | Path = DETECTOR,
        *,
        backend: str = 'auto',
        threads: int = 0,
        precision: str = 'fp32',
    ) -> None:
        path = find_detector(model)
        self._engine = load_engine(
            path, backend=backend, threads=threads, max_people=1, precision=precision
        )
        self.spec: ModelSpec = self._engine.spec
        self.backend, self.notes = self._engine.backend, self._engine.notes
        if self.spec.branch != 'detector':
            self._engine.close()
            raise EngineError(f'{path}: expected a detector; got the {self.spec.branch} branch')
        self._input = InputPicture(self.spec)

    def detect(
        self, image: NDArray[np.uint8], score_threshold: float = SCORE_THRESHOLD
    ) -> Detections:
        """
        Find the people in an image.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR, of any size.
        score_threshold : float
            Least score of a box.

        Returns
        -------
        Detections
            Boxes in px of the image, the surest first; empty where nobody is seen.

        Raises
        ------
        ValueError
            If the image is no ``(H, W, 3)`` uint8.
        EngineError
            If the runtime fails, or the detector was closed.

        """
        if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
            raise ValueError(f'image: expected (H, W, 3) uint8; got {image.dtype} {image.shape}')
        picture, letterbox = self._input.fill(image)
        raw = self._engine.infer({'image': picture})['detections'][0]
        return read_detections(raw, letterbox, score_threshold)

    def reduction(self, size: tuple[int, int]) -> int:
        """Return by how much a picture of (w, h) px may be reduced without loss of detections."""
        least = Letterbox(size, self.spec.input_size).inner
        fitting = [n for n in REDUCTIONS if size[0] >= n * least[0] and size[1] >= n * least[1]]
        return max(fitting, default=1)

    def close(self) -> None:
        """Release the runtime's memory; `detect` may not be called any more."""
        self._engine.close()


def find_detector(model: str | Path) -> Path:
    """
    Find the file of a detector.

    Parameters
    ----------
    model : str or Path
        The file, its path without the suffix, or the name of one that ships.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    EngineError
        If there is none; the message names every path that was looked at.

    """
    try:
        return find_model_files(model, ('',))['']
    except FileNotFoundError as error:
        raise EngineError(
            f'detector {str(model)!r}: expected a model file; looked at {error}'
        ) from error
