"""Import of labelled photographs: COCO-format annotations and pictures become one folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
import json
from pathlib import Path
import tarfile
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm
from unihpe_ros.core.files import replacing_folder
from unihpe_ros.datasets.coco import check_people, read_annotations
from unihpe_ros.datasets.detector_boxes import DetectorBoxes
from unihpe_ros.datasets.photo_labels import PhotoLabels, read_teacher
from unihpe_ros.datasets.records import DatasetError

PHOTO_FORMAT = 1
# Photographs are stored as JPEG: five times faster to decode than WebP, and hardly changed at 95.
_QUALITY = [cv2.IMWRITE_JPEG_QUALITY, 95]


@dataclass
class Imported:
    """
    Result of an import: what was stored, and what was left out.

    Parameters
    ----------
    pictures, people : int
        Stored.
    left_out : list[str]
        A line for each picture or annotation that could not be used, with the reason.

    """

    pictures: int = 0
    people: int = 0
    left_out: list[str] = field(default_factory=list)


def import_photos(
    annotations: Path,
    pictures: Path,
    out: Path,
    *,
    longest: int = 640,
    teacher: Path | None = None,
    boxes: Path | None = None,
) -> Imported:
    """
    Read COCO-format annotations with their pictures and write a folder for training.

    Parameters
    ----------
    annotations : Path
        JSON in COCO's keypoint format, plain or .xz. Of each picture the optional fields
        `source`, `licence_class`, `stretched` and `labels_full` are kept, of each person
        `keypoint_scores` and `witness_agrees`, which weigh labels that were not set by hand.
    pictures : Path
        Folder or tar of the pictures, by their `file_name`.
    out : Path
        Folder to make: manifest.json, labels.npz and pictures.jpegs.
    longest : int
        Pictures whose longer side is longer than this are reduced to it, px.
    teacher : Path, optional
        .npz of another network's keypoints of the same people (`annotation_id` (M,), `keypoints`
        (M, 17, 2) px, `scores` (M, 17)): fills missing labels, and lowers the weight of labels
        that it places elsewhere.
    boxes : Path, optional
        .npz of a detector's boxes in the same pictures (see `DetectorBoxes`): people without a
        label are added by their box alone, and every picture counts as `labels_full`.

    Returns
    -------
    Imported
        Numbers, and what was left out and why.

    Raises
    ------
    DatasetError
        If the annotations are not readable, or no picture at all could be stored.

    """
    images, people = read_annotations(annotations)
    check_people(people, {image['id']: 0 for image in images}, annotations)
    taught = read_teacher(teacher) if teacher else {}
    detected = DetectorBoxes(boxes) if boxes else None
    by_image: dict[int, list[dict[str, Any]]] = {}
    for person in people:
        by_image.setdefault(person['image_id'], []).append(person)
    done = Imported()
    wanted = {image['file_name']: image for image in images}
    found: set[str] = set()
    labels = PhotoLabels()
    with replacing_folder(out) as partial:
        partial.mkdir()
        with (partial / 'pictures.jpegs').open('wb') as file:
            bar = tqdm(total=len(wanted), desc='importing', unit='picture', delay=2)
            for name, data in picture_files(pictures, wanted, done.left_out.append):
                bar.update()
                found.add(name)
                stored = _store(data, longest)
                if stored is None:
                    done.left_out.append(f'{name}: not a picture that OpenCV can read')
                    continue
                coded, scale, size = stored
                file.write(coded)
                image = wanted[name]
                labels.add_picture(image, len(coded), size, detected is not None)
                for person in by_image.get(image['id'], ()):
                    labels.add_person(person, scale, taught.get(person['id']), done.left_out)
                if detected is not None:
                    labels.add_boxes(detected, by_image.get(image['id'], ()), scale)
            bar.close()
        missing = [name for name in wanted if name not in found]
        done.left_out += [f'{name}: not among the pictures of {pictures}' for name in missing]
        done.pictures, done.people = len(labels.pictures), len(labels.people)
        if not done.pictures:
            raise DatasetError(
                f'{pictures}: expected pictures named in {annotations}; '
                f'{done.left_out[0] if done.left_out else "it names none"}'
            )
        labels.write(partial / 'labels.npz')
        manifest = {
            'format': PHOTO_FORMAT,
            'kind': 'photos',
            'pictures': done.pictures,
            'people': done.people,
            'left_out': len(done.left_out),
        }
        (partial / 'manifest.json').write_text(json.dumps(manifest, indent=1))
        if done.left_out:
            (partial / 'left_out.txt').write_text('\n'.join(done.left_out) + '\n')
    return done


def picture_files(
    pictures: Path, wanted: Mapping[str, Any], note: Callable[[str], None]
) -> Iterator[tuple[str, bytes]]:
    """Yield name and bytes of each wanted file of a folder or a tar, as far as it can be read."""
    if pictures.is_dir():
        for name in wanted:
            path = pictures / name
            if path.is_file():
                yield name, path.read_bytes()
        return
    try:
        with tarfile.open(pictures) as tar:
            for member in tar:
                if member.isfile() and member.name in wanted:
                    yield member.name, _read_member(tar, member)
    except FileNotFoundError as error:
        raise DatasetError(f'{pictures}: expected a folder or a tar of pictures') from error
    except (tarfile.TarError, EOFError, OSError) as error:
        note(f'{pictures}: cut off or no tar ({error}); read as far as it is whole')


def _read_member(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    data = file.read() if file is not None else b''
    if len(data) != member.size:
        raise tarfile.ReadError(f'{member.name}: {len(data)} of {member.size} bytes')
    return data


def _store(data: bytes, longest: int) -> tuple[bytes, NDArray[np.float64], tuple[int, int]] | None:
    """Return an encoded picture with its scale (x, y) and size; None if it cannot be decoded."""
    try:
        # EXIF rotation is ignored, because labels refer to the pixels as they are stored.
        flags = cv2.IMREAD_COLOR | cv2.IMREAD_IGNORE_ORIENTATION
        image = cv2.imdecode(np.frombuffer(data, np.uint8), flags) if data else None
    except cv2.error:
        return None
    if image is None:
        return None
    h, w = image.shape[:2]
    factor = min(longest / max(h, w), 1.0)
    if factor < 1:
        size = max(round(w * factor), 1), max(round(h * factor), 1)
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    new = (image.shape[1], image.shape[0])
    return (
        cv2.imencode('.jpg', image, _QUALITY)[1].tobytes(),
        np.array(new, np.float64) / (w, h),
        new,
    )


def summary(imported: Imported, out: Path, shown: int = 5) -> Sequence[str]:
    """Return lines on what was stored and what was left out, the first few by name."""
    lines = [f'left out: {reason}' for reason in imported.left_out[:shown]]
    if len(imported.left_out) > shown:
        lines.append(f'and {len(imported.left_out) - shown} more: {out / "left_out.txt"}')
    return [*lines, f'{imported.people} people in {imported.pictures} pictures: {out}']
