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
from unihpe_ros.core.pose import person_scores, Poses, RootMode
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.engines.pose_model import PoseModelOutput
from unihpe_ros.newcomers import Newcomers, NOWHERE
from unihpe_ros.tracking.assemble import assemble_poses, carry_poses, coast, join_poses
from unihpe_ros.tracking.ego_motion import EgoMotion
from unihpe_ros.tracking.observations import build_observations, Observations
from unihpe_ros.tracking.refinement import TrackRefiner
from unihpe_ros.tracking.tracker import Tracker

# s in which the scores of a person who is not seen fall to 1/e.
_SCORE_FADE = 0.25
# Times the period before: longer is a pause.
_PAUSE = 3.0


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
        self._stamp, self._period = -math.inf, math.inf
        self._picture = (0, 0)
        # world_from_camera at the last image.
        self._camera_pose: NDArray[np.float64] | None = None
        # What positions depend on: whether they are relative, and whether the view is assumed.
        self._placing = (False, False)

    def _starts_over(
        self, stamp: float, size: tuple[int, int], settings: EstimatorSettings
    ) -> bool:
        """Whether to drop all tracks: time jumped, the size changed, or a reset was asked for."""
        jumped = stamp < self._stamp or self._is_pause(stamp - self._stamp, settings)
        return self.forget or jumped or size != self._picture

    def _is_pause(self, seconds: float, settings: EstimatorSettings) -> bool:
        """Whether there was no image for so long that people may have changed."""
        memory = max(settings.track_timeout, settings.lost_timeout)
        # With one image in many seconds, the image before is all that is known of people.
        return seconds > memory and seconds > _PAUSE * self._period

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
        if self._starts_over(stamp, size, settings):
            self._tracker.reset()
            self._refiner.keep(set())
            self._last = Poses.empty(UNION)
            self.forget = False
            self._stamp, self._period = -math.inf, math.inf
            self._newcomers.forget()
            self._camera_pose = None
        self._picture = size
        ego_motion = EgoMotion.between(self._camera_pose, world_from_camera, view)
        self._camera_pose = world_from_camera
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
        starts_over = self._starts_over(stamp, size, settings)
        known, missing = NOWHERE, True
        if not starts_over:
            ego_motion = EgoMotion.between(self._camera_pose, world_from_camera, view)
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

    def observe(
        self,
        image: CameraImage,
        sources: NDArray[np.intp],
        crops: Crops,
        output: PoseModelOutput,
        settings: EstimatorSettings,
    ) -> Observations:
        """
        Build observations of the crops that show somebody.

        Parameters
        ----------
        image, sources, crops
            See `aim`.
        output : PoseModelOutput
            What the network found in the crops.
        settings : EstimatorSettings
            See there.

        """
        least = settings.person_thresholds((sources < 0) & (image.boxes is None))
        rows = np.flatnonzero(person_scores(output.scores) >= least)
        if not len(rows):
            return Observations.none(UNION)
        if len(rows) < len(output):
            crops, sources, output = crops[rows], sources[rows], output.select(rows)
        observed = (output.scores >= settings.score_threshold) & (output.scores > 0)
        cut = np.asarray((crops.near_edge(output.keypoints_crop) & observed).any(-1))
        keypoints_2d = crops.to_image(output.keypoints_crop)
        return build_observations(
            crops,
            UNION,
            sources,
            keypoints_2d,
            output.scores,
            output.relative_3d,
            output.embeddings,
            output.agreement,
            cut,
            settings,
            image.image,
            image.reduction,
        )

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
            self._period, self._last = stamp - self._stamp, Poses.empty(UNION, mode)
            self._stamp = stamp
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
            fade = math.exp(-(stamp - self._stamp) / _SCORE_FADE)
            poses = join_poses(poses, coast(self._last, absent, fade, mode))
        self._period = stamp - self._stamp
        self._last, self._stamp = poses, stamp
        return poses

    def _keep_places(self, placing: tuple[bool, bool]) -> None:
        """Drop people's positions if the root mode, or whether the view is assumed, changed."""
        if placing != self._placing:
            self._placing = placing
            self._last = Poses.empty(UNION)
            self._tracker.forget_places()
            self._refiner.forget_places()
