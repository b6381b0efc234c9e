"""
Image in, poses out: crop, infer, decode, lift, locate, track.

This is the one class that a user of the library calls; the ROS node is a thin shell around it.

"""

from __future__ import annotations

import math
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.core import boxes
from unihpe_ros.core.crops import Crops
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.placement import place, scale_to_stature
from unihpe_ros.core.pose import Poses, RootMode
from unihpe_ros.core.search import Search
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.sightings import coast, join, person_scores, Sightings
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.core.tracking import Tracker
from unihpe_ros.engines.branches import load_branches, LOOK_STAGES

__all__ = ['EstimatorSettings', 'PoseEstimator']

STAGES = (*LOOK_STAGES, 'locate', 'track')
# Search windows in each frame until somebody is found.
_EAGER_SEARCH = 4
# s in which the scores of a person who is not seen fall to 1/e.
_SCORE_FADE = 0.25


class PoseEstimator:
    """
    Finds and follows people in a stream of images.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.pair.find_model`.
    settings : EstimatorSettings
        See there.
    backend : str
        See `unihpe_ros.engines.load_engine`.
    threads : int
        CPU threads; 0 lets the engine choose.

    Attributes
    ----------
    spec : ModelSpec
        What the image branch says about itself.
    backend : str
        Which runtime and device run it.
    stage_times : dict[str, float]
        Seconds that each of `STAGES` took in the last call.

    Raises
    ------
    EngineError
        If the model cannot be loaded, or its two files do not belong together.

    """

    def __init__(
        self,
        model: str | Path,
        settings: EstimatorSettings | None = None,
        *,
        backend: str = 'auto',
        threads: int = 0,
    ) -> None:
        self._settings = settings or EstimatorSettings()
        self._branches = load_branches(
            model, backend=backend, threads=threads, max_people=self._settings.max_people
        )
        self.spec: ModelSpec = self._branches.spec
        self.backend = self._branches.backend
        self.stage_times = dict.fromkeys(STAGES, 0.0)
        self._search = Search(self.spec.input_size[0] / self.spec.input_size[1])
        self._tracker = Tracker(UNION)
        self._last = Poses.empty(UNION)
        self._stamp = -math.inf
        self._size = (0, 0)
        self._forget = False

    @property
    def settings(self) -> EstimatorSettings:
        """The settings in effect."""
        return self._settings

    def configure(self, settings: EstimatorSettings) -> None:
        """Replace the settings; another thread may do so, the next call follows them."""
        self._settings = settings

    def reset(self) -> None:
        """Forget everybody before the next image; another thread may ask for it."""
        self._forget = True

    def close(self) -> None:
        """Release the engines."""
        self._branches.close()

    def estimate(self, image: NDArray[np.uint8], camera: Camera | None, stamp: float) -> Poses:
        """
        Find the people in the next image of the stream.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR.
        camera : Camera, optional
            Intrinsics of this image; without them a default field of view is assumed.
        stamp : float
            When the image was taken, s. A time before the last one's forgets everybody, as does
            an image of another size.

        Returns
        -------
        Poses
            In the UNION skeleton, ordered by id. A newcomer appears when two looks in a row agree,
            with the second image that shows them at the earliest. A person who is not seen any
            more stays for `track_timeout`, with falling scores and no keypoint flagged OBSERVED.

        Raises
        ------
        ValueError
            If the image, the camera or the stamp is malformed.
        EngineError
            If the runtime fails.

        """
        settings, laps = self._settings, _Laps()
        view = _view(image, camera, stamp, settings)
        mode = settings.resolve(camera is not None)
        size = (view.width, view.height)
        if self._forget or stamp < self._stamp or size != self._size:
            self._start_over()
        sources, crops = self._aim(view, stamp, settings)
        sightings = Sightings.none(UNION)
        if len(crops):
            sightings = self._see(image, sources, crops, mode, settings, laps)
        ids = self._tracker.update(sightings, settings)
        poses = sightings.report(ids, UNION, mode, settings)
        absent = self._tracker.coasting()
        if absent and self._last.root_mode is mode:
            fade = math.exp(-(stamp - self._stamp) / _SCORE_FADE)
            poses = join(poses, coast(self._last, absent, fade))
        self._last, self._stamp, self._size = poses, stamp, size
        laps('track')
        self.stage_times = laps.seconds
        return poses

    def _start_over(self) -> None:
        self._tracker.reset()
        self._search.reset()
        self._last = Poses.empty(UNION)
        self._forget = False

    def _aim(
        self, view: Camera, stamp: float, settings: EstimatorSettings
    ) -> tuple[NDArray[np.intp], Crops]:
        """Return crops of the people followed and of a few search windows, and whose they are."""
        size = (view.width, view.height)
        known = self._tracker.predict(stamp, size, settings.track_timeout)
        count = settings.search_crops if self._tracker.knows_anybody else _EAGER_SEARCH
        count = min(count, settings.max_people - len(known))
        places = np.concatenate([known, self._search.windows(size, count, known)])
        sources = np.where(np.arange(len(places)) < len(known), np.arange(len(places)), -1)
        crops, made = Crops.aim(places, view, self.spec.input_size, self.spec.padding)
        return sources[made], crops

    def _see(
        self,
        image: NDArray[np.uint8],
        sources: NDArray[np.intp],
        crops: Crops,
        mode: RootMode,
        settings: EstimatorSettings,
        laps: _Laps,
    ) -> Sightings:
        """Run both branches and return those crops that show somebody."""
        looks = self._branches.look([(image, crops)], settings.score_threshold)
        for stage in LOOK_STAGES:
            laps.seconds[stage] += self._branches.stage_times[stage]
        laps.skip()
        rows = np.flatnonzero(person_scores(looks.scores) >= settings.score_threshold)
        if not len(rows):
            return Sightings.none(UNION)
        crops, points, scores = crops.select(rows), looks.points[rows], looks.scores[rows]
        pixels = crops.to_image(points)
        rays = crops.rays(pixels)
        relative: Array = looks.poses3d[rows]
        if settings.person_height_m:
            relative = scale_to_stature(relative, UNION, settings.person_height_m)
        weights = np.where(scores >= settings.score_threshold, scores, 0)
        root, pixels = place(relative, pixels, rays, weights, crops)
        around = boxes.around(pixels)
        points_3d = relative if mode is RootMode.RELATIVE else relative + root[:, None]
        sightings = Sightings(
            sources=sources[rows],
            boxes=boxes.clip(around, (crops.camera.width, crops.camera.height)),
            keypoints_2d=pixels.astype(np.float32),
            keypoints_3d=crops.to_camera(points_3d).astype(np.float32),
            scores=scores,
            agreement=looks.agreement[rows],
            cut=np.count_nonzero(crops.near_edge(points) & (weights > 0), axis=-1) > 0,
        )
        laps('locate')
        return sightings


class _Laps:
    """A stopwatch: each call adds the time since the last one to a stage."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STAGES, 0.0)
        self._last = perf_counter()

    def skip(self) -> None:
        """Leave out the time since the last one."""
        self._last = perf_counter()

    def __call__(self, stage: str) -> None:
        now = perf_counter()
        self.seconds[stage] += now - self._last
        self._last = now


def _view(
    image: NDArray[np.uint8], camera: Camera | None, stamp: float, settings: EstimatorSettings
) -> Camera:
    """Check the input and return the camera to work with."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise ValueError(f'image: expected (H, W, 3) uint8; got {image.shape} {image.dtype}')
    if not math.isfinite(stamp):
        raise ValueError(f'stamp: expected a finite time, s; got {stamp}')
    height, width = image.shape[:2]
    if camera is None:
        return Camera.from_fov(width, height, math.radians(settings.default_fov_deg))
    if (camera.width, camera.height) != (width, height):
        raise ValueError(
            f'camera: expected the size of the image, {width}x{height}; '
            f'got {camera.width}x{camera.height}'
        )
    return camera
