"""Training on photographs: from an exported model, without a single 3D label."""

import csv
import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from unihpe_ros.datasets.photo_import import import_photos
from unihpe_ros.datasets.photos import PhotoScenes
from unihpe_ros.models.export import export
from unihpe_ros.models.unihpe import UniHPE
from unihpe_ros.training.config import ConfigError
from unihpe_ros.training.config_file import make_config
from unihpe_ros.training.run import Run
from unihpe_ros.training.train import train


@pytest.fixture
def photos(tmp_path):
    """Store six pictures of somebody, all 17 keypoints labelled."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    images, people = [], []
    for number in range(6):
        cv2.imwrite(str(folder / f'{number}.png'), rng.integers(0, 255, (90, 70, 3), np.uint8))
        size = {'width': 70, 'height': 90}
        image = {'id': number, 'file_name': f'{number}.png', 'source': 'yard', **size}
        images.append(image | {'labels_full': number < 4})
        places = np.column_stack(
            [rng.uniform(10, 60, 17), rng.uniform(10, 80, 17), np.full(17, 2)]
        )
        person = {'id': number, 'image_id': number, 'iscrowd': 0, 'num_keypoints': 17}
        person |= {'bbox': [5, 5, 60, 80], 'area': 4000, 'keypoints': places.ravel().tolist()}
        people.append(person | {'iscrowd': int(number == 3)})
    (tmp_path / 'people.json').write_text(json.dumps({'images': images, 'annotations': people}))
    import_photos(tmp_path / 'people.json', folder, tmp_path / 'photos')
    return tmp_path / 'photos'


def experiment(photos, **more):
    values = {
        'preset': 'unihpe_slim',
        'steps': 2,
        'images': [{'path': str(photos), 'kind': 'photos', 'only': ['yard'], 'hip_weight': 0.3}],
        'image_batch': 4,
        'workers': 0,
        'loss': {'cross_modal': 1.0, 'reprojection': 0.5},
        'log_steps': 1,
        'validation_photos': str(photos),
        'threads': 1,
    }
    return make_config(values | more, 'x.yaml')


def test_a_run_goes_on_from_an_exported_model(photos, tmp_path, capsys):
    torch.manual_seed(0)
    export(UniHPE('unihpe_slim'), tmp_path, 'slim', 'a test', 'none')
    config = experiment(photos, init=str(tmp_path / 'slim'))
    train(config, tmp_path / 'run')
    rows = list(csv.DictReader((tmp_path / 'run/log.csv').open()))
    for name in ('keypoints', 'cross_modal', 'reprojection', 'pairwise'):
        assert float(rows[-1][name]) > 0, name
    assert float(rows[-1]['pose']) == 0
    scores = list(csv.DictReader((tmp_path / 'run/validation.csv').open()))
    assert 0 <= float(scores[-1]['photo_pck']) <= 100
    assert 0 <= float(scores[-1]['photo_ap']) <= 100


def test_frozen_parts_stay_and_the_others_learn(photos, tmp_path):
    frozen = ['image_branch.backbone.stem', 'image_branch.backbone.stages.0']
    config = experiment(photos, frozen=frozen, learning_rate=0.01, warmup_steps=0)
    before = Run(config, torch.device('cpu')).ema
    state = torch.load(train(config, tmp_path / 'run'), weights_only=True)
    changed = {
        name for name, value in state['model'].items() if not torch.equal(value, before[name])
    }
    assert not any(name.startswith(tuple(frozen)) for name in changed)
    assert 'image_branch.backbone.stages.1.0.first.0.weight' in changed
    assert 'image_branch.backbone.stages.1.0.first.1.running_mean' in changed


def test_a_frozen_part_that_is_not_there_is_named(photos):
    with pytest.raises(ConfigError, match='frozen: stern: unihpe_slim has no such part'):
        Run(experiment(photos, frozen=['stern']), torch.device('cpu'))


def test_the_averaged_lifter_teaches_the_image_and_not_the_other_way_round(photos):
    run = Run(experiment(photos), torch.device('cpu'))
    assert run.objective.averaged is run.ema
    before = {name: value.clone() for name, value in run.ema.items()}
    run.average_from_here()
    assert run.objective.averaged is run.ema
    assert all(torch.equal(before[name], value) for name, value in run.ema.items())


def test_an_exported_model_that_is_not_there_is_named_with_the_places(photos, root):
    words = r'init: nosuch: expected a checkpoint \(\.pt\), or .*; looked in '
    with pytest.raises(ConfigError, match=words) as caught:
        Run(experiment(photos, init='nosuch'), torch.device('cpu'))
    places = str(caught.value).partition('looked in ')[2].split(', ')
    assert places[:2] == [str(Path.cwd()), str(root / 'resource/models')]


@pytest.mark.parametrize(
    ('source', 'words'),
    [
        ({'path': 'a', 'only': ['x']}, 'images: a: a selection needs kind photos'),
        ({'path': 'a', 'kind': 'photos', 'only': 'x'}, 'only: expected a list of names; got .x.'),
        ({'path': 'a', 'kind': 'photos', 'licence': 'free'}, "licence: expected '' or 'open'"),
    ],
)
def test_selections_that_do_not_fit_are_named(source, words):
    with pytest.raises(ConfigError, match=words):
        make_config({'images': [source]}, 'x.yaml')


def test_a_detector_reads_pictures_whose_people_are_all_labelled(photos, tmp_path):
    scenes = PhotoScenes(photos)
    assert len(scenes) == 4
    picture, source = scenes.labelled(0)
    assert picture.boxes.tolist() == [[4.5, 4.5, 64.5, 84.5]]
    assert picture.is_photograph
    assert source.endswith('photos: 0.png')
    crowd, _ = scenes.labelled(3)
    assert not crowd.learnable.any()
    config = make_config(
        {
            'preset': 'unihpe_det',
            'init': 'unihpe_det',
            'steps': 1,
            'images': [{'path': str(photos), 'kind': 'photos'}],
            'image_batch': 2,
            'workers': 0,
            'log_steps': 1,
        },
        'x.yaml',
    )
    train(config, tmp_path / 'run')
    rows = list(csv.DictReader((tmp_path / 'run/log.csv').open()))
    assert 0 < float(rows[0]['loss']) < 20
