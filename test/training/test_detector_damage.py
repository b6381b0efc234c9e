"""Detector training with damaged scenes, wrong settings, several processes and a kill."""

import json

from detector_scenes import painted, SIZE, write_scenes
from killed_runs import check_resumed
import numpy as np
import pytest
import torch
from unihpe_ros.cli.main import main
from unihpe_ros.training import ranks
from unihpe_ros.training.config import ConfigError, ImageSource, TrainConfig
from unihpe_ros.training.detection.detector_run import DetectorRun, load_detector
from unihpe_ros.training.detection.scene_batches import collate, scene_batches, SceneItem
from unihpe_ros.training.failures import check_finite, NonFiniteLossError
from unihpe_ros.training.train import train


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
    with pytest.raises(ConfigError, match=r'other\.pt: expected a detector, .*; got unihpe_rt'):
        load_detector(tmp_path / 'other.pt')
    with pytest.raises(ConfigError, match='expected scenes to train a detector on'):
        train(TrainConfig(preset='unihpe_det', poses=''), tmp_path / 'run')
