"""The command unihpe evaluate, on tiny data sets."""

from contextlib import nullcontext
from functools import partial
import json
import warnings

import numpy as np
import pytest
from record_predictions import Oracle, truth_of
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
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets.catalogue import DATASET_KINDS, open_records
from unihpe_ros.engines import EngineError, model_files
from unihpe_ros.engines.model_files import load_pair
from unihpe_ros.evaluation.predictions import POSE_SOURCES
from unihpe_ros.evaluation.protocols import PROTOCOLS
from unihpe_ros.evaluation.tables import EvaluationReport, Table
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.run import Run


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
    assert set(command._KINDS) == set(DATASET_KINDS)


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


def test_both_precisions_are_scored_in_one_run_and_compared(tmp_path, capsys, monkeypatch):
    figures = {'fp32': [76.0, 39.0], 'int8': [75.5, float('nan')]}

    def score(args):
        rows = {'all': figures[args.precision], args.precision: [1.0, 2.0]}
        return EvaluationReport('Photographs', [], [Table('PCK', ['PCK', 'AP'], rows)]), {}

    monkeypatch.setattr(command, '_score', score)
    arguments = ['evaluate', 'unihpe_rt', '--data', tmp_path, '--out', tmp_path]
    assert main([*map(str, arguments), '--protocol', 'photos', '--precision', 'both']) == 0
    printed = capsys.readouterr().out
    for name, expected in (('photos', 76.0), ('photos-int8', 75.5)):
        stored = json.loads((tmp_path / f'{name}.json').read_text())['tables']['PCK']
        assert stored['all']['PCK'] == expected
    compared = printed[printed.index('**int8 less fp32**') :].splitlines()
    assert [line.split() for line in compared if line.startswith('| all')] == [
        ['|', 'all', '|', '-0.50', '|', '-', '|']
    ]
    assert not any(line.startswith('| int8') for line in compared)


def test_a_checkpoint_has_no_int8_copy(tmp_path, capsys, checkpoint):
    arguments = ['evaluate', str(checkpoint), '--data', str(tmp_path), '--precision', 'both']
    assert main(arguments) == 1
    assert '--precision both: expected an exported model' in capsys.readouterr().err
