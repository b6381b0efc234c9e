"""MPI-INF-3DHP: MAT files of both versions, written here as published."""

import h5py
import numpy as np
import pytest
from scipy.io import loadmat, savemat
from tiny_datasets import OF_28, write_3dhp_test, write_3dhp_train
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.mpi_inf_3dhp import fit_intrinsics, MPI_JOINTS, MpiInf3dhp
from unihpe_ros.datasets.records import DatasetError

KNOWN = UNION.indices(*MPI_JOINTS)


def test_training_frames_of_the_extracted_videos(tmp_path):
    points = write_3dhp_train(tmp_path)
    records = MpiInf3dhp(tmp_path, 'train')
    assert records.has_images
    assert len(records) == 2
    record = records[1]
    assert record.source.endswith('S1/Seq1/imageFrames/video_0/frame_000002.jpg')
    assert record.image.shape == (2048, 2048, 3)
    np.testing.assert_allclose(record.keypoints_3d[KNOWN], points[1, OF_28] / 1000, rtol=1e-5)
    np.testing.assert_allclose(
        record.camera.project(record.keypoints_3d)[KNOWN], record.keypoints_2d[KNOWN], atol=0.01
    )
    assert record.group == 'S1 Seq1'


def test_without_pictures_all_eight_cameras_are_there(tmp_path):
    points = write_3dhp_train(tmp_path)
    for path in (tmp_path / 'S1/Seq1/imageFrames/video_0').iterdir():
        path.unlink()
    (tmp_path / 'S1/Seq1/imageFrames/video_0').rmdir()
    records = MpiInf3dhp(tmp_path, 'train')
    assert not records.has_images
    assert len(records) == 16
    # The fourth is number 4: camera 3 looks from the ceiling. annot3 differs by the number, mm.
    np.testing.assert_allclose(
        records[6].keypoints_3d[KNOWN], (points[0, OF_28] + 4) / 1000, rtol=1e-5
    )
    assert records[6].size == (2048, 2048)


def test_valid_test_frames_on_the_universal_skeleton(tmp_path):
    points = write_3dhp_test(tmp_path)
    records = MpiInf3dhp(tmp_path, 'test')
    assert not records.has_images
    assert len(records) == 2
    record = records[1]
    assert record.source.endswith('TS1/imageSequence/img_000003.jpg')
    assert record.group == 'TS1'
    np.testing.assert_allclose(record.keypoints_3d[KNOWN], points[2] / 1000, rtol=1e-5)
    np.testing.assert_allclose(record.K, [[1490, 0, 1030], [0, 1500, 1020], [0, 0, 1]], atol=1e-6)
    assert record.size == (2060, 2040)


def test_intrinsics_need_a_projection():
    with pytest.raises(DatasetError, match=r'here: annot2 is no projection of annot3'):
        fit_intrinsics(np.ones((4, 3)), np.ones((4, 2)), 'here')


def test_missing_files_and_keys_say_what_to_download(tmp_path):
    with pytest.raises(DatasetError, match=r'expected S\*/Seq\*/annot\.mat, found none; download'):
        MpiInf3dhp(tmp_path, 'train')
    write_3dhp_train(tmp_path)
    path = tmp_path / 'S1/Seq1/annot.mat'
    stored = {key: value for key, value in loadmat(path).items() if not key.startswith('_')}
    savemat(path, {**stored, 'annot2': stored['annot2'][:4]})
    with pytest.raises(DatasetError, match=r'annot\.mat: expected camera 4; got 4 cameras'):
        MpiInf3dhp(tmp_path, 'train')
    del stored['annot3']
    savemat(path, stored)
    with pytest.raises(DatasetError, match=r"annot\.mat: expected key 'annot3'; download"):
        MpiInf3dhp(tmp_path, 'train')
    path.write_bytes(b'no mat file')
    with pytest.raises(DatasetError, match=r'annot\.mat: not a readable MAT file of version 5'):
        MpiInf3dhp(tmp_path, 'train')


def test_a_missing_and_a_damaged_calibration_are_named(tmp_path):
    write_3dhp_train(tmp_path)
    path = tmp_path / 'S1/Seq1/camera.calibration'
    path.write_text('name 0\n  intrinsic 1 2 3\n')
    with pytest.raises(DatasetError, match=r"not a camera calibration: '  intrinsic 1 2 3'"):
        MpiInf3dhp(tmp_path, 'train')
    path.unlink()
    with pytest.raises(DatasetError, match=r'camera\.calibration: No such file'):
        MpiInf3dhp(tmp_path, 'train')


def test_damaged_test_files_are_named(tmp_path):
    write_3dhp_test(tmp_path)
    path = tmp_path / 'TS1/annot_data.mat'
    with h5py.File(path, 'a') as file:
        del file['univ_annot3']
        file['univ_annot3'] = np.ones((3, 17, 3))
    with pytest.raises(DatasetError, match=r'univ_annot3: expected \(3, 1, 17, 3\), got \(3, 17'):
        MpiInf3dhp(tmp_path, 'test')
    with h5py.File(path, 'a') as file:
        del file['univ_annot3']
    with pytest.raises(DatasetError, match=r'annot_data\.mat: .*univ_annot3.*expected annot2'):
        MpiInf3dhp(tmp_path, 'test')
    path.write_bytes(b'no hdf5')
    with pytest.raises(DatasetError, match=r'annot_data\.mat: not a readable MAT file of version'):
        MpiInf3dhp(tmp_path, 'test')
