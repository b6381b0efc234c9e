"""COCO's keypoints of one person whose box is known, by a network of any family."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.keypoint_sets import in_union
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.engines.people_model import FoundPeople
from unihpe_ros.networks_2d.networks import CropNetwork, PictureNetwork

# Least IoU with the given box of the person in it, in a whole picture.
_SAME_IOU = 0.3
# Least score of a box that is compared: for a fair comparison nearly all boxes of a network count.
_LEAST_SCORE = 0.05


class OnePerson:
    """
    Finds the keypoints of the person in a box.

    Parameters
    ----------
    network : CropNetwork or PictureNetwork
        The network; one that reads whole pictures is asked for everybody, and the person whose box
        is nearest to the given one is taken.

    Attributes
    ----------
    name : str
        Of the network.

    """

    def __init__(self, network: CropNetwork | PictureNetwork) -> None:
        self._network, self.name = network, network.spec.model
        # The people of one picture come one after the other, so the last result is kept.
        self._last: tuple[NDArray[np.uint8], FoundPeople] | None = None

    def find(self, image: NDArray[np.uint8], camera: Camera, box: Array) -> tuple[Array, Array]:
        """
        Return the keypoints of one person.

        It is a `KeypointFinder` of `unihpe_ros.evaluation.peers`, where shapes and units are said.

        """
        coco = COCO_17.indices_in(UNION)
        if isinstance(self._network, CropNetwork):
            spec = self._network.spec
            crops, _ = Crops.aim(box[None], camera, spec.input_size, spec.padding)
            if not len(crops):
                return np.full((17, 2), np.nan), np.zeros(17)
            found, scores = self._network.find(self._network.prepare([(image, crops)]))
            points = crops.to_image(found)
        else:
            points, scores = self._nearest(self._network, image, box)
        places, sure = in_union(points, scores, self._network.conventions.skeleton)
        return places[0, coco], sure[0, coco]

    def _nearest(
        self, network: PictureNetwork, image: NDArray[np.uint8], box: Array
    ) -> tuple[Array, Array]:
        if self._last is None or not np.array_equal(self._last[0], image):
            self._last = image, network.find(image, _LEAST_SCORE)
        people = self._last[1]
        overlap = boxes.iou(box[None].astype(np.float64), people.boxes)[0]
        if not len(people) or overlap.max() < _SAME_IOU:
            k = len(network.conventions.skeleton)
            return np.full((1, k, 2), np.nan), np.zeros((1, k))
        best = [int(overlap.argmax())]
        return people.keypoints_2d[best], people.scores[best]
