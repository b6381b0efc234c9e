"""PoseEstimator: images in, poses out; the class that programs and the ROS node use."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import replace
import math
from pathlib import Path
from time import perf_counter

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.camera_stream import CameraStream
from unihpe_ros.core.geometry import Array, Camera
from unihpe_ros.core.image_input import CameraImage, check_pose, check_stamp
from unihpe_ros.core.keypoint_sets import in_union, keypoint_set
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.resources import DETECTOR, MODEL
from unihpe_ros.core.settings import EstimatorSettings
from unihpe_ros.core.skeleton import Skeleton, UNION
from unihpe_ros.detector import Detector
from unihpe_ros.detector_thread import DetectorThread
from unihpe_ros.engines.int8 import PrecisionNote
from unihpe_ros.engines.people_model import PeopleModel
from unihpe_ros.engines.pose_model import PoseModel
from unihpe_ros.estimator_networks import EstimatorNetworks, RuntimeOptions
from unihpe_ros.image_batch import STAGES
from unihpe_ros.lifting import lifted_people
from unihpe_ros.newcomers import Newcomers
from unihpe_ros.whole_pictures import finder

__all__ = ['STAGES', 'CameraImage', 'EstimatorSettings', 'PoseEstimator', 'PrecisionNote']

# A single image is looked at so often: first by the detector's boxes, then by the keypoints'.
_LOOKS = 2


class PoseEstimator:
    """
    Finds and follows people in the images of one or several cameras.

    Parameters
    ----------
    model : str, Path, PoseModel or PeopleModel
        Name of a shipped model or a path, see `unihpe_ros.engines.model_files.find_model`; or a
        network of your own, which you close.
    settings : EstimatorSettings
        See there.
    backend, threads, precision, progress
        How what is given by name runs, see `unihpe_ros.engines.backend_choice.load_engine`.
    streams : int
        Most cameras that one `estimate_batch` will hold.
    detector : str, Path or Detector
        Finds newcomers: name or path, see `unihpe_ros.detector.find_detector`; or a detector of
        your own, which you close. A PeopleModel needs none.
    model_2d : str or Path
        ONNX file of somebody's 2D network, see `unihpe_ros.networks_2d`: it looks at the images,
        and of the model only the lifting branch is used.
    detect_beside : bool
        Whether the detector runs in a thread of its own while known people are looked at. They do
        not wait for it, newcomers are looked at an image later, and answers depend on timing: off
        for offline work. An image may not be changed before the next two were answered.

    Attributes
    ----------
    spec, backend, notes
        Of the model, see `unihpe_ros.engines.pose_model.PoseModel`.
    stage_times : dict[str, float]
        Seconds that each of `STAGES` took in the last call.

    Raises
    ------
    EngineError
        If the model cannot be loaded, its two files do not belong together, or its keypoints are
        not those of `UNION`.

    """

    def __init__(
        self,
        model: str | Path | PoseModel | PeopleModel = MODEL,
        settings: EstimatorSettings | None = None,
        *,
        backend: str = 'auto',
        threads: int = 0,
        precision: str = 'fp32',
        streams: int = 1,
        detector: str | Path | Detector = DETECTOR,
        model_2d: str | Path = '',
        detect_beside: bool = False,
        progress: Callable[[str, float], object] | None = None,
    ) -> None:
        self._settings = settings or EstimatorSettings()
        options = RuntimeOptions(
            backend,
            threads,
            precision,
            # Beside the images it may slow one of them down by one thread at most.
            detector_threads=threads or int(detect_beside),
            max_people=self._settings.max_people * streams,
            progress=progress,
        )
        self._networks = EstimatorNetworks(model, model_2d, detector, options)
        self._model = self._networks.model
        self._find = finder(self._model)
        self._people_model = self._model if isinstance(self._model, PeopleModel) else None
        self._detector = self._networks.detector
        self.spec, self.backend = self._model.spec, self._model.backend
        self.notes = self._networks.notes
        self.stage_times = dict.fromkeys(STAGES, 0.0)
        self._thread = DetectorThread() if detect_beside else None
        self._streams: dict[str, CameraStream] = {}

    @property
    def settings(self) -> EstimatorSettings:
        """The settings in effect."""
        return self._settings

    def configure(self, settings: EstimatorSettings) -> None:
        """Replace the settings; another thread may do so, the next call follows them."""
        self._settings = settings

    def reset(self) -> None:
        """Forget everybody before the next image; another thread may ask for it."""
        for stream in list(self._streams.values()):
            stream.forget = True

    def close(self) -> None:
        """Release the engines that were loaded by name."""
        # A detector that has not returned keeps its memory: freeing that would crash the process.
        hangs = self._thread is not None and not self._thread.close()
        self._networks.close(but_detector=hangs)

    def estimate(
        self,
        image: NDArray[np.uint8],
        camera: Camera | None,
        stamp: float,
        *,
        stream: str = '',
        boxes: Array | None = None,
        depth: NDArray[np.float32] | None = None,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> Poses:
        """
        Find the people in the next image of a stream.

        Parameters
        ----------
        image : NDArray[np.uint8]
            ``(H, W, 3)`` BGR.
        camera : Camera, optional
            Intrinsics of this image; without them a view is assumed, and people are flagged so.
        stamp : float
            When the image was taken, s. A time before the last one's forgets everybody, as does
            an image of another size.
        stream : str
            Name of the camera: each has people of its own.
        boxes : NDArray, optional
            ``(N, 4)`` px, where people are, instead of the detector's.
        depth : NDArray[np.float32], optional
            ``(H, W)`` m along the optical axis, aligned with the image; 0 or NaN where unknown.
        world_from_camera : NDArray[np.float64], optional
            ``(4, 4)`` where a moving camera is, see CameraImage.

        Returns
        -------
        Poses
            In the UNION skeleton, ordered by id. A newcomer appears when two looks in a row agree,
            with the second image that shows them at the earliest. A person who is not seen any
            more is predicted for `track_timeout`, with falling scores and no keypoint flagged
            OBSERVED; a person who comes back within `lost_timeout` gets the same id.

        Raises
        ------
        ValueError, EngineError
            If the image or what comes with it is malformed, or the runtime fails.

        """
        given = (image, camera, stamp, stream, boxes, depth)
        return self.estimate_batch([CameraImage(*given, world_from_camera=world_from_camera)])[0]

    def estimate_image(
        self,
        image: NDArray[np.uint8],
        camera: Camera | None = None,
        *,
        boxes: Array | None = None,
        depth: NDArray[np.float32] | None = None,
    ) -> Poses:
        """
        Find the people in one image that belongs to no stream.

        All people seen are returned, with ids from 1 to N, and none is remembered; for the rest
        see `estimate`.
        """
        settings = replace(self._settings, confirm_time=0.0)
        with self._thread.at_work if self._thread else nullcontext():
            for _ in range(1 if self._people_model else _LOOKS):
                newcomers = Newcomers(self._detector)
                stream = CameraStream(self.spec, newcomers, confirm_at_once=True)
                given = CameraImage(image, camera, 0.0, boxes=boxes, depth=depth)
                (poses,), _ = self._find([stream], [given], settings)
                boxes = poses.boxes
        return poses

    def estimate_batch(self, images: Sequence[CameraImage]) -> list[Poses]:
        """
        Find the people in one image of each of several streams; all crops are one batch.

        Returns the poses for each image, see `estimate`. Two images of one stream are a
        ValueError.
        """
        names = [image.stream for image in images]
        if len(set(names)) < len(names):
            raise ValueError(f'images: expected each of another stream; got {names}')
        streams = [self._stream(name) for name in names]
        answers, self.stage_times = self._find(streams, images, self._settings)
        return answers

    def reduction(
        self,
        size: tuple[int, int],
        camera: Camera | None,
        stamp: float,
        *,
        stream: str = '',
        boxes: Array | None = None,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> int:
        """
        Return by how much the next picture of a stream may be reduced while it is decoded.

        Where people are large, the network reads fewer pixels than the picture has. The result is
        1, 2, 4 or 8; the reduced picture goes to `estimate_batch` as a CameraImage with `size`,
        (w, h) px, as `whole_size`. Without asking, or with less reduction, only time is lost.
        """
        if self._people_model is not None:
            return self._people_model.reduction(size)
        settings = self._settings
        view = camera or Camera.from_fov(*size, math.radians(settings.default_fov_deg))
        return self._stream(stream).reduction(stamp, view, boxes, settings, world_from_camera)

    def lift(
        self,
        keypoints_2d: Array,
        scores: Array,
        camera: Camera,
        stamp: float,
        *,
        skeleton: Skeleton | str = UNION,
        stream: str = '',
        depth: NDArray[np.float32] | None = None,
        world_from_camera: NDArray[np.float64] | None = None,
    ) -> Poses:
        """
        Place and follow people whose 2D keypoints are known, without an image.

        Parameters
        ----------
        keypoints_2d : NDArray
            ``(N, K, 2)`` px; NaN or (0, 0) where unknown.
        scores : NDArray
            ``(N, K)`` in [0, 1]; 0 or NaN where unknown.
        camera, stamp, stream, depth, world_from_camera
            Of the image that the keypoints are of, see `estimate`.
        skeleton : Skeleton or str
            The keypoint set, or its name in `unihpe_ros.core.keypoint_sets.KEYPOINT_SETS`;
            keypoints of the network that are not in it are found in 3D only.

        Returns
        -------
        Poses
            See `estimate`; every keypoint is flagged LIFTED, and `agreement` is unknown.

        Raises
        ------
        ValueError, EngineError
            If the shapes or the stamp are malformed, or the runtime fails.

        """
        check_stamp(stamp)
        check_pose(world_from_camera)
        names = keypoint_set(skeleton) if isinstance(skeleton, str) else skeleton
        given = in_union(keypoints_2d, scores, names)
        settings, times, begun = self._settings, dict.fromkeys(STAGES, 0.0), perf_counter()
        state = self._stream(stream)
        state.predict(stamp, camera, settings, world_from_camera)
        observations = lifted_people(self._model, *given, camera, settings)
        times['lifting_branch'] = perf_counter() - begun
        begun = perf_counter()
        found = (observations, stamp, settings.resolve(depth is not None), settings, depth)
        poses = state.update_tracks(*found, lifted=True, assumed_view=camera.assumed)
        self.stage_times = {**times, 'track': perf_counter() - begun}
        return poses

    def _stream(self, name: str) -> CameraStream:
        if name not in self._streams:
            newcomers = Newcomers(self._detector, self._thread, name)
            self._streams[name] = CameraStream(self.spec, newcomers)
        return self._streams[name]
