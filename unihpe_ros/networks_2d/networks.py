"""Open a network of any family: it looks at crops, or at whole pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core.crops import InputBatch
from unihpe_ros.core.geometry import Array
from unihpe_ros.core.image_input import REDUCTIONS
from unihpe_ros.core.letterbox import Letterbox
from unihpe_ros.core.model_spec import FOREIGN
from unihpe_ros.core.network_input import Normalisation
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.engines.pose_model import View
from unihpe_ros.networks_2d.conventions import Conventions, read_settled
from unihpe_ros.networks_2d.family import CropFamily, PictureFamily
from unihpe_ros.networks_2d.picture_graph import PictureGraph
from unihpe_ros.networks_2d.recognise import CROP_FAMILIES, PICTURE_FAMILIES, recognise


class CropNetwork:
    """
    A network that reads the crop of one person.

    Parameters
    ----------
    name : str
        Its name.
    graph : PictureGraph
        The graph.
    family : CropFamily
        How its answer is read.
    conventions : Conventions
        How it is fed.

    """

    def __init__(
        self, name: str, graph: PictureGraph, family: CropFamily, conventions: Conventions
    ) -> None:
        self.graph, self.family, self.conventions = graph, family, conventions
        self.spec = conventions.spec(name)
        self._batch = InputBatch(self.spec)

    def prepare(self, views: Sequence[View]) -> NDArray[np.float32]:
        """Return the input for all crops of some images, see `unihpe_ros.core.crops`."""
        return self._batch.fill(views)

    def find(
        self, pictures: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Find the keypoints in crops.

        Parameters
        ----------
        pictures : NDArray[np.float32]
            ``(B, 3, h, w)`` from `prepare`.

        Returns
        -------
        keypoints : NDArray[np.float32]
            ``(B, K, 2)`` px of the crops.
        scores : NDArray[np.float32]
            ``(B, K)`` in [0, 1].

        """
        return self.family.read(self.graph.run(pictures), self.conventions)


class PictureNetwork:
    """
    A network that reads a whole picture and finds all people in it.

    Parameters
    ----------
    name : str
        Its name.
    graph : PictureGraph
        The graph.
    family : PictureFamily
        How its answer is read.
    conventions : Conventions
        How it is fed.

    """

    def __init__(
        self, name: str, graph: PictureGraph, family: PictureFamily, conventions: Conventions
    ) -> None:
        self.graph, self.family, self.conventions = graph, family, conventions
        self.spec = conventions.spec(name)
        self._normalisation = Normalisation(self.spec)
        w, h = self.spec.input_size
        self._buffer = np.empty((1, 3, h, w), np.float32)

    def find(self, image: NDArray[np.uint8], threshold: float) -> FoundPeople:
        """
        Find the people in a picture.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR.
        threshold : float
            Least score of a person's box.

        Returns
        -------
        FoundPeople
            Px of the picture, boxes cut to it.

        """
        size = image.shape[1], image.shape[0]
        letterbox = Letterbox(size, self.spec.input_size)
        (w, h), (x, y) = letterbox.inner, letterbox.offset
        if self.conventions.place == 'corner':
            x = y = 0
        grey = self.conventions.fill * self._normalisation.scale + self._normalisation.offset
        self._buffer[:] = grey[:, None, None]
        inner = self._buffer[0, :, y : y + h, x : x + w]
        self._normalisation.write(letterbox.fit(image), inner)
        answer = self.graph.run(self._buffer)
        found = self.family.read_people(answer, self.conventions, threshold)
        # Without half a pixel for the centres: these networks were trained on labels scaled so.
        scale = min(self.spec.input_size[0] / size[0], self.spec.input_size[1] / size[1])
        offset = np.array([x, y], np.float32)
        limit = np.tile(np.array(size, np.float32) - 1, 2)
        boxes = np.clip((found.boxes - np.tile(offset, 2)) / scale, 0, limit).astype(np.float32)
        keypoints: Array = (found.keypoints_2d - offset) / scale
        return FoundPeople(boxes, found.box_scores, keypoints.astype(np.float32), found.scores)

    def reduction(self, size: tuple[int, int]) -> int:
        """Return by how much a picture of (w, h) px may be reduced before the network's loss."""
        least = Letterbox(size, self.spec.input_size).inner
        fitting = [n for n in REDUCTIONS if size[0] >= n * least[0] and size[1] >= n * least[1]]
        return max(fitting, default=1)


def open_network(
    path: Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    progress: Callable[[str, float], object] | None = None,
) -> CropNetwork | PictureNetwork:
    """
    Load a 2D network of any known family.

    Parameters
    ----------
    path : Path
        The ONNX file.
    backend, threads, max_people, progress
        See `unihpe_ros.engines.backend_choice.load_engine`.

    Raises
    ------
    EngineError
        If it cannot be run, or is of no known family; the message says which outputs it has and
        why each family does not fit.

    """
    engine = load_engine(
        path, backend=backend, threads=threads, max_people=max_people, progress=progress
    )
    try:
        if engine.spec.branch != FOREIGN:
            raise EngineError(
                f'{path}: expected a 2D network of another maker; it is the {engine.spec.branch} '
                f'branch of {engine.spec.model}, which is given as model'
            )
        size = read_settled(path).get('input_size')
        graph = PictureGraph(path, engine, tuple(size) if isinstance(size, list) else None)
        family, conventions = recognise(path, graph.tensors)
    except BaseException:
        engine.close()
        raise
    for one in CROP_FAMILIES:
        if one is family:
            return CropNetwork(path.stem, graph, one, conventions)
    for other in PICTURE_FAMILIES:
        if other is family:
            return PictureNetwork(path.stem, graph, other, conventions)
    raise EngineError(f'{path}: expected crops or whole pictures of {family.name}')
