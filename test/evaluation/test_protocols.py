"""Scores of predictions by the protocol of each data set, and their report."""

import json

import numpy as np
import pytest
from record_predictions import predictions_of, truth_of
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.evaluation.keypoint_report import (
    coco_report,
    ImageKeypoints,
    photo_report,
    worst_people,
)
from unihpe_ros.evaluation.protocols import pose_report, PROTOCOLS
from unihpe_ros.evaluation.reliability import Reliability
from unihpe_ros.evaluation.retrieval import agreement_table, retrieve
from unihpe_ros.evaluation.tables import EvaluationReport, Table

WRIST = UNION.index('left_wrist')


def rows(report, title):
    (table,) = [table for table in report.tables if table.title.startswith(title)]
    return table.rows


def test_every_action_weighs_the_same_and_the_root_counts():
    truth = truth_of(4)
    poses = truth.copy()
    # One wrist of 17 joints is off: by 170 mm in the three of one action, 34 mm in the other's.
    poses[:3, WRIST, 0] += 0.170
    poses[3, WRIST, 0] += 0.034
    predictions = predictions_of(
        poses + [1, 2, 3], truth, groups=['Eating', 'Eating', 'Eating', 'Sitting']
    )
    report = pose_report(PROTOCOLS['h36m-p1'], predictions)
    by_action = rows(report, 'MPJPE [mm] by action')
    assert by_action['Eating'] == pytest.approx([10])
    assert by_action['Sitting'] == pytest.approx([2])
    assert by_action['mean over 2 actions'] == pytest.approx([6])
    means = rows(report, 'Mean over 2 actions')
    assert means['MPJPE [mm]'] == pytest.approx([6])
    # 170 mm is beyond the limit: 16/17 and 1 of the joints.
    assert means['PCK 150 mm [%]'] == pytest.approx([100 * (16 / 17 + 1) / 2])
    by_keypoint = rows(report, 'MPJPE [mm] by keypoint')
    assert by_keypoint['left_wrist'] == pytest.approx([(3 * 170 + 34) / 4])
    assert by_keypoint['pelvis'] == pytest.approx([0])
    assert len(by_keypoint) == 17


def test_alignment_forgives_a_similarity_and_no_mirror():
    truth = truth_of(3)
    turned = 1.3 * truth[..., [1, 2, 0]] + 0.5
    report = pose_report(PROTOCOLS['h36m-p2'], predictions_of(turned, truth))
    assert rows(report, 'PA-MPJPE [mm] by keypoint')['head'] == pytest.approx([0], abs=1e-9)
    mirrored = pose_report(PROTOCOLS['h36m-p2'], predictions_of(truth * [-1, 1, 1], truth))
    assert rows(mirrored, 'Mean over 1 actions')['PA-MPJPE [mm]'][0] > 50


def test_3dhp_counts_records_and_14_joints():
    truth = truth_of(4)
    truth[:, [i for i in range(26) if UNION.keypoints[i] == 'left_eye']] = np.nan
    poses = truth.copy()
    poses[0, UNION.index('head_top')] += [0, 0, 0.152]
    poses[0, UNION.index('spine')] += [0, 0, 5]
    predictions = predictions_of(poses, truth, groups=['TS1', 'TS1', 'TS1', 'TS2'])
    report = pose_report(PROTOCOLS['3dhp'], predictions)
    figures = rows(report, 'All records')
    assert figures['PCK 150 mm [%]'] == pytest.approx([100 * (1 - 1 / 56)])
    # Of the 31 thresholds none reaches 152 mm; the exact joints pass all.
    assert figures['AUC 0 to 150 mm [%]'] == pytest.approx([100 * 55 / 56])
    assert figures['MPJPE [mm]'] == pytest.approx([152 / 56])
    assert rows(report, 'PCK 150 mm [%] by sequence')['TS2'] == [100]
    assert 'spine' not in rows(report, 'PCK 150 mm [%] by keypoint')


def test_coco_average_precision_by_hand():
    coco = COCO_17.indices_in(UNION)
    truth = np.full((2, 26, 2), np.nan)
    truth[:, coco] = np.random.default_rng(0).uniform(0, 100, (2, 17, 2))
    found = truth.copy()
    found[1] += 1000
    changes = {'areas': np.array([5000.0, 5000.0]), 'truth_2d': truth}
    poses = np.full((2, 26, 3), np.nan)
    perfect = coco_report(predictions_of(poses, poses, keypoints=truth, **changes))
    assert rows(perfect, 'COCO')['AP [%]'] == pytest.approx([100])
    # The lost person ranks last: precision 1 up to recall 0.5, which is 51 of 101 points.
    scores = np.ones((2, 26))
    scores[1] = 0.1
    half = coco_report(
        predictions_of(poses, poses, keypoints=found, **{**changes, 'scores': scores})
    )
    assert rows(half, 'COCO')['AP [%]'] == pytest.approx([100 * 51 / 101])
    assert rows(half, 'COCO')['AR [%]'] == pytest.approx([50])
    assert rows(half, '2D keypoints')['nose'][0] == pytest.approx(50)
    assert rows(half, '2D keypoints')['all'][0] == pytest.approx(50)


def test_photographs_are_told_apart_by_source_and_height_and_beside_a_peer():
    coco = COCO_17.indices_in(UNION)
    truth = np.full((2, 26, 2), np.nan)
    truth[:, coco] = np.random.default_rng(0).uniform(0, 100, (2, 17, 2))
    found = truth.copy()
    found[1] += 1000
    boxes = np.array([[0, 0, 50, 100], [0, 0, 50, 300.0]])
    predicted = predictions_of(
        np.full((2, 26, 3), np.nan),
        np.full((2, 26, 3), np.nan),
        keypoints=found,
        truth_2d=truth,
        areas=np.array([5000.0, 5000.0]),
        groups=['coco', 'gym'],
        boxes=boxes,
    )
    peer = ImageKeypoints(truth[:, coco], np.ones((2, 17)))
    report = photo_report(predicted, {'peer': peer})
    everybody = rows(report, 'All people')
    assert everybody['peer'] == pytest.approx([100, 100, 100, 100])
    assert everybody['this model'][0] == pytest.approx(50)
    parts = rows(report, 'By source')
    assert parts['source coco (1)'] == pytest.approx([100, 100, 100, 100])
    assert parts['source gym (1)'] == pytest.approx([0, 0, 100, 100])
    assert parts['80 to 160 px high (1)'][0] == 100
    assert '0 to 80 px high (0)' not in parts


def test_scores_are_compared_with_how_often_they_are_right():
    scores = np.array([0.05, 0.72, 0.78, 0.74, 0.76, 1.0])
    right = np.array([False, True, True, False, False, True])
    found = Reliability.of(scores, right)
    assert found.counts.tolist() == [1, 0, 0, 0, 0, 0, 0, 4, 0, 1]
    # Four of six keypoints claim 0.75 and are right every second time.
    assert found.error == pytest.approx((0.05 + 4 * 0.25 + 0) / 6)
    assert list(found.table().rows) == ['0.0 to 0.1 (1)', '0.7 to 0.8 (4)', '0.9 to 1.0 (1)']
    assert found.table().rows['0.7 to 0.8 (4)'] == pytest.approx([75, 50])


def test_the_worst_people_are_those_whose_keypoints_are_furthest_off():
    coco = COCO_17.indices_in(UNION)
    truth = np.full((4, 26, 2), np.nan)
    truth[:, coco] = np.random.default_rng(0).uniform(0, 100, (4, 17, 2))
    found = truth.copy()
    found[1, coco] += 5
    found[2, coco[:9]] += 1000
    found[3] += 1000
    truth[3, coco[3:]] = np.nan
    nobody = np.full((4, 26, 3), np.nan)
    predicted = predictions_of(nobody, nobody, keypoints=found, truth_2d=truth)
    # Of the last one there are three labels alone.
    assert worst_people(predicted, 2).tolist() == [2, 1]
    assert worst_people(predicted, 9).tolist() == [2, 1, 0]


def test_retrieval_finds_itself_or_pays():
    truth = truth_of(4).astype(np.float32)
    one = np.eye(4, dtype=np.float32)
    found = retrieve({'image': one, '2d': one, '3d': one[[1, 0, 2, 3]]}, truth)
    assert set(found) == {
        *('image -> 2d', 'image -> 3d', '2d -> image', '2d -> 3d', '3d -> image', '3d -> 2d')
    }
    assert found['image -> 2d'][:2] == [100, 0]
    distance = 1000 * np.linalg.norm(truth[0] - truth[1], axis=-1).mean()
    assert found['2d -> 3d'][:2] == pytest.approx([50, 0.5 * distance], rel=1e-5)


def test_agreement_is_compared_with_the_error():
    truth = truth_of(20)
    poses = truth.copy()
    # Whoever agrees least is off most: one wrist of 17 joints by 17, 34, ... 340 mm.
    poses[:, WRIST, 0] += 0.017 * np.arange(20, 0, -1)
    table, deciles = agreement_table(predictions_of(poses, truth), PROTOCOLS['h36m-p1'].keypoints)
    assert table.rows['least agreeing tenth'] == pytest.approx([19.5])
    assert table.rows['the rest'] == pytest.approx([9.5])
    assert table.rows['rank correlation of agreement and error'] == pytest.approx([-1])
    assert deciles['fused'] == pytest.approx(np.arange(19.5, 0, -2))
    # Of whom no 3D is known there is no error to compare with.
    strangers = predictions_of(
        *(np.concatenate([part, np.full((3, 26, 3), np.nan)]) for part in (poses, truth)),
        agreement=np.concatenate([np.linspace(0, 1, 20), [0.0, 0.5, 1.0]]),
    )
    again, _ = agreement_table(strangers, PROTOCOLS['h36m-p1'].keypoints)
    for name, figures in table.rows.items():
        assert again.rows[name] == pytest.approx(figures), name
    same = predictions_of(poses, truth, agreement=np.full(20, 0.7))
    table, _ = agreement_table(same, PROTOCOLS['h36m-p1'].keypoints)
    assert table.rows['rank correlation of agreement and error'] == [0]


def test_a_report_is_written_twice(tmp_path):
    table = Table('Errors [mm]', ['a', 'b'], {'one': [1.25, float('nan')], 'three': [3, 4]})
    report = EvaluationReport('Title', ['a note'], [table])
    paths = report.write(tmp_path / 'new', 'name')
    assert [path.name for path in paths] == ['name.md', 'name.json']
    stored = json.loads(paths[1].read_text())
    assert stored['tables']['Errors [mm]']['one'] == {'a': 1.25, 'b': None}
    lines = paths[0].read_text().splitlines()
    assert lines[0] == '# Title'
    assert '| one   | 1.25 |    - |' in lines
    assert len(list((tmp_path / 'new').iterdir())) == 2
