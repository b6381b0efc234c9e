"""3DPW, written here as Python 2 pickled it."""

import pickle

import numpy as np
import pytest
from tiny_datasets import poses, write_pw3d
from unihpe_ros.core.skeleton import H36M_17, UNION
from unihpe_ros.datasets.pw3d import Pw3d, SMPL_NAMES
from unihpe_ros.datasets.records import DatasetError

PATH = 'sequenceFiles/test/downtown_walking_00.pkl'


def rewrite(folder, stored):
    (folder / PATH).write_bytes(pickle.dumps(stored, 3))


def test_people_in_frames_with_a_valid_camera(tmp_path):
    stored = write_pw3d(tmp_path)
    records = Pw3d(tmp_path, 'test')
    assert records.has_images
    assert len(records) == 3 + 4
    record = records[1]
    assert record.source.endswith('image_00002.jpg, person 0')
    assert record.image.shape == (240, 320, 3)
    assert record.image.mean() == pytest.approx(80, abs=2)
    assert record.group == 'downtown_walking_00'
    assert not record.alone
    world = stored['jointPositions'][0].reshape(-1, 24, 3)[2]
    camera = stored['cam_poses'][2]
    left_wrist = camera[:3, :3] @ world[20] + camera[:3, 3]
    np.testing.assert_allclose(
        record.keypoints_3d[UNION.index('left_wrist')], left_wrist, rtol=1e-5
    )
    projected = stored['cam_intrinsics'] @ left_wrist
    np.testing.assert_allclose(
        record.keypoints_2d[UNION.index('left_wrist')], projected[:2] / projected[2], rtol=1e-5
    )


def test_only_joints_that_lie_where_ours_do_are_known(tmp_path):
    write_pw3d(tmp_path)
    record = Pw3d(tmp_path, 'test')[0]
    known = {UNION.keypoints[i] for i in np.flatnonzero(np.isfinite(record.keypoints_3d[:, 0]))}
    assert known == set(SMPL_NAMES) - {''}
    assert len(known) == 14
    assert SMPL_NAMES[20] == 'left_wrist'


def test_without_pictures_the_size_comes_from_the_intrinsics(tmp_path):
    write_pw3d(tmp_path, pictures=False)
    records = Pw3d(tmp_path, 'test')
    assert not records.has_images
    assert records[0].image is None
    assert records[0].size == (320, 240)


def test_precomputed_h36m_joints_are_preferred(tmp_path):
    write_pw3d(tmp_path)
    (tmp_path / 'h36m_joints').mkdir()
    with pytest.raises(
        DatasetError, match=r'downtown_walking_00\.npz: no such file; one file per'
    ):
        Pw3d(tmp_path, 'test')
    joints = poses(8, 17).reshape(2, 4, 17, 3)
    path = tmp_path / 'h36m_joints/downtown_walking_00.npz'
    np.savez(path, joints=joints[:, :3])
    with pytest.raises(DatasetError, match=r'joints: expected shape \(2, 4, 17, 3\), got'):
        Pw3d(tmp_path, 'test')
    np.savez(path, joints=joints)
    records = Pw3d(tmp_path, 'test')
    known = np.isfinite(records[0].keypoints_3d[:, 0])
    assert records.has_h36m_joints
    assert set(np.flatnonzero(known)) == set(H36M_17.indices_in(UNION))


def test_missing_keys_and_files_say_what_to_download(tmp_path):
    with pytest.raises(DatasetError, match=r'test: expected \*\.pkl, found none; download seq'):
        Pw3d(tmp_path, 'test')
    stored = write_pw3d(tmp_path)
    rewrite(tmp_path, {key: stored[key] for key in stored if key != 'campose_valid'})
    with pytest.raises(DatasetError, match=r'_00\.pkl: expected key campose_valid'):
        Pw3d(tmp_path, 'test')
    rewrite(tmp_path, {**stored, 'cam_intrinsics': np.eye(2)})
    with pytest.raises(DatasetError, match=r'cam_intrinsics: expected shape \(3, 3\), got \(2, 2'):
        Pw3d(tmp_path, 'test')
    rewrite(tmp_path, {**stored, 'jointPositions': [np.ones((4, 72)), np.ones((3, 72))]})
    with pytest.raises(DatasetError, match='jointPositions: expected numbers'):
        Pw3d(tmp_path, 'test')


def test_a_pickle_with_foreign_objects_is_refused(tmp_path):
    stored = write_pw3d(tmp_path)
    rewrite(tmp_path, {**stored, 'trans': slice})
    with pytest.raises(
        DatasetError, match=r'_00\.pkl: the pickle asks for \w+\.slice; only NumPy'
    ):
        Pw3d(tmp_path, 'test')
    (tmp_path / PATH).write_bytes((tmp_path / PATH).read_bytes()[:100])
    with pytest.raises(DatasetError, match=r'_00\.pkl: not a readable pickle'):
        Pw3d(tmp_path, 'test')
