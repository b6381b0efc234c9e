"""Recognise a network by its tensors, or say why no family fits."""

from __future__ import annotations

from pathlib import Path

from unihpe_ros.core.keypoint_sets import KEYPOINT_SETS
from unihpe_ros.engines import EngineError
from unihpe_ros.networks_2d.conventions import Conventions, conventions_file, read_settled
from unihpe_ros.networks_2d.family import CropFamily, Family, PictureFamily, SETS_BY_COUNT
from unihpe_ros.networks_2d.heatmaps import Heatmaps
from unihpe_ros.networks_2d.movenet_multi import MovenetMulti
from unihpe_ros.networks_2d.movenet_single import MovenetSingle
from unihpe_ros.networks_2d.rtmo import Rtmo
from unihpe_ros.networks_2d.simcc_networks import Simcc
from unihpe_ros.networks_2d.tensors import Tensors
from unihpe_ros.networks_2d.yolo_pose import YoloPose

CROP_FAMILIES: tuple[CropFamily, ...] = (Simcc(), Heatmaps(), MovenetSingle())
PICTURE_FAMILIES: tuple[PictureFamily, ...] = (YoloPose(), Rtmo(), MovenetMulti())
FAMILIES: tuple[Family, ...] = (*CROP_FAMILIES, *PICTURE_FAMILIES)


def recognise(path: Path, tensors: Tensors) -> tuple[Family, Conventions]:
    """
    Return the family of a network, and its conventions.

    Parameters
    ----------
    path : Path
        Its file; the JSON file beside it overrides the usual conventions of its family.
    tensors : Tensors
        What the graph reads and writes.

    Raises
    ------
    EngineError
        If no family fits; the message says why each does not. Or if the keypoint set is not to
        be told, or the JSON holds what cannot be.

    """
    reasons = {family.name: family.misfit(tensors) for family in FAMILIES}
    fitting = [family for family in FAMILIES if not reasons[family.name]]
    if not fitting:
        tried = '; '.join(f'{name}: {reason}' for name, reason in reasons.items())
        raise EngineError(
            f'{path}: expected a 2D keypoint network of a known family; got {tensors.words()}. '
            f'Tried {tried}'
        )
    family, settled = fitting[0], read_settled(path)
    count = family.keypoint_count(tensors)
    named = settled.get('keypoint_set', SETS_BY_COUNT.get(count))
    if named is None:
        sets = ', '.join(name for name, one in KEYPOINT_SETS.items() if len(one) == count)
        raise EngineError(
            f'{path}: it is {family.name} with {count} keypoints, of which set cannot be told; '
            f'expected keypoint_set in {conventions_file(path).name}: '
            f'{sets or f"no known set has {count}"}'
        )
    # Check that the set is known before its number of keypoints is compared.
    if named in KEYPOINT_SETS and len(KEYPOINT_SETS[named]) != count:
        raise EngineError(
            f'{path}: expected {len(KEYPOINT_SETS[named])} keypoints by keypoint_set {named}; '
            f'got {count}'
        )
    first = family.conventions(tensors, SETS_BY_COUNT.get(count, next(iter(KEYPOINT_SETS))))
    try:
        conventions = first.updated({**settled, 'keypoint_set': named})
    except (TypeError, ValueError) as error:
        raise EngineError(f'{conventions_file(path)}: {error}') from error
    if conventions.input_size != tensors.size:
        (w, h), (given_w, given_h) = tensors.size, conventions.input_size
        raise EngineError(
            f'{conventions_file(path)}: input_size: expected {w}x{h}, which the network reads; '
            f'got {given_w}x{given_h}'
        )
    return family, conventions
