"""Studies: equal budgets, runs that are kept, and tables with their spread."""

from dataclasses import replace
import json

import pytest
from rtmpose import RtmPoseTiny
from tiny_datasets import write_pose_bank
import torch
from unihpe_ros.cli.main import main
from unihpe_ros.core.resources import find_resource
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.models.graph_layers import GraphConvolution
from unihpe_ros.models.lifters import LIFTERS
from unihpe_ros.training.config import ConfigError
from unihpe_ros.training.failures import NonFiniteLossError
from unihpe_ros.training.objective import Objective
from unihpe_ros.training.study import runs as study_runs
from unihpe_ros.training.study.report import study_report
from unihpe_ros.training.study.runs import do_run
from unihpe_ros.training.study.study_config import finished, load_study, Result

STUDY = """
kind: lifters
seeds: [1, 2]
test: {poses}
limit: 16
settings:
  steps: 3
  poses: {poses}
  pose_batch: 16
  threads: 1
  loss: {{bone: 0.5}}
variants:
  small: {{preset: lifting_branch}}
  whole: {{preset: unihpe_rt, loss: {{pairwise: 0}}}}
"""
COLUMN = 'MPJPE true 2D [mm]'


@pytest.fixture
def path(tmp_path):
    poses = tmp_path / 'poses.npz'
    write_pose_bank(poses)
    path = tmp_path / 'tiny.yaml'
    path.write_text(STUDY.format(poses=poses))
    return path


def test_variants_differ_in_what_they_say_alone(path):
    study = load_study(path, {'steps': 5})
    small, whole = study.config('small', 1), study.config('whole', 1)
    assert (small.steps, whole.steps) == (5, 5)
    assert (small.loss.bone, small.loss.pairwise) == (0.5, 0.1)
    assert (whole.loss.bone, whole.loss.pairwise) == (0.5, 0)
    assert study.config('small', 2).seed == 2


def test_a_run_is_scored_and_kept(path, tmp_path):
    study = load_study(path)
    assert finished(study, tmp_path, 'small', 1) is None
    do_run(study, tmp_path, 'small', 1)
    result = finished(study, tmp_path, 'small', 1)
    assert 0 < result.scores[COLUMN] < 3000
    assert result.scores['parameters [M]'] == pytest.approx(1.66, abs=0.01)
    with pytest.raises(ConfigError, match='made with other settings of steps; give another --out'):
        finished(load_study(path, {'steps': 4}), tmp_path, 'small', 1)


def test_an_interrupted_run_goes_on(path, tmp_path):
    do_run(load_study(path), tmp_path, 'small', 1)
    (tmp_path / 'small-1/result.json').unlink()
    do_run(load_study(path), tmp_path, 'small', 1)
    result = finished(load_study(path), tmp_path, 'small', 1)
    # The checkpoint was of the last step: no step was done, so no time of a step is known.
    assert 'CPU ms a step' not in result.scores


def test_a_run_whose_loss_explodes_is_named_not_fatal(path, tmp_path, monkeypatch):
    def explode(config, out, **_):
        out.mkdir(parents=True)
        raise NonFiniteLossError('step 2: the loss is not finite')

    monkeypatch.setattr(study_runs, 'train', explode)
    study = load_study(path)
    do_run(study, tmp_path, 'small', 1)
    report = study_report(study, [finished(study, tmp_path, 'small', 1)])
    assert 'small, seed 1: step 2: the loss is not finite' in report.markdown()


def test_table_has_mean_and_spread(path):
    study = load_study(path)
    results = [
        Result('small', 1, {COLUMN: 10.0, 'parameters [M]': 2.0}),
        Result('small', 2, {COLUMN: 14.0, 'parameters [M]': 2.0}),
        Result('whole', 1, {COLUMN: 20.0, 'parameters [M]': 3.0}),
        Result('whole', 2, {}, failure='step 7: the loss is not finite'),
    ]
    report = study_report(study, results)
    assert report.notes[-1] == 'whole, seed 2: step 7: the loss is not finite'
    (table,) = report.tables
    assert table.rows == {'small': [12.0, 2.0], 'whole': [20.0, 3.0]}
    lines = [line.replace(' ', '') for line in table.markdown().splitlines()]
    assert '|small|12.00±2.83|2.00|' in lines
    assert '|whole|20.00|3.00|' in lines


def test_the_table_of_an_unfinished_study_says_so(path, tmp_path, capsys):
    do_run(load_study(path), tmp_path / 'out', 'whole', 2)
    assert main(['study', str(path), '--out', str(tmp_path / 'out'), '--table']) == 0
    printed = capsys.readouterr().out
    assert 'unfinished; runs so far: small 0, whole 1' in printed
    assert 'have 1 runs of tiny' in printed
    assert not (tmp_path / 'out/small-1').exists()


def test_the_command_does_all_runs_and_goes_on(path, tmp_path, capsys):
    out = tmp_path / 'out'
    assert main(['study', str(path), '--out', str(out)]) == 0
    assert 'have 4 runs of tiny' in capsys.readouterr().out
    stored = json.loads((out / 'tiny.json').read_text())
    first = next(iter(stored['tables'].values()))
    assert set(first) == {'small', 'whole'}
    kept = (out / 'whole-2/result.json').stat().st_mtime_ns
    assert main(['study', str(path), '--out', str(out)]) == 0
    assert (out / 'whole-2/result.json').stat().st_mtime_ns == kept


@pytest.mark.parametrize(
    ('old', 'new', 'words'),
    [
        ('kind: lifters', 'kind: cats', 'kind: expected modalities, lifters'),
        ('limit: 16', 'limt: 16', 'unknown key limt'),
        ('seeds: [1, 2]', 'seeds: []', 'seeds: expected a list with something in it'),
        ('preset: lifting_branch', 'presset: x', 'variant small: unknown key presset'),
    ],
)
def test_mistakes_in_a_study_are_named(path, old, new, words):
    path.write_text(path.read_text().replace(old, new))
    with pytest.raises(ConfigError, match=words):
        load_study(path)


def test_a_study_is_not_done_once_per_rank(path, capsys, monkeypatch):
    monkeypatch.setenv('WORLD_SIZE', '2')
    assert main(['study', str(path)]) == 1
    assert 'expected a single process; torchrun started 2' in capsys.readouterr().err


def test_lifters_have_the_sizes_of_their_models_and_answer():
    millions = {'lifting_branch': 1.66, 'simple_baseline': 4.37, 'graph_transformer': 0.67}
    for name, build in LIFTERS.items():
        lifter = build().eval()
        count = sum(value.numel() for value in lifter.parameters()) / 1e6
        assert count == pytest.approx(millions[name], abs=0.01)
        answer = lifter.lift(torch.randn(2, 26, 3), torch.zeros(2, 512))
        assert answer['lifted_pose3d'].shape == (2, 26, 3)


def test_graph_convolution_starts_with_neighbours_alone():
    layer = GraphConvolution(4)
    torch.nn.init.zeros_(layer.own.weight)
    torch.nn.init.zeros_(layer.own.bias)
    torch.nn.init.zeros_(layer.others.bias)
    tokens = torch.zeros(1, 26, 4)
    wrist, elbow = UNION.index('left_wrist'), UNION.index('left_elbow')
    tokens[0, elbow] = 1.0
    reached = layer(tokens)[0].abs().sum(-1) > 0
    neighbours = {i + j - elbow for i, j in UNION.bones if elbow in (i, j)}
    assert set(reached.nonzero().flatten().tolist()) == neighbours
    assert wrist in neighbours


def test_yardstick_of_speed_has_rtmpose_t_s_size():
    network = RtmPoseTiny().eval()
    assert sum(value.numel() for value in network.parameters()) == pytest.approx(3.34e6, rel=0.01)
    x, y = network(torch.zeros(1, 3, 256, 192))
    assert (x.shape, y.shape) == ((1, 17, 384), (1, 17, 512))


def test_projected_poses_are_left_out_of_the_contrast_on_demand(path):
    study = load_study(path)
    terms = {'lifting_pose': torch.tensor(0.2), 'lifting_pairwise': torch.tensor(3.0)}
    totals = [
        Objective(replace(study.config('small', 1), contrast_poses=kept)).total(terms).item()
        for kept in (True, False)
    ]
    assert totals == pytest.approx([5 * 0.2 + 0.1 * 3, 5 * 0.2])


def test_an_unknown_score_of_triples_is_named(path):
    words = "triple_score: expected singular_value, resultant, volume; got 'sum'"
    with pytest.raises(ConfigError, match=words):
        load_study(path, {'triple_score': 'sum'})


@pytest.mark.parametrize('name', ['losses', 'lifters'])
def test_shipped_studies_can_be_read(name):
    study = load_study(find_resource(f'config/study/{name}.yaml'))
    assert len(study.seeds) == 3
    assert len({study.config(variant, 1) for variant in study.variants}) == len(study.variants)
