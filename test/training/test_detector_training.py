"""Training the detector: which points answer for whom, learning, export, evaluation."""

import csv
import json

import cv2
from killed_runs import check_resumed
import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
import torch
from unihpe_ros.cli.main import main
from unihpe_ros.core.boxes import iou as iou_of_pairs
from unihpe_ros.core.detection import Detections, encode, grid
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.datasets import scene_augment
from unihpe_ros.datasets.scene_augment import augment_scene, LabelledPicture
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines.ort_engine import OrtEngine
from unihpe_ros.evaluation.detection_report import (
    detection_report,
    detection_scores,
    ScenePredictions,
)
from unihpe_ros.metrics.detection import detection_precision, match
from unihpe_ros.models.detector_network import DetectorNetwork, DetectorPreset, DETECTORS
from unihpe_ros.models.export import export_detector
from unihpe_ros.training import ranks
from unihpe_ros.training.board import draw_scenes, FOUND_COLOUR, TRUE_COLOUR
from unihpe_ros.training.config import ConfigError, ImageSource, TrainConfig
from unihpe_ros.training.detection.batches import collate, scene_batches, SceneBatch, SceneItem
from unihpe_ros.training.detection.losses import assign, giou_loss, iou, quality_focal_loss
from unihpe_ros.training.detection.run import DetectorRun, load_detector, TorchDetector
from unihpe_ros.training.failures import check_finite, NonFiniteLossError
from unihpe_ros.training.train import train

SIZE = (128, 96)
SMALL = DetectorPreset(SIZE, (16, 16, 24, 32, 32), (1, 1, 1, 1), 24)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setitem(DETECTORS, 'unihpe_det', SMALL)


def painted(rng, people=2):
    """Draw people: bright ellipses with a dark head on a noisy ground, each in a column."""
    image = rng.integers(60, 120, (SIZE[1], SIZE[0], 3)).astype(np.uint8)
    boxes = []
    for column in range(people):
        w, h = rng.integers(14, 40), rng.integers(30, 80)
        x = int(rng.integers(column * 64, column * 64 + 64 - w))
        y = int(rng.integers(0, SIZE[1] - h))
        cv2.ellipse(image, (x + w // 2, y + h // 2), (w // 2, h // 2), 0, 0, 360, (250,) * 3, -1)
        boxes.append([x, y, x + w // 2 * 2, y + h // 2 * 2])
    boxes = np.array(boxes, np.float32).reshape(-1, 4)
    return LabelledPicture(image, boxes, np.ones(len(boxes), np.float32))


def write_scenes(folder, rng, count):
    """Write painted people as `unihpe render --scenes` writes rendered ones."""
    folder.mkdir()
    pictures = [painted(rng, number % 3) for number in range(count)]
    jpegs = [cv2.imencode('.jpg', picture.image)[1].tobytes() for picture in pictures]
    boxes = np.concatenate([picture.boxes for picture in pictures])
    n, k = len(boxes), len(UNION)
    people = {
        'boxes': boxes,
        'share_visible': np.ones(n, np.float32),
        'keypoints_2d': np.zeros((n, k, 2), np.float32),
        'keypoints_3d': np.zeros((n, k, 3), np.float32),
        'visibility': np.zeros((n, k), np.uint8),
        'hider': np.zeros((n, k), np.uint8),
        'height': np.ones(n, np.float32),
        **{name: np.zeros(n, np.int32) for name in ('clip', 'frame', 'shape')},
    }
    (folder / 'shard_00000.jpegs').write_bytes(b''.join(jpegs))
    np.savez(
        folder / 'shard_00000.npz',
        offsets=np.cumsum([0, *map(len, jpegs)]),
        first=np.cumsum([0, *(len(picture.boxes) for picture in pictures)]),
        K=np.tile(np.eye(3, dtype=np.float32), (count, 1, 1)),
        distortion=np.zeros((count, 5), np.float32),
        mask_runs=np.zeros(0, np.uint32),
        mask_first=np.zeros(n + 1, np.int64),
        **people,
    )
    manifest = {
        'format': 2,
        'kind': 'scenes',
        'keypoints': list(UNION.keypoints),
        'size': list(SIZE),
        'stored_size': list(SIZE),
    }
    (folder / 'manifest.json').write_text(json.dumps(manifest))
    return folder


def test_torch_boxes_overlap_as_numpy_says(rng):
    low = rng.uniform(0, 50, (2, 9, 2))
    boxes = np.concatenate([low, low + rng.uniform(1, 40, (2, 9, 2))], -1)
    one, other = torch.from_numpy(boxes)
    expected = iou_of_pairs(boxes[0], boxes[1])
    np.testing.assert_allclose(iou(one[:, None], other[None]).numpy(), expected, atol=1e-6)
    loss = giou_loss(one[:, None], other[None]).numpy()
    assert (loss >= 1 - expected - 1e-9).all()
    assert (loss <= 2).all()
    np.testing.assert_allclose(giou_loss(one, one).numpy(), 0, atol=1e-6)
    # Boxes that are far apart are pulled together: the plain IoU's loss would be flat.
    far = torch.tensor([[100.0, 0, 110, 10]])
    near = torch.tensor([[20.0, 0, 30, 10]])
    target = torch.tensor([[0.0, 0, 10, 10]])
    assert giou_loss(near, target) < giou_loss(far, target)


def test_the_loss_is_least_at_the_quality():
    logits = torch.linspace(-6, 6, 121)
    loss = quality_focal_loss(logits, torch.full_like(logits, 0.7))
    assert logits[loss.argmin()].sigmoid().item() == pytest.approx(0.7, abs=0.02)


def assignment(boxes, asked, answered=None):
    points, steps = (torch.from_numpy(array) for array in grid(SIZE))
    truth = torch.tensor(boxes, dtype=torch.float32)[None]
    if answered is None:
        answered = torch.cat([points - 20, points + 20], 1)[None]
    scores = torch.full((1, len(points)), 0.5)
    return assign(scores, answered, truth, torch.tensor([asked]), points, steps), points


def test_each_person_is_answered_for_by_points_inside():
    boxes = [[10, 10, 50, 60], [70, 20, 110, 80], [np.nan] * 4]
    found, points = assignment(boxes, [True, True, False])
    for person in (0, 1):
        mine = found.owner[0] == person
        assert 1 <= mine.sum() <= 10
        x0, y0, x1, y1 = boxes[person]
        inside = points[mine]
        assert (inside > torch.tensor([x0, y0])).all()
        assert (inside < torch.tensor([x1, y1])).all()
    assert (found.owner != 2).all()
    assert found.counts.all()
    assert (found.quality[found.owner < 0] == 0).all()


def test_the_best_point_is_worth_its_overlap():
    box = [10.0, 10, 50, 60]
    found, points = assignment([box], [True])
    best = int(found.quality[0].argmax())
    answered = torch.cat([points[best] - 20, points[best] + 20])
    overlaps = iou(answered, torch.tensor(box))
    assert found.quality[0, best].item() == pytest.approx(overlaps.item(), abs=1e-5)


def test_the_smallest_person_is_still_answered_for():
    found, _ = assignment([[61.0, 40, 63, 44]], [True])
    assert (found.owner[0] == 0).any()


def test_people_too_hidden_are_neither_asked_for_nor_denied():
    found, points = assignment([[10, 10, 50, 60], [70, 20, 110, 80]], [True, False])
    inside = ((points > torch.tensor([70, 20])) & (points < torch.tensor([110, 80]))).all(1)
    assert (found.owner[0] != 1).all()
    assert (found.counts[0] == ~inside).all()


def test_nobody_at_all_costs_a_little_and_is_finite():
    run = DetectorRun(TrainConfig(preset='unihpe_det'), torch.device('cpu'))
    w, h = run.model.preset.input_size
    picture = LabelledPicture(
        np.zeros((h, w, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    )
    batch = collate([SceneItem(picture, 'here', [])] * 2)
    terms = run.objective.image_terms(run.model, batch, np.random.default_rng(0), 0)
    assert 0 < run.objective.total(terms) < 1
    assert terms['box'] == 0


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


def small_config(scenes, **settings):
    """Return the settings of a run of a few steps on scenes, in this process."""
    fixed = {'images': (ImageSource(str(scenes)),), 'threads': 1, 'workers': 0}
    return TrainConfig(preset='unihpe_det', **{'image_batch': 2, **fixed, **settings})


def spoil(scenes):
    """Damage the third picture, and add a shard that is none."""
    (scenes / 'shard_00001.npz').write_bytes(b'no labels')
    with np.load(scenes / 'shard_00000.npz') as labels:
        start = int(labels['offsets'][2])
    with (scenes / 'shard_00000.jpegs').open('r+b') as file:
        file.seek(start)
        file.write(b'no picture')


@pytest.mark.usefixtures('small')
def test_damaged_shards_and_pictures_are_left_out_and_named(tmp_path, rng):
    scenes = write_scenes(tmp_path / 'scenes', rng, 6)
    spoil(scenes)
    train(small_config(scenes, steps=6), tmp_path / 'run')
    noted = (tmp_path / 'run/skipped.txt').read_text()
    assert 'shard_00001.npz' in noted
    assert 'shard_00000.jpegs, picture 2' in noted


@pytest.mark.usefixtures('small')
def test_damaged_scenes_are_left_out_of_the_figures_and_counted(tmp_path, rng):
    scenes = write_scenes(tmp_path / 'scenes', rng, 6)
    spoil(scenes)
    whole = write_scenes(tmp_path / 'whole', rng, 3)
    config = small_config(whole, steps=1, image_batch=1, validation_images=str(scenes))
    checkpoint = train(config, tmp_path / 'run')
    noted = (tmp_path / 'run/skipped.txt').read_text()
    assert noted.count('scenes/shard_00001.npz') == 1
    assert noted.count('scenes/shard_00000.jpegs, picture 2') == 1
    out = tmp_path / 'report'
    arguments = ['--protocol', 'detection', '--data', str(scenes), '--out', str(out)]
    assert main(['evaluate', str(checkpoint), *arguments]) == 0
    stored = json.loads((out / 'detection.json').read_text())
    assert stored['notes'][0].startswith('5 scenes')
    assert 'left out: 1 unreadable scenes and 1 damaged shards' in stored['notes']


@pytest.mark.usefixtures('small')
def test_a_loss_that_is_no_number_names_the_scenes(tmp_path, rng):
    batch = collate([SceneItem(painted(rng), f'scene {number}', []) for number in range(3)])
    batch.boxes[1, 0, 2] = float('nan')
    with pytest.raises(NonFiniteLossError, match=r'step 4: .*terms: box; samples: scene 1 \(odd'):
        check_finite(4, {'loss': np.nan, 'box': np.nan}, batch, tmp_path / 'bad.txt')
    lines = (tmp_path / 'bad_rank0.txt').read_text().splitlines()
    assert lines[1:] == ['scene 1 (odd labels)', 'scene 0', 'scene 2']
    # Rows that hold nobody are NaN, and nothing is odd about them.
    batch.asked[1, 0] = False
    with pytest.raises(NonFiniteLossError, match='samples: scene 0; scene 1; scene 2 and'):
        check_finite(4, {'loss': np.nan}, batch, tmp_path / 'bad.txt')


def test_ranks_draw_the_scenes_of_one(tmp_path, rng, monkeypatch):
    scenes = write_scenes(tmp_path / 'scenes', rng, 9)
    config = TrainConfig(images=(ImageSource(str(scenes)),), image_batch=4, workers=0)

    def draw():
        batches = scene_batches(config, SIZE, 3, list)
        return [next(batches) for _ in range(3)]

    whole = draw()
    monkeypatch.setattr(ranks, 'count', lambda: 2)
    parts = []
    for number in range(2):
        monkeypatch.setattr(ranks, 'rank', lambda number=number: number)
        parts.append(draw())
    for batch, first, second in zip(whole, *parts, strict=True):
        assert len(first.image) == len(second.image) == 2
        assert batch.sources == first.sources + second.sources
        assert torch.equal(batch.image, torch.cat([first.image, second.image]))
        assert first.sources != second.sources


def test_what_teaches_a_detector_nothing_is_refused():
    for settings, words in (
        ({'poses': 'a.npz'}, r'poses: expected none for a detector; got a\.npz'),
        (
            {'images': (ImageSource('here', kind='coco'),)},
            'images: here: expected scenes of .* coco',
        ),
    ):
        with pytest.raises(ConfigError, match=words):
            scene_batches(TrainConfig(**settings), SIZE, 0, list)


@pytest.mark.usefixtures('small')
def test_a_killed_run_resumes_to_the_same_weights(tmp_path, rng, monkeypatch):
    scenes = write_scenes(tmp_path / 'scenes', rng, 6)
    config = small_config(scenes, steps=5, checkpoint_minutes=0.0)
    check_resumed(config, tmp_path, DetectorRun, 3, monkeypatch)


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    torch.save({'preset': 'unihpe_rt', 'step': 0, 'ema': {}}, tmp_path / 'other.pt')
    with pytest.raises(ConfigError, match=r'other\.pt: expected a detector, unihpe_det; got'):
        load_detector(tmp_path / 'other.pt')
    with pytest.raises(ConfigError, match='expected scenes to train a detector on'):
        train(TrainConfig(preset='unihpe_det', poses=''), tmp_path / 'run')


def test_boxes_follow_what_augmentation_does_to_the_picture(monkeypatch):
    monkeypatch.setattr(scene_augment, 'degrade', lambda image, rng, hide: image)
    image = np.zeros((256, 416, 3), np.uint8)
    image[60:200, 100:180] = 255
    picture = LabelledPicture(
        image, np.float32([[99.5, 59.5, 179.5, 199.5]]), np.ones(1, np.float32)
    )
    shown = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        made = augment_scene([picture], (416, 256), rng)
        # The block is the only thing that is brighter than the filling.
        rows, columns = np.nonzero(made.image.min(-1) > 127)
        if len(rows) < 50:
            continue
        shown += 1
        edges = [columns.min() - 0.5, rows.min() - 0.5, columns.max() + 0.5, rows.max() + 0.5]
        np.testing.assert_allclose(made.boxes, [edges], atol=1.0)
    assert shown > 20


def test_cut_people_are_less_visible_and_small_ones_not_asked_for(rng):
    boxes = np.float32([[0, 0, 200, 250], [300, 100, 303, 104]])
    picture = LabelledPicture(np.zeros((256, 416, 3), np.uint8), boxes, np.float32([0.8, 1.0]))
    assert picture.learnable.tolist() == [True, False]
    for seed in range(20):
        made = augment_scene([picture] * 4, (416, 256), np.random.default_rng(seed))
        assert (made.visible <= 1.0).all()
        assert (made.boxes[:, 2:] <= np.float32([415.5, 255.5])).all()
        assert (made.boxes[:, :2] >= -0.5).all()


def test_precision_of_a_hand_counted_set():
    people = np.float32([[0, 0, 10, 20], [50, 0, 60, 20]])
    found = Detections(
        np.float32([[50, 0, 60, 20], [100, 0, 110, 20], [0, 0, 10, 19]]),
        np.float32([0.9, 0.8, 0.7]),
    )
    asked = np.ones(2, np.bool_)
    half = match(found, people, asked, 0.5)
    assert half.hits.tolist() == [True, False, True]
    np.testing.assert_allclose(half.found, [0.7, 0.9])
    # Precision 1 up to recall 0.5, then 2/3: 51 and 50 of 101 recalls.
    assert detection_precision([half], 2) == pytest.approx((51 + 50 * 2 / 3) / 101)
    assert detection_precision([match(found, people, asked, 0.96)], 2) == pytest.approx(51 / 101)
    assert np.isnan(detection_precision([], 0))


def test_one_person_is_found_once_and_those_not_asked_for_cost_nothing():
    people = np.float32([[0, 0, 10, 20], [50, 0, 60, 20]])
    twice = Detections(np.float32([[0, 0, 10, 20], [0, 0, 10, 20]]), np.float32([0.9, 0.8]))
    assert match(twice, people, np.ones(2, np.bool_), 0.5).hits.tolist() == [True, False]
    hidden = Detections(np.float32([[50, 0, 60, 20]]), np.float32([0.9]))
    excused = match(hidden, people, np.array([True, False]), 0.5)
    assert excused.counts.tolist() == [False]
    assert excused.hits.tolist() == [False]


def test_report_tells_sizes_and_hidden_people_apart():
    tall, low = [0, 0, 60, 200], [100, 0, 110, 30]
    truth = LabelledPicture(
        np.zeros((0, 0, 3), np.uint8), np.float32([tall, low]), np.float32([1.0, 0.5])
    )
    empty = LabelledPicture(
        np.zeros((0, 0, 3), np.uint8), np.zeros((0, 4), np.float32), np.zeros(0, np.float32)
    )
    found = Detections(np.float32([tall]), np.float32([0.8]))
    ghost = Detections(np.float32([low]), np.float32([0.5]))
    report = detection_report(ScenePredictions([found, ghost], [truth, empty]))
    everyone, by_score, sizes, shares = report.tables
    assert everyone.rows['detector'][2:] == [50.0, 50.0, 100.0]
    # The ghost counts down to its score: one of two boxes is right, one box a person.
    assert by_score.rows['score 0.50'] == [50.0, 50.0, 1.0]
    assert by_score.rows['score 0.60'] == [50.0, 100.0, 0.5]
    assert sizes.rows['from 160'] == [100.0, 1.0]
    assert sizes.rows['0 to 40'] == [0.0, 1.0]
    assert shares.rows['0.40 to 0.70'] == [0.0, 1.0]
    assert shares.rows['from 0.95'] == [100.0, 1.0]


def test_encoded_targets_are_what_a_perfect_answer_holds():
    points, _ = grid(SIZE)
    boxes = np.tile(np.float32([[10, 10, 50, 60]]), (len(points), 1))
    inside = ((points > [10, 10]) & (points < [50, 60])).all(1)
    assert ((encode(boxes, SIZE) > 0).all(1) == inside).all()
