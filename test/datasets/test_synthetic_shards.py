"""Shards: written once, resumed, split among machines to the same bytes, read back with errors."""

import json
import pickle

import cv2
import numpy as np
import pytest
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.poses import load_pose_bank
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.synthetic import SyntheticShards

pytest.importorskip('numba', reason='drawing is done by numba, an optional part')

from unihpe_ros.cli.main import main
from unihpe_ros.synthesis.samples import shard_writer
from unihpe_ros.synthesis.samples.crop_sample import render_crop
from unihpe_ros.synthesis.samples.pose_bank import build_pose_bank
from unihpe_ros.synthesis.samples.shard_writer import RenderPlan, write_shards

# The pictures that they read take half a minute to render.
pytestmark = pytest.mark.slow

pytest_plugins = ['synthesis_fixtures']

SIZE = (48, 64)


@pytest.fixture(autouse=True)
def short_shards(monkeypatch):
    monkeypatch.setattr(shard_writer, 'SHARD_LENGTH', 4)


def plan(out, **changes):
    return RenderPlan(
        **{'out': out, 'split': 'train', 'seed': 3, 'count': 10, 'size': SIZE, **changes}
    )


def contents(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.glob('shard_*'))}


@pytest.fixture(scope='session')
def whole(assets, tmp_path_factory):
    """Write ten samples in three shards."""
    out = tmp_path_factory.mktemp('whole')
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shard_writer, 'SHARD_LENGTH', 4)
        assert list(write_shards(assets, plan(out))) == [0, 4, 4, 2]
    return out


@pytest.fixture
def copy(whole, tmp_path):
    """Copy the ten samples, to break them."""
    for path in whole.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    return tmp_path


def test_what_is_read_is_what_was_made(assets, whole):
    records = SyntheticShards(whole)
    assert len(records) == 10
    for number in (0, 3, 4, 9):
        made, read = render_crop(assets, (3, 0, number), SIZE), records[number]
        decoded = cv2.imdecode(np.frombuffer(made.jpeg, np.uint8), cv2.IMREAD_COLOR)
        assert np.array_equal(read.image, decoded)
        assert read.image.shape == (96, 72, 3)
        for name in ('keypoints_2d', 'keypoints_3d', 'visibility', 'K'):
            assert np.array_equal(getattr(read, name), getattr(made, name)), name
        assert np.array_equal(read.box, made.aim)
        assert f'picture {number % 4}' in read.source
    assert records.labels['height'].shape == (10,)
    with pytest.raises(IndexError, match='record 10 of 10'):
        records[10]


def test_a_reader_travels_to_a_loaders_worker(whole):
    records = SyntheticShards(whole)
    first = records[0]
    again = pickle.loads(pickle.dumps(records))
    assert np.array_equal(again[0].image, first.image)


def test_parts_and_workers_make_the_same_bytes(assets, whole, tmp_path):
    for part in range(2):
        list(write_shards(assets, plan(tmp_path / 'parts', part=part, parts=2)))
    list(write_shards(assets, plan(tmp_path / 'two'), workers=2))
    assert contents(tmp_path / 'parts') == contents(whole)
    assert contents(tmp_path / 'two') == contents(whole)


def test_a_run_that_was_cut_off_is_resumed(assets, whole, copy):
    (copy / 'shard_00001.npz').unlink()
    (copy / 'shard_00001.jpegs').write_bytes(b'half')
    (copy / '.shard_00001.jpegs.77').write_bytes(b'left over')
    untouched = (copy / 'shard_00000.jpegs').stat().st_mtime_ns
    assert list(write_shards(assets, plan(copy))) == [6, 4]
    assert contents(copy) == contents(whole)
    assert (copy / 'shard_00000.jpegs').stat().st_mtime_ns == untouched


def test_more_can_be_added_but_a_finished_shard_stays(assets, copy):
    assert list(write_shards(assets, plan(copy, count=8))) == [8]
    with pytest.raises(ValueError, match=r'shard_00002\.npz: holds 2 samples, expected 4'):
        list(write_shards(assets, plan(copy, count=12)))


@pytest.mark.parametrize(
    ('change', 'words'),
    [
        ({'seed': 4}, 'holds a data set of seed 3, not 4'),
        ({'split': 'test'}, 'holds a data set of split train, not test'),
        ({'size': (64, 64)}, r'of size \[48, 64\], not \[64, 64\]'),
    ],
)
def test_a_folder_of_another_data_set_is_refused(assets, copy, change, words):
    with pytest.raises(ValueError, match=words):
        list(write_shards(assets, plan(copy, **change)))


def test_pictures_of_an_older_generator_are_read_but_not_added_to(assets, whole, copy):
    path = copy / 'manifest.json'
    older = json.loads(path.read_text())
    for older['generator'] in (shard_writer.GENERATOR - 1, shard_writer.GENERATOR + 1):
        path.write_text(json.dumps(older))
        pictures = [record.image for record in SyntheticShards(copy)]
        assert len(pictures) == 10
        assert np.array_equal(pictures[3], SyntheticShards(whole)[3].image)
        with pytest.raises(ValueError, match=f'of generator {older["generator"]}, not'):
            list(write_shards(assets, plan(copy)))
    # Nor is it asked for: the first data sets did not name it.
    del older['generator']
    path.write_text(json.dumps(older))
    assert len(SyntheticShards(copy)) == 10


def test_the_manifest_says_what_it_is(whole):
    manifest = json.loads((whole / 'manifest.json').read_text())
    assert manifest['size'] == [48, 64]
    assert manifest['stored_size'] == [72, 96]
    assert manifest['keypoints'] == list(UNION.keypoints)
    assert manifest['clips'] == ['01/still', '02/swaying']
    assert 'mocap.cs.cmu.edu' in manifest['licence']


def test_a_corrupt_picture_is_named(copy):
    with np.load(copy / 'shard_00001.npz') as stored:
        start, end = stored['offsets'][2:4]
    data = bytearray((copy / 'shard_00001.jpegs').read_bytes())
    data[start:end] = bytes(end - start)
    (copy / 'shard_00001.jpegs').write_bytes(data)
    broken = SyntheticShards(copy)
    assert broken[5].image.shape == (96, 72, 3)
    with pytest.raises(DatasetError, match=r'jpegs, picture 2: expected a JPEG of 72x96 px, got'):
        broken[6]


def test_cut_off_pictures_are_named(copy):
    path = copy / 'shard_00000.jpegs'
    path.write_bytes(path.read_bytes()[:-7])
    assert left_out(copy, 6) == [rf'{path}: expected']


def left_out(folder, rest):
    """Return how the complaints about shards start of which the set keeps the rest's records."""
    records = SyntheticShards(folder)
    assert len(records) == rest
    assert records[rest - 1].image.shape == (96, 72, 3)
    return [' '.join(message.split()[:2]) for message in records.damaged]


def test_without_any_readable_shard_there_is_no_data_set(copy):
    for path in copy.glob('shard_*.npz'):
        path.write_bytes(b'no zip')
    with pytest.raises(DatasetError, match=r'shard_00000\.npz: expected the labels of a shard'):
        SyntheticShards(copy)


def test_labels_that_lack_something_are_named(copy):
    path = copy / 'shard_00002.npz'
    with np.load(path) as stored:
        labels = dict(stored)
    np.savez(path, **{**labels, 'aim': labels['aim'][:, :3]})
    assert left_out(copy, 8) == [f'{path}: aim:']
    del labels['K']
    np.savez(path, **labels)
    assert left_out(copy, 8) == [f'{path}: expected']
    np.savez(path, **{**labels, 'K': np.eye(3), 'offsets': labels['offsets'][:0]})
    assert left_out(copy, 8) == [f'{path.with_suffix(".jpegs")}: expected']
    path.write_bytes(path.read_bytes().replace(b'PK\x01\x02', b'PK\x01\x02\xff\xff\xff\xff'))
    assert left_out(copy, 8) == [f'{path}: expected']
    path.write_bytes(b'no zip')
    assert left_out(copy, 8) == [f'{path}: expected']


def test_a_folder_without_data_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r'manifest\.json: expected the manifest.*render'):
        SyntheticShards(tmp_path)
    (tmp_path / 'manifest.json').write_text('{}')
    with pytest.raises(DatasetError, match='expected format, keypoints and stored_size'):
        SyntheticShards(tmp_path)
    manifest = {'format': 99, 'keypoints': list(UNION.keypoints), 'stored_size': [1, 1]}
    (tmp_path / 'manifest.json').write_text(json.dumps(manifest))
    with pytest.raises(DatasetError, match=r'expected format 1 to 2 .* got format 99'):
        SyntheticShards(tmp_path)
    (tmp_path / 'manifest.json').write_text(json.dumps({**manifest, 'format': 1}))
    with pytest.raises(DatasetError, match=r'expected shard_\*\.npz, found none'):
        SyntheticShards(tmp_path)


def test_pose_banks_are_metric_and_in_order(assets, tmp_path):
    out = tmp_path / 'poses.npz'
    count = build_pose_bank(assets.poser, out, 'train', 4, seed=1, share_varied=0.5)
    positions = load_pose_bank(out)
    assert count == len(positions) == 4 * len(assets.bank)
    assert np.isfinite(positions).all()
    with np.load(out) as stored:
        assert stored['varied'].mean() == 0.5
        assert set(stored['shape']) <= set(assets.shapes.tolist())
        still = positions[(stored['clip'] == 0) & ~stored['varied']]
    standing = still[:, UNION.index('head_top'), 2] - still[:, UNION.index('left_ankle'), 2]
    assert (standing > 0.9).all()
    assert (standing < 2.0).all()


def test_the_command_makes_data_previews_and_poses(bodies_file, clips, tmp_path, capsys):
    common = ['render', '--motions', str(clips), '--bodies', str(bodies_file), '--seed', '3']
    common += ['--out', str(tmp_path), '--size', '48x64']
    assert main([*common, '--count', '2']) == 0
    assert len(SyntheticShards(tmp_path)) == 2
    assert main([*common, '--preview', '2']) == 0
    assert cv2.imread(str(tmp_path / 'preview.png')).shape == (2 * 96, 8 * 72, 3)
    assert main([*common, '--split', 'test', '--poses-only', '--shapes-per-pose', '1']) == 0
    assert len(load_pose_bank(tmp_path / 'poses_test.npz')) > 3
    assert '2 labelled pictures (train)' in capsys.readouterr().out


def test_the_command_words_its_errors(tmp_path, capsys):
    empty = tmp_path / 'empty'
    empty.mkdir()
    assert main(['render', '--motions', str(empty), '--out', str(tmp_path)]) == 1
    assert 'expected BVH clips in sub-folders, found none' in capsys.readouterr().err
