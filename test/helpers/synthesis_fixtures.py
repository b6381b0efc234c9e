"""Bodies and clips for the tests of the synthesis: six shapes, two clips, made once."""

from pathlib import Path

import pytest
from tiny_motion import swaying, write_clip
from unihpe_ros.synthesis.body.body_shapes import BodyShapes, load_bodies
from unihpe_ros.synthesis.motion.motion_bank import find_clips, load_motions
from unihpe_ros.synthesis.samples.people import PeopleAssets


@pytest.fixture(scope='session')
def bodies_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip('anny', reason='the bodies are baked from anny, an optional part')
    path = tmp_path_factory.mktemp('bodies') / 'bodies.npz'
    load_bodies(path, 6)
    return path


@pytest.fixture(scope='session')
def bodies(bodies_file: Path) -> BodyShapes:
    return load_bodies(bodies_file)


@pytest.fixture(scope='session')
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp('clips')
    write_clip(folder / '01/still.bvh')
    write_clip(folder / '02/swaying.bvh', swaying(2), frames=60)
    write_clip(folder / '03/other.bvh', swaying(3), frames=60)
    return folder


@pytest.fixture(scope='session')
def assets(bodies: BodyShapes, clips: Path) -> PeopleAssets:
    bank = load_motions(find_clips(clips, 'train'), 30)
    return PeopleAssets(bodies, bank, bodies.shapes('train'))
