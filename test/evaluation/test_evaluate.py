"""Protocols: figures against ones worked out by hand, and the command on every data set."""

from dataclasses import replace

import numpy as np
import pytest
from record_predictions import Oracle, predictions_of
from tiny_datasets import write_h36m_images, write_h36m_poses, write_pw3d
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.augment import aim_crop
from unihpe_ros.datasets.catalogue import open_records
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.evaluation.keypoint_report import keypoint_table
from unihpe_ros.evaluation.predictions import predict_records
from unihpe_ros.evaluation.protocols import pose_report, protocol_of, PROTOCOLS

WRIST = UNION.index('left_wrist')


def test_crops_are_as_much_larger_than_the_box_as_the_model_asks(tmp_path):
    write_h36m_images(tmp_path)
    records = open_records('human36m', tmp_path, 'test')
    heights = []
    for padding in (1.25, 1.0):
        oracle = Oracle([records[i] for i in range(len(records))])
        oracle.padding = padding
        predict_records(oracle, records)
        truth = oracle.lifted[0]
        heights.append(np.ptp(truth[0, truth[0, :, 2] > 0, 1]))
    assert heights[1] == pytest.approx(1.25 * heights[0], rel=0.02)


def test_own_2d_is_freed_of_the_lens_before_it_is_lifted(tmp_path):
    write_h36m_images(tmp_path)
    records = open_records('human36m', tmp_path, 'test')
    chosen = [records[i] for i in range(len(records))]
    oracle = Oracle(chosen)
    predictions = predict_records(oracle, records)
    assert list(predictions.poses) == ['image', 'lifted_truth', 'lifted_own', 'fused']
    assert predictions.agreement.tolist() == [1, 0.5, 0, 1]
    truth, own = oracle.lifted
    known = truth[..., 2] > 0
    assert known.sum() == 4 * 17
    box = chosen[0].box.astype(float)
    pixel = 0.5 * aim_crop(chosen[0], box, oracle.size).size[1]
    assert np.abs(own - truth)[known][:, :2].max() < 0.5 / pixel
    wrist = predictions.keypoints[:, WRIST] - predictions.truth_2d[:, WRIST]
    assert np.abs(wrist).max() < 3


def test_without_pictures_truth_is_lifted_alone(tmp_path):
    write_h36m_poses(tmp_path)
    records = open_records('human36m', tmp_path, 'test')
    predictions = predict_records(Oracle([]), records, limit=3)
    assert list(predictions.poses) == ['lifted_truth']
    assert len(predictions) == 3
    assert np.isnan(predictions.agreement).all()


def test_only_what_is_inside_the_picture_is_looked_for():
    coco = COCO_17.indices_in(UNION)
    truth = np.full((1, 26, 2), np.nan)
    truth[:, coco] = np.random.default_rng(0).uniform(0, 100, (1, 17, 2))
    found, inside = truth.copy(), np.ones((1, 26), bool)
    found[0, WRIST] += 1000
    poses = np.full((1, 26, 3), np.nan)
    changes = {'keypoints': found, 'truth_2d': truth, 'inside': inside}
    assert keypoint_table(predictions_of(poses, poses, **changes)).rows['all'][0] < 100
    inside[0, WRIST] = False
    table = keypoint_table(predictions_of(poses, poses, **changes))
    assert table.rows['all'][0] == 100
    assert np.isnan(table.rows['left_wrist'][0])


def test_unreadable_records_are_counted(tmp_path):
    write_h36m_images(tmp_path)
    records = open_records('human36m', tmp_path, 'test')
    paths = sorted((tmp_path / 'images').rglob('*.jpg'))
    for path in paths[:3]:
        path.unlink()
    # Two of them are of the recording that is left out: one of four records is lost.
    oracle = Oracle([records[i] for i in (1, 2, 3)])
    predictions = predict_records(oracle, records)
    assert (len(predictions), predictions.skipped) == (3, 1)
    assert 'unreadable' in pose_report(PROTOCOLS['h36m-p1'], predictions).markdown()
    lost = pose_report(PROTOCOLS['h36m-p1'], replace(predictions, damaged=2)).markdown()
    assert ', 1 unreadable, 2 damaged shards left out' in lost
    for path in paths[3:]:
        path.unlink()
    with pytest.raises(DatasetError, match='expected a picture; it is missing'):
        predict_records(oracle, records)


def test_3dpw_says_whose_joints_were_counted(tmp_path):
    write_pw3d(tmp_path, pictures=False)
    protocol = protocol_of('3dpw', open_records('pw3d', tmp_path, 'test'))
    assert any('PA-MPJPE-14 (SMPL joints)' in note for note in protocol.notes)
    (tmp_path / 'h36m_joints').mkdir()
    np.savez(
        tmp_path / 'h36m_joints/downtown_walking_00.npz',
        joints=np.random.default_rng(0).normal(0, 0.3, (2, 4, 17, 3)),
    )
    protocol = protocol_of('3dpw', open_records('pw3d', tmp_path, 'test'))
    assert len(protocol.keypoints) == 14
    assert 'pelvis' not in protocol.keypoints
