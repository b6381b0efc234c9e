"""State of one camera: predicts crops for the next image and tracks the people found in it."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.image_input import CameraImage, REDUCTIONS
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.image_sequence import ImageSequence
from unihpe_ros.newcomers import Newcomers, NOWHERE
from unihpe_ros.tracking.assemble import assemble_poses, carry_poses, coast, join_poses
from unihpe_ros.tracking.observations import Observations
from unihpe_ros.tracking.refinement import TrackRefiner
from unihpe_ros.tracking.tracker import Tracker

# s in which the scores of a person who is not seen fall to 1/e.
_SCORE_FADE = 0.25


class CameraStream:
    """
    Crops, tracks and filters of one camera.

    Parameters
    ----------
    spec : ModelSpec
        Size and padding of the crops.
    newcomers : Newcomers
        Finds the people who are not tracked yet.
    confirm_at_once : bool
        Whether a person gets an id in the first image, for images that no second one follows.

    Attributes
    ----------
    forget : bool
        Set it to drop all tracks before the next image; any thread may.

    """

    def __init__(
        self, spec: ModelSpec, newcomers: Newcomers, *, confirm_at_once: bool = False
    ) -> None:
        self.forget = False
        self._size, self._padding = spec.input_size, spec.padding
        self._newcomers = newcomers
        self._tracker = Tracker(UNION, confirm_at_once=confirm_at_once)
        self._refiner = TrackRefiner(UNION)
        self._last = Poses.empty(UNION)
        self._sequence = ImageSequence()
        # What positions depend on: whether they are relative, and whether the view is assumed.
        self._placing = (False, False)

    def predict(
        self,
        stamp: float,
        view: Camera,
        settings: EstimatorSettings,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> NDArray[np.float32]:
        """
        Predict the tracked people at a time; return their boxes ``(T, 4)`` px.

        `view` is the camera to work with, for `world_from_camera` see CameraImage.

        """
        size = view.width, view.height
        if self.forget or self._sequence.breaks(stamp, size, settings):
            self._tracker.reset()
            self._refiner.keep(set())
            self._last = Poses.empty(UNION)
            self.forget = False
            self._newcomers.forget()
            self._sequence = ImageSequence()
        ego_motion = self._sequence.ego_motion(view, world_from_camera)
        self._sequence.begin(size, world_from_camera)
        if ego_motion is not None:
            roots = self._tracker.roots()
            self._refiner.carry(ego_motion, roots, is_relative=self._placing[0])
            self._last = carry_poses(self._last, ego_motion, roots)
        return self._tracker.predict(stamp, size, settings, ego_motion)

    def reduction(
        self,
        stamp: float,
        view: Camera,
        given: Array | None,
        settings: EstimatorSettings,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> int:
        """
        Return by how much a picture may be reduced before `aim`; this changes nothing.

        Parameters
        ----------
        stamp : float
            When it was taken, s.
        view : Camera
            The camera to work with.
        given : NDArray, optional
            ``(N, 4)`` px, where people are, instead of the detector's.
        settings : EstimatorSettings
            See there.
        world_from_camera : NDArray[np.float64], optional
            See `predict`.

        Returns
        -------
        int
            The largest of 1, 2, 4 and 8 that leaves every crop at least as many pixels as the
            network reads, and the detector as many as its input has, if it looks.

        """
        size = view.width, view.height
        known, new, detects = self._expected(stamp, view, given, settings, world_from_camera)
        crops, _ = Crops.aim(np.concatenate([known, new]), view, self._size, self._padding)
        most = 2 ** int(crops.halvings(size).min(initial=len(REDUCTIONS) - 1))
        return min(most, self._newcomers.detector.reduction(size)) if detects else most

    def _expected(
        self,
        stamp: float,
        view: Camera,
        given: Array | None,
        settings: EstimatorSettings,
        world_from_camera: NDArray[np.float64] | None,
    ) -> tuple[NDArray[np.float32], Array, bool]:
        """Return the boxes of known people, those of newcomers, and whether the detector runs."""
        size = view.width, view.height
        starts_over = self.forget or self._sequence.breaks(stamp, size, settings)
        known, missing = NOWHERE, True
        if not starts_over:
            ego_motion = self._sequence.ego_motion(view, world_from_camera)
            known, missing = self._tracker.foresee(stamp, size, settings, ego_motion)
        if given is not None:
            return known, boxes.usable(given, size), False
        if starts_over:
            return known, NOWHERE, settings.detector != 'none'
        return known, *self._newcomers.expected(len(known), missing, stamp, settings)

    def aim(
        self,
        image: CameraImage,
        known: NDArray[np.float32],
        settings: EstimatorSettings,
        *,
        beside: bool = False,
    ) -> tuple[NDArray[np.intp], Crops]:
        """
        Return the crops of the next image: around tracked people, and where newcomers may be.

        Parameters
        ----------
        image : CameraImage
            The image.
        known : NDArray[np.float32]
            ``(T, 4)`` what `predict` returned for it.
        settings : EstimatorSettings
            See there.
        beside : bool
            See `unihpe_ros.newcomers.Newcomers.find`.

        Returns
        -------
        sources : NDArray[np.intp]
            ``(B,)`` row of the known person whose crop it is; -1 for a newcomer's.
        crops : Crops
            B crops of tracked people, and of places where newcomers may be.

        """
        view, tracker = image.view(settings), self._tracker
        missing = tracker.is_anybody_missing
        new = self._newcomers.find(
            image, known, tracker.tracks, settings, missing=missing, beside=beside
        )
        crops, made = Crops.aim(np.concatenate([known, new]), view, self._size, self._padding)
        if image.reduction > 1 and image.boxes is None:
            sharp = (2 ** crops.halvings(image.size) >= image.reduction) | (made < len(known))
            self._newcomers.postpone(new[made[~sharp] - len(known)])
            crops, made = crops[np.flatnonzero(sharp)], made[sharp]
        return np.where(made < len(known), made, -1), crops

    def update_tracks(
        self,
        observations: Observations,
        stamp: float,
        mode: RootMode,
        settings: EstimatorSettings,
        depth: NDArray[np.float32] | None = None,
        *,
        lifted: bool = False,
        assumed_view: bool = False,
    ) -> Poses:
        """
        Update the tracks with observations; return the poses of all tracked people.

        Parameters
        ----------
        observations : Observations
            What this image showed.
        stamp : float
            When it was taken, s.
        mode : RootMode
            How roots are placed.
        settings : EstimatorSettings
            See there.
        depth : NDArray[np.float32], optional
            ``(H, W)`` m.
        lifted : bool
            Whether all 3D is from 2D keypoints alone.
        assumed_view : bool
            Whether the camera is not calibrated.

        """
        self._keep_places((mode is RootMode.RELATIVE, assumed_view))
        if not len(observations) and self._tracker.knows_nobody:
            self._refiner.keep(set())
            self._sequence.finish(stamp)
            self._last = Poses.empty(UNION, mode)
            return self._last
        ids = self._tracker.update(observations, settings)
        rows = np.flatnonzero(ids)
        ids, observations = ids[rows], observations.select(rows)
        placed = self._refiner.refine(
            *(ids, observations, stamp, mode, settings, depth), assumed_view=assumed_view
        )
        self._refiner.keep(self._tracker.remembered())
        poses = assemble_poses(
            *(ids, observations, placed, UNION, mode, settings),
            lifted=lifted,
            assumed_view=assumed_view,
        )
        absent = self._tracker.predicted()
        if absent and len(self._last):
            fade = math.exp(-(stamp - self._sequence.stamp) / _SCORE_FADE)
            poses = join_poses(poses, coast(self._last, absent, fade, mode))
        self._sequence.finish(stamp)
        self._last = poses
        return poses

    def _keep_places(self, placing: tuple[bool, bool]) -> None:
        """Drop people's positions if the root mode, or whether the view is assumed, changed."""
        if placing != self._placing:
            self._placing = placing
            self._last = Poses.empty(UNION)
            self._tracker.forget_places()
            self._refiner.forget_places()
