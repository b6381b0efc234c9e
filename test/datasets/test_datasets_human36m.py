"""Human3.6M in both layouts, each written here as published."""

import json

import numpy as np
import pytest
from tiny_datasets import (
    DISTORTION,
    MOVING,
    write_cameras,
    write_h36m_images,
    write_h36m_poses,
    write_picture,
)
from unihpe_ros.core.skeleton import H36M_17, UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.datasets.human36m import Human36MImages, open_human36m
from unihpe_ros.datasets.human36m_poses import Human36MPoses
from unihpe_ros.datasets.records import DatasetError

KNOWN = H36M_17.indices_in(UNION)
OTHERS = sorted(set(range(len(UNION))) - set(KNOWN.tolist()))


def test_poses_of_all_cameras_without_pictures(tmp_path):
    world = write_h36m_poses(tmp_path)
    records = open_human36m(tmp_path, 'test')
    assert isinstance(records, Human36MPoses)
    assert not records.has_images
    # S9: two recordings, S11: one, for its 'Directions' is damaged; 4 cameras, 3 frames.
    assert len(records) == 3 * 4 * 3
    record = records[0]
    assert (record.image, record.size, record.group) == (None, (1000, 1002), 'Directions')
    expected = world['S9']['Directions'][0, MOVING] + [0, 0, 5]
    np.testing.assert_allclose(record.keypoints_3d[KNOWN], expected, atol=1e-5)
    assert np.isnan(record.keypoints_3d[OTHERS]).all()
    assert (record.visibility[OTHERS] == 0).all()
    assert record.distortion == tuple(DISTORTION)
    assert {records[i].group for i in range(len(records))} == {'Directions', 'Photo'}
    assert [records[i].source for i in (24, 25)] == [
        f'{tmp_path}: S11 Photo 1 54138969, frame {frame}' for frame in (0, 1)
    ]
    with pytest.raises(IndexError, match='record 36 of 36'):
        records[36]


def test_every_cameras_2d_is_the_projection_of_its_3d(tmp_path):
    write_h36m_poses(tmp_path)
    records = open_human36m(tmp_path, 'test')
    for index in range(0, len(records), 5):
        record = records[index]
        projected = record.camera.project(record.keypoints_3d)
        np.testing.assert_allclose(projected[KNOWN], record.keypoints_2d[KNOWN], atol=0.01)
        low, high = record.keypoints_2d[KNOWN].min(0), record.keypoints_2d[KNOWN].max(0)
        np.testing.assert_allclose(record.box, [*low, *high])


def test_what_the_lifter_reads_is_free_of_the_lens(tmp_path):
    write_h36m_poses(tmp_path)
    sample = crop_record(open_human36m(tmp_path, 'test')[0], (48, 64))
    # The ratio of normalised positions to rays is one scale for the whole crop.
    root = sample.relative[KNOWN] + 0.0
    assert np.isfinite(sample.normalised[KNOWN]).all()
    assert np.isnan(sample.normalised[OTHERS]).all()
    assert not sample.image.any()
    assert not root[0].any()
    assert sample.known.sum() == 17


def test_pictures_with_poses(tmp_path):
    arrays = write_h36m_images(tmp_path)
    records = open_human36m(tmp_path, 'test')
    assert isinstance(records, Human36MImages)
    assert records.has_images
    assert len(records) == 4
    assert [records[i].group for i in (0, 2)] == ['Directions', 'WalkDog']
    record = records[1]
    assert record.image.shape == (1002, 1000, 3)
    np.testing.assert_allclose(record.keypoints_3d[KNOWN], arrays['S'][1, :, :3], rtol=1e-5)
    np.testing.assert_allclose(record.keypoints_2d[KNOWN], arrays['part'][1, :, :2], rtol=1e-5)
    assert record.source.endswith('S9_Directions_1.54138969_000006.jpg')


def test_invisible_joints_are_unknown(tmp_path):
    arrays = write_h36m_images(tmp_path)
    arrays['part'][0, 3, 2] = 0
    arrays['S'][0, 3, 3] = 0
    np.savez(tmp_path / 'annotation_body3d/fps10/h36m_test.npz', **arrays)
    record = open_human36m(tmp_path, 'test')[0]
    ankle = UNION.index('right_ankle')
    assert np.isnan(record.keypoints_2d[ankle]).all()
    assert np.isnan(record.keypoints_3d[ankle]).all()
    assert record.visibility[ankle] == 0


def test_poses_can_be_measured_before_pictures_are_extracted(tmp_path):
    write_h36m_images(tmp_path, pictures=False)
    records = open_human36m(tmp_path, 'test')
    assert not records.has_images
    assert records[0].image is None


def test_a_missing_and_a_damaged_picture_are_named(tmp_path):
    write_h36m_images(tmp_path)
    records = open_human36m(tmp_path, 'test')
    path = tmp_path / 'images/S9/S9_Directions_1.54138969/S9_Directions_1.54138969_000001.jpg'
    path.unlink()
    with pytest.raises(DatasetError, match=r'_000001\.jpg: expected a picture; it is missing'):
        records[0]
    path.write_bytes(b'no jpeg')
    with pytest.raises(DatasetError, match=r'_000001\.jpg: expected a picture; it is damaged'):
        records[0]
    write_picture(path, (8, 8))
    assert records[0].image.shape == (8, 8, 3)


def test_missing_files_say_what_to_download(tmp_path):
    with pytest.raises(DatasetError, match=r'h36m_test\.npz: no such file; make it by MMPose'):
        open_human36m(tmp_path, 'test')
    write_h36m_poses(tmp_path)
    (tmp_path / 'camera-parameters.json').unlink()
    with pytest.raises(DatasetError, match=r'camera-parameters\.json: no such file; download'):
        open_human36m(tmp_path, 'test')
    write_cameras(tmp_path)
    (tmp_path / 'data_2d_h36m_gt.npz').unlink()
    with pytest.raises(DatasetError, match=r'data_2d_h36m_gt\.npz: no such file; make it by Vid'):
        open_human36m(tmp_path, 'test')
    write_h36m_poses(tmp_path)
    with pytest.raises(DatasetError, match='positions_3d: expected subject S1;'):
        open_human36m(tmp_path, 'train')


def test_odd_contents_are_named(tmp_path):
    world = write_h36m_poses(tmp_path)
    world['S9']['Directions'] = world['S9']['Directions'][:, :17]
    np.savez(tmp_path / 'data_3d_h36m.npz', positions_3d=world)
    with pytest.raises(DatasetError, match=r'S9 Directions: expected \(F, 32, 3\), got \(3, 17, '):
        open_human36m(tmp_path, 'test')
    np.savez(tmp_path / 'data_3d_h36m.npz', positions_3d=np.ones(3))
    with pytest.raises(DatasetError, match=r'positions_3d: expected dict\[subject\]\[action\]'):
        open_human36m(tmp_path, 'test')
    write_h36m_poses(tmp_path)
    np.savez(tmp_path / 'data_2d_h36m_gt.npz', positions_2d={'S9': {}})
    with pytest.raises(DatasetError, match=r'positions_2d of S9 Directions: expected 4 cameras'):
        open_human36m(tmp_path, 'test')
    (tmp_path / 'camera-parameters.json').write_text('{"intrinsics": {}}')
    with pytest.raises(DatasetError, match=r'camera-parameters\.json: expected intrinsics'):
        open_human36m(tmp_path, 'test')


def test_odd_rows_of_pictures_are_named(tmp_path):
    arrays = write_h36m_images(tmp_path)
    path = tmp_path / 'annotation_body3d/fps10/h36m_test.npz'
    np.savez(path, **{**arrays, 'S': arrays['S'][:, :, :3]})
    with pytest.raises(DatasetError, match=r'h36m_test\.npz: S: expected \(6, 17, 4\)'):
        open_human36m(tmp_path, 'test')
    np.savez(path, **{**arrays, 'imgname': np.array(['walk.jpg'] * 6)})
    with pytest.raises(DatasetError, match=r'imgname: expected .*; got walk\.jpg'):
        open_human36m(tmp_path, 'test')
    np.savez(path, **arrays)
    table = json.loads((tmp_path / 'camera-parameters.json').read_text())
    del table['extrinsics']['S9']
    (tmp_path / 'camera-parameters.json').write_text(json.dumps(table))
    with pytest.raises(DatasetError, match='expected camera 54138969 of S9'):
        open_human36m(tmp_path, 'test')
