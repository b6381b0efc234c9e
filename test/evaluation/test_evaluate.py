"""Protocols: figures against ones worked out by hand, and the command on every data set."""

from contextlib import nullcontext
from dataclasses import replace
from functools import partial
import json
import warnings

import numpy as np
import pytest
from tiny_datasets import (
    write_3dhp_test,
    write_coco,
    write_h36m_images,
    write_h36m_poses,
    write_pw3d,
)
import torch
from unihpe_ros.cli import evaluate as command, evaluate_engines
from unihpe_ros.cli.main import main
from unihpe_ros.core import simcc
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.augment import aim, crop_record
from unihpe_ros.datasets.catalogue import KINDS, open_records
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.engines import EngineError, model_files
from unihpe_ros.engines.model_files import load_pair
from unihpe_ros.evaluation.keypoint_report import (
    coco_report,
    ImageKeypoints,
    keypoint_table,
    photo_report,
    worst_people,
)
from unihpe_ros.evaluation.predictions import POSE_SOURCES, predict_records, Predictions
from unihpe_ros.evaluation.protocols import pose_report, protocol_of, PROTOCOLS
from unihpe_ros.evaluation.reliability import Reliability
from unihpe_ros.evaluation.retrieval import agreement_table, retrieve
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.run import Run

WRIST = UNION.index('left_wrist')


def predictions_of(poses, truth, **changes):
    count = len(truth)
    pixels = np.full((count, 26, 2), np.nan)
    values = {
        'poses': {'fused': poses},
        'truth': truth,
        'keypoints': pixels,
        'scores': np.ones((count, 26)),
        'truth_2d': pixels,
        'inside': np.ones((count, 26), bool),
        'agreement': np.linspace(0, 1, count),
        'embeddings': {},
        'groups': [''] * count,
        'areas': np.full(count, np.nan),
        'images': [f'{row}.jpg' for row in range(count)],
        'boxes': np.tile([0.0, 0.0, 50.0, 100.0], (count, 1)),
        'rows': np.arange(count),
        'skipped': 0,
        **changes,
    }
    return Predictions(**values)


def truth_of(count, seed=0):
    truth = np.random.default_rng(seed).normal(0, 0.3, (count, 26, 3))
    return truth - truth[:, UNION.index('pelvis')][:, None]


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


def test_too_few_people_are_not_split_into_tenths(tmp_path, capsys, checkpoint):
    write_pw3d(tmp_path / 'data', frames=6)
    given = ['evaluate', str(checkpoint), '--data', str(tmp_path / 'data'), '--protocol', '3dpw']
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        assert main([*given, '--limit', '1', '--out', str(tmp_path)]) == 0
    assert 'what agreement warns of is left out: of 1 people' in capsys.readouterr().out
    assert not (tmp_path / '3dpw-agreement.png').exists()
    tables = json.loads((tmp_path / '3dpw.json').read_text())['tables']
    assert not [title for title in tables if title.startswith('Agreement')]


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


class Oracle:
    """Finds the true 2D in the image, and remembers what it was asked to lift."""

    size, simcc_ratio, width, padding = (144, 192), 2.0, 4, 1.25

    def __init__(self, records):
        self.crops = [crop_record(record, self.size) for record in records]
        self.lifted = []

    def encode_image(self, images):
        keypoints = np.nan_to_num(np.stack([crop.keypoints for crop in self.crops]))
        logits = [
            np.log(simcc.encode(keypoints[..., axis], 2 * self.size[axis], 2.0, 3.0) + 1e-9)
            for axis in (0, 1)
        ]
        count = len(images)
        return {
            'simcc_x': logits[0].astype(np.float32),
            'simcc_y': logits[1].astype(np.float32),
            'visibility': np.full((count, 26), 9, np.float32),
            'feature': np.ones((count, 4), np.float32),
            'embedding': np.eye(2, dtype=np.float32)[[0] * count],
        }

    def lift(self, keypoints, feature):
        self.lifted.append(keypoints)
        poses = np.zeros((len(keypoints), 26, 3), np.float32)
        names = ('image_pose3d', 'lifted_pose3d', 'fused_pose3d')
        embedding = np.array([[1, 0], [0, 1], [-1, 0], [1, 0]], np.float32)[: len(keypoints)]
        return {**dict.fromkeys(names, poses), 'embedding': embedding}


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
    pixel = 0.5 * aim(chosen[0], box, oracle.size).size[1]
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


@pytest.fixture(scope='module')
def checkpoint(tmp_path_factory):
    torch.set_num_threads(1)
    path = tmp_path_factory.mktemp('model') / 'checkpoint.pt'
    Run(TrainConfig(poses='none'), torch.device('cpu')).save(path)
    return path


@pytest.mark.parametrize(
    ('protocol', 'write', 'words', 'plotted'),
    [
        ('h36m-p1', write_h36m_images, 'of 4 people there are no tenths', False),
        ('h36m-p2', write_h36m_poses, 'PA-MPJPE [mm] by action', False),
        ('3dpw', partial(write_pw3d, frames=6), 'PA-MPJPE-14 (SMPL joints)', True),
        ('3dhp', write_3dhp_test, 'PCK 150 mm [%] by sequence', False),
        ('coco', write_coco, 'AP [%]', False),
    ],
)
def test_the_command_scores_every_data_set(
    tmp_path, capsys, checkpoint, protocol, write, words, plotted
):
    write(tmp_path / 'data')
    out = tmp_path / 'out'
    arguments = ['--data', tmp_path / 'data', '--protocol', protocol, '--out', out]
    assert main(['evaluate', str(checkpoint), *map(str, arguments)]) == 0
    printed = capsys.readouterr().out
    assert words in printed
    assert f'scored {checkpoint} by {protocol}' in printed.splitlines()[-1]
    stored = json.loads((out / f'{protocol}.json').read_text())
    assert stored['tables']
    assert (out / f'{protocol}.md').read_text() in printed
    plot = out / f'{protocol}-agreement.png'
    assert plot.exists() == plotted
    if plotted:
        assert plot.read_bytes().startswith(b'\x89PNG')


def test_the_command_retrieves_and_lifts_banks(tmp_path, capsys, checkpoint):
    write_h36m_images(tmp_path / 'h36m')
    arguments = ['evaluate', str(checkpoint), '--out', str(tmp_path), '--data']
    retrieval = [str(tmp_path / 'h36m'), '--protocol', 'retrieval', '--kind', 'human36m']
    assert main([*arguments, *retrieval]) == 0
    table = json.loads((tmp_path / 'retrieval.json').read_text())['tables']['Retrieval']
    assert len(table) == 6
    assert 'gallery of 4 records' in capsys.readouterr().out
    np.savez(
        tmp_path / 'bank.npz',
        positions=truth_of(5).astype(np.float32) + 1,
        keypoints=np.array(UNION.keypoints),
    )
    assert main([*arguments, str(tmp_path / 'bank.npz'), '--protocol', 'poses']) == 0
    table = json.loads((tmp_path / 'poses.json').read_text())['tables']['Lifting']
    assert list(table) == ['lifted_true', 'lifted_true_coco', 'lifted_noisy', 'flat_depth']
    assert table['flat_depth']['MPJPE [mm]'] is None
    assert table['lifted_true']['PA-MPJPE [mm]'] < table['lifted_true']['MPJPE [mm]']


@pytest.mark.parametrize(
    ('arguments', 'words'),
    [
        (['--protocol', 'h36m-p1'], 'no such file; make it by MMPose'),
        (['--protocol', 'coco'], 'expected the pictures of COCO'),
        (['--limit', '0'], '--limit: expected at least 1; got 0'),
    ],
)
def test_the_command_fails_in_one_line(tmp_path, capsys, checkpoint, arguments, words):
    write_coco(tmp_path, pictures=False)
    given = ['evaluate', str(checkpoint), '--data', str(tmp_path), *arguments]
    assert main([*given, '--out', str(tmp_path / 'out')]) == 1
    error = capsys.readouterr().err
    assert words in error
    assert error.count('\n') == 1


def test_the_command_scores_what_the_robot_runs(tmp_path, capsys, monkeypatch):
    write_h36m_images(tmp_path / 'h36m')
    given = ['--data', str(tmp_path / 'h36m'), '--protocol', 'h36m-p1', '--out', str(tmp_path)]
    engine = ['--backend', 'onnxruntime-cpu']
    loaded = []

    def load(*model, **options):
        loaded.extend(load_pair(*model, **options))
        return tuple(loaded)

    monkeypatch.setattr(model_files, 'load_pair', load)
    assert main(['evaluate', 'unihpe_rt', *engine, *given]) == 0
    assert len(loaded) == 2
    for branch in loaded:
        with pytest.raises(EngineError, match='closed'):
            branch.infer({})
    tables = json.loads((tmp_path / 'h36m-p1.json').read_text())['tables']
    (headline,) = [table for title, table in tables.items() if title.startswith('Mean over')]
    assert set(headline['MPJPE [mm]']) == set(POSE_SOURCES)
    assert all(value > 0 for value in headline['MPJPE [mm]'].values())
    capsys.readouterr()
    for model, backend, words in (
        ('nobody', 'auto', "model 'nobody': expected two files; missing nobody.image."),
        ('unihpe_rt', 'abacus', 'abacus'),
    ):
        assert main(['evaluate', model, '--backend', backend, *given]) == 1
        error = capsys.readouterr().err
        assert words in error
        assert error.count('\n') == 1


@pytest.mark.parametrize(
    ('preset', 'words'),
    [
        ('unihpe_det', 'expected a network of unihpe_rt, '),
        ('unihpe_rt', 'weights of another network or version'),
    ],
)
def test_a_checkpoint_that_is_none_of_a_pose_network_is_named(tmp_path, capsys, preset, words):
    path = tmp_path / 'other.pt'
    torch.save({'preset': preset, 'step': 1, 'ema': {}}, path)
    assert main(['evaluate', str(path), '--data', str(tmp_path)]) == 1
    error = capsys.readouterr().err
    assert f'{path}: {words}' in error
    assert error.count('\n') == 1


def test_what_is_exported_finds_images_and_2d_in_each_other(tmp_path, capsys, monkeypatch):
    write_h36m_images(tmp_path / 'h36m')
    records = open_records('human36m', tmp_path / 'h36m', 'test')
    oracle = Oracle([records[i] for i in range(len(records))])
    asked = []
    monkeypatch.setattr(
        command, '_load', lambda *model: asked.append(model) or nullcontext(oracle)
    )
    given = ['evaluate', 'pose.onnx', '--backend', 'openvino', '--out', str(tmp_path)]
    given += ['--protocol', 'retrieval', '--kind', 'human36m', '--data']
    assert main([*given, str(tmp_path / 'h36m')]) == 0
    assert asked == [('pose.onnx', 'openvino', 'fp32')]
    table = json.loads((tmp_path / 'retrieval.json').read_text())['tables']['Retrieval']
    assert set(table) == {'image -> 2d', '2d -> image'}
    assert '3d takes a checkpoint.pt' in capsys.readouterr().out
    write_h36m_images(tmp_path / 'bare', pictures=False)
    assert main([*given, str(tmp_path / 'bare')]) == 1
    assert 'pose.onnx: retrieval needs a checkpoint.pt, or pictures' in capsys.readouterr().err


def test_engines_are_asked_for_as_many_people_as_they_were_built_for():
    asked = []

    class Engine:
        def infer(self, inputs):
            asked.append(len(inputs['image']))
            return {'feature': inputs['image'] + 1}

    rows = np.arange(19, dtype=np.float32)[:, None]
    answer = evaluate_engines._infer(Engine(), {'image': rows})
    assert np.array_equal(answer['feature'], rows + 1)
    assert asked == [8, 8, 3]


def test_the_command_offers_what_there_is():
    assert set(command._IN_3D) == set(PROTOCOLS)
    assert set(command._KINDS) == set(KINDS)
