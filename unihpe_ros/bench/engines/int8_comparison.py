"""Calibration inputs of an int8 copy, and its speed and outputs compared with fp32."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from time import process_time

import cv2
import numpy as np
from numpy.typing import NDArray
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.engines.demo_crops import demo_views
from unihpe_ros.core import simcc
from unihpe_ros.core.boxes import iou
from unihpe_ros.core.crops import Crops, InputBatch
from unihpe_ros.core.detector_output import read_detections
from unihpe_ros.core.geometry import Camera
from unihpe_ros.core.letterbox import InputPicture, Letterbox
from unihpe_ros.core.model_spec import ModelSpec
from unihpe_ros.core.resources import find_resource
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines import MissingBackendError
from unihpe_ros.engines.backend_choice import load_engine

_ROUNDS = 12


def calibration_inputs(
    spec: ModelSpec, folder: Path | None, count: int
) -> Iterator[NDArray[np.float32]]:
    """Yield inputs of the network, ``(1, 3, h, w)`` each."""
    if spec.branch == 'detector':
        whole_picture = InputPicture(spec)
        for picture in _pictures(folder, count):
            yield whole_picture.fill(picture)[0].copy()
        return
    batch = InputBatch(spec)
    if folder is None:
        crops = [batch.fill([view]).copy() for view in demo_views(spec, count)]
    else:
        crops = list(_people(spec, folder, batch))
    yield from np.concatenate(crops)[:count, None]


def _pictures(folder: Path | None, count: int) -> Iterator[NDArray[np.uint8]]:
    """Yield pictures of a folder, or of the rendered demo, spread over all of them."""
    if folder is None:
        reader = BagReader(find_resource('resource/demo/people'))
        step = max(1, reader.count // count)
        for image in reader.images():
            if image.number % step == 0:
                yield image.decode()
        return
    files = sorted(path for path in folder.rglob('*') if path.is_file())
    for path in files[:: max(1, len(files) // count)]:
        picture = cv2.imread(str(path))
        if picture is not None:
            yield np.asarray(picture, np.uint8)


def _people(spec: ModelSpec, folder: Path, batch: InputBatch) -> Iterator[NDArray[np.float32]]:
    """Yield crops of the people whom the detector finds in a folder's pictures."""
    with closing(PersonDetector(backend='onnxruntime-cpu')) as detector:
        for picture in _pictures(folder, 10_000):
            found = detector.detect(picture).boxes
            camera = Camera.from_fov(picture.shape[1], picture.shape[0], np.deg2rad(60))
            crops, _ = Crops.aim(found, camera, spec.input_size, spec.padding)
            if len(crops):
                yield batch.fill([(picture, crops)]).copy()


def compare_copy(
    path: Path, copy: Path, backend: str, inputs: list[NDArray[np.float32]]
) -> tuple[tuple[float, float], str] | None:
    """Return the CPU ms of fp32 and of int8, and in words how far their outputs differ."""
    try:
        engines = [load_engine(file, backend=backend, threads=1) for file in (path, copy)]
    except MissingBackendError:
        return None
    spent: list[list[float]] = [[], []]
    for number in range(_ROUNDS):
        for engine, times in zip(engines, spent, strict=True):
            begun = process_time()
            for array in inputs:
                engine.infer({'image': array})
            if number:
                times.append((process_time() - begun) / len(inputs))
    differs = _difference([engine.infer for engine in engines], inputs, engines[0].spec)
    for engine in engines:
        engine.close()
    fp32, int8 = (1e3 * float(np.median(times)) for times in spent)
    return (fp32, int8), differs


def _difference(
    runs: list[Callable[..., Mapping[str, NDArray[np.float32]]]],
    inputs: list[NDArray[np.float32]],
    spec: ModelSpec,
) -> str:
    """Return in words how far the outputs of two engines differ."""
    values = []
    for array in inputs:
        answers = [
            {name: out.copy() for name, out in run({'image': array}).items()} for run in runs
        ]
        if spec.branch == 'detector':
            letterbox = Letterbox(spec.input_size, spec.input_size)
            seen, again = (
                read_detections(answer['detections'][0], letterbox, 0.3) for answer in answers
            )
            values.extend(iou(seen.boxes, again.boxes).max(1, initial=0.0).tolist())
            continue
        (one, scores), (other, _) = (
            simcc.read_keypoints(found, spec.simcc_ratio) for found in answers
        )
        values.extend(np.hypot(*(one - other)[scores > 0.3].T).tolist())
    if not values:
        return 'nothing seen'
    if spec.branch == 'detector':
        return f'IoU of the boxes {np.median(values):.3f}, least {min(values):.3f}'
    share = np.percentile(values, 95)
    return f'{np.median(values):.2f} px of the crop, p95 {share:.2f}'
