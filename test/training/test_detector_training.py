"""Training the detector: which points answer for whom, learning, export, evaluation."""

import csv
import json

from detector_scenes import painted, SIZE, write_scenes
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import torch
from unihpe_ros.cli.main import main
from unihpe_ros.core.detector_output import Detections, grid
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines.ort_engine import OrtEngine
from unihpe_ros.evaluation.detection_report import detection_scores, ScenePredictions
from unihpe_ros.models.detector_network import DetectorNetwork
from unihpe_ros.models.export import export_detector
from unihpe_ros.training.board import draw_scenes, FOUND_COLOUR, TRUE_COLOUR
from unihpe_ros.training.config import TrainConfig
from unihpe_ros.training.detection.detector_run import DetectorRun, TorchDetector
from unihpe_ros.training.detection.scene_batches import collate, SceneBatch, SceneItem


@pytest.mark.usefixtures('small')
def test_eight_scenes_are_learned_by_heart(rng):
    torch.set_num_threads(1)
    pictures = [painted(rng, 1 + number % 2) for number in range(8)]
    batch = collate([SceneItem(picture, '', []) for picture in pictures])
    config = TrainConfig(preset='unihpe_det', learning_rate=5e-3, warmup_steps=5, ema_steps=10)
    run = DetectorRun(config, torch.device('cpu'))
    for _ in range(100):
        terms = run.objective.image_terms(run.model.train(), batch, rng, 0)
        run.update(run.objective.total(terms))
    detector = TorchDetector(run.averaged())
    predictions = ScenePredictions(
        [detector.detect(picture.image, 0.01) for picture in pictures], pictures
    )
    scores = detection_scores(predictions)
    assert scores['AP50'] > 99
    assert scores['AP50:95'] > 70
    assert scores['recall'] == 100


@pytest.mark.usefixtures('small')
def test_exported_detector_equals_pytorch(tmp_path):
    torch.manual_seed(0)
    network = DetectorNetwork('unihpe_det')
    for head in network.heads:
        torch.nn.init.normal_(head[-1].weight, std=0.5)
    (file,) = export_detector(network, tmp_path, 'mine', 'how', 'Apache-2.0')
    assert file.path == tmp_path / 'mine.onnx'
    engine = OrtEngine(file.path)
    assert file.largest_difference(engine.infer(file.inputs)) < 1e-3
    spec = engine.spec
    assert (spec.branch, spec.model, spec.training) == ('detector', 'mine', 'how')
    assert spec.input_size == SIZE
    assert b'.py' not in file.path.read_bytes()
    detector = PersonDetector(file.path)
    assert len(detector.detect(np.zeros((50, 70, 3), np.uint8), 0.0)) > 0
    detector.close()
    one = {'image': file.inputs['image'][:1]}
    np.testing.assert_allclose(
        engine.infer(one)['detections'][0], file.outputs['detections'][0], atol=1e-3
    )


def test_the_shipped_size_keeps_to_its_budget():
    network = DetectorNetwork('unihpe_det').eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 2e6
    w, h = network.preset.input_size
    with torch.inference_mode():
        answer = network(torch.zeros(1, 3, h, w))
    assert answer.shape == (1, len(grid((w, h))[0]), 5)
    assert (answer[..., 1:] >= 0).all()
    # An untrained detector sees nobody.
    assert answer[..., 0].sigmoid().max() < 0.02


@pytest.mark.usefixtures('small')
def test_train_export_and_evaluate_end_to_end(tmp_path, rng, capsys):
    scenes = write_scenes(tmp_path / 'scenes', rng, 12)
    experiment = tmp_path / 'det.yaml'
    experiment.write_text(
        f'preset: unihpe_det\nsteps: 6\nimages: [{{path: {scenes}}}]\nimage_batch: 4\n'
        f'threads: 1\nworkers: 0\nlog_steps: 2\nvalidation_images: {scenes}\n'
    )
    run, models = tmp_path / 'run', tmp_path / 'models'
    assert main(['train', str(experiment), '--out', str(run)]) == 0
    with (run / 'validation.csv').open(newline='') as file:
        assert set(next(csv.DictReader(file))) >= {'step', 'AP50', 'AP50:95', 'recall'}
    events = EventAccumulator(str(run / 'tensorboard'), size_guidance={'images': 0})
    events.Reload()
    (panel,) = events.Images('scenes')
    assert (panel.width, panel.height) == (SIZE[0], 4 * SIZE[1])
    checkpoint = str(run / 'checkpoint.pt')
    assert main(['export', checkpoint, '--out', str(models)]) == 0
    arguments = ['--protocol', 'detection', '--data', str(scenes)]
    for model, name in ((checkpoint, 'torch'), (str(models / 'unihpe_det.onnx'), 'onnx')):
        assert main(['evaluate', model, *arguments, '--out', str(tmp_path / name)]) == 0
    assert 'AP50:95' in capsys.readouterr().out
    tables = [
        json.loads((tmp_path / name / 'detection.json').read_text())['tables']
        for name in ('torch', 'onnx')
    ]
    assert tables[0]['Recall by visible share'] == tables[1]['Recall by visible share']
    nobodys = ['--backend', 'nobodys', '--out', str(tmp_path / 'nobodys')]
    assert main(['evaluate', model, *arguments, *nobodys]) == 1
    assert 'nobodys' in capsys.readouterr().err


def test_the_panel_shows_who_is_there_and_who_was_found():
    class Sure:
        def detect(self, image, score_threshold):
            assert image.shape == (64, 96, 3)
            boxes = np.array([[60.0, 20.0, 80.0, 50.0]])
            return Detections(boxes, np.array([max(0.9, score_threshold)]))

    unknown = [np.nan] * 4
    people = torch.tensor([[[10.0, 10, 30, 40], [40.0, 10, 50, 40], unknown], [unknown] * 3])
    batch = SceneBatch(
        image=torch.zeros(2, 64, 96, 3, dtype=torch.uint8),
        boxes=people,
        asked=torch.tensor([[True, False, False], [False] * 3]),
        sources=('a', 'b'),
        skipped=(),
    )
    panel = draw_scenes(Sure(), batch)
    assert panel.shape == (128, 96, 3)
    assert tuple(panel[10, 20]) == TRUE_COLOUR
    assert panel[10, 45].any(), 'whoever is not asked for is drawn too'
    assert tuple(panel[10, 45]) != TRUE_COLOUR
    assert tuple(panel[20, 70]) == FOUND_COLOUR
    assert tuple(panel[64 + 20, 70]) == FOUND_COLOUR
    assert not panel[64:, :60].any()
    assert not batch.image.any(), 'the batch itself is left alone'
