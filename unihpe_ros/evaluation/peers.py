"""Predictions of other makers' 2D networks for people whose boxes are given."""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.datasets.records import DatasetError, Records
from unihpe_ros.evaluation.keypoint_report import ImageKeypoints
from unihpe_ros.evaluation.predictions import chosen_records


class KeypointFinder(Protocol):
    """
    A network that finds the keypoints of one person.

    Attributes
    ----------
    name : str
        Its name.

    """

    name: str

    def find(self, image: NDArray[np.uint8], camera: Camera, box: Array) -> tuple[Array, Array]:
        """
        Return the keypoints of the person in a box.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR.
        camera : Camera
            Of the image.
        box : NDArray
            ``(4,)`` px.

        Returns
        -------
        keypoints : NDArray
            ``(17, 2)`` COCO's, px of the image; NaN where it finds none.
        scores : NDArray
            ``(17,)`` in [0, 1].

        """


def find_keypoints(
    network: KeypointFinder, records: Records, limit: int | None = None
) -> ImageKeypoints:
    """
    Run a network on each person of a data set.

    Parameters
    ----------
    network : KeypointFinder
        The network.
    records : Records
        The people; those that can't be read are left out, as for the model beside it.
    limit : int, optional
        Records to use, evenly spread; without it all.

    Returns
    -------
    ImageKeypoints
        What it finds, px of the pictures.

    """
    keypoints, scores = [], []
    for index in tqdm(chosen_records(records, limit), desc=network.name, unit='person', delay=2):
        try:
            record = records[int(index)]
        except DatasetError:
            continue
        assert record.image is not None
        places, sure = network.find(record.image, record.camera, record.box)
        keypoints.append(places)
        scores.append(sure)
    return ImageKeypoints(np.stack(keypoints), np.stack(scores))
