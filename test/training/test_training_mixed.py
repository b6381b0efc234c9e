"""Training on several data sets at once: whatever one of them lacks is left out of its losses."""

from dataclasses import asdict
import json

import numpy as np
import pytest
from tiny_datasets import write_3dhp_train, write_coco, write_h36m_images
import torch
from torch.nn import functional
from unihpe_ros.core.skeleton import COCO_17, H36M_17, UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.datasets.batches import Collate, image_batches, Item
from unihpe_ros.datasets.catalogue import open_records
from unihpe_ros.models.unihpe import PRESETS, UniHPE
from unihpe_ros.training import contrast
from unihpe_ros.training.config import changed_settings, ConfigError, ImageSource, TrainConfig
from unihpe_ros.training.config_file import load_config
from unihpe_ros.training.objective import Objective
from unihpe_ros.training.train import train

EXPERIMENT = """
images:
  - {{path: {root}/h36m, kind: human36m, weight: 2}}
  - {{path: {root}/coco, kind: coco}}
image_batch: 2
steps: 1
workers: 0
threads: 1
"""


@pytest.fixture
def sets(tmp_path):
    write_h36m_images(tmp_path / 'h36m', 'train')
    write_coco(tmp_path / 'coco', 'train2017')
    write_3dhp_train(tmp_path / '3dhp')
    return tmp_path


def batch_of(sets, kinds):
    size = PRESETS['unihpe_rt'].input_size
    folders = {'human36m': 'h36m', 'coco': 'coco', 'mpi_inf_3dhp': '3dhp'}
    sources = [open_records(kind, sets / folders[kind], 'train') for kind in kinds]
    loader = image_batches(sources, [1.0] * len(kinds), size, 8, 0, workers=0)
    return next(iter(loader))


def test_batches_say_what_is_known(sets):
    batch = batch_of(sets, ['human36m', 'coco'])
    assert batch.known.shape == (8, 26)
    # COCO labels the nose, Human3.6M does not.
    coco = batch.known[:, UNION.index('nose')] > 0
    assert coco.any()
    assert not coco.all()
    faces = UNION.indices('left_eye', 'right_ear')
    centres = UNION.indices('pelvis', 'spine', 'head_top')
    assert not batch.known[~coco][:, faces].any()
    assert batch.known[~coco][:, centres].all()
    assert not batch.known[coco][:, centres].any()
    assert batch.relative[coco].isnan().all()
    assert not batch.weight[batch.known == 0].any()
    assert batch.target_x.isfinite().all()


def finite_terms(batch):
    """Return the losses of a new network on a batch: all finite, and so are the gradients."""
    torch.manual_seed(0)
    model = UniHPE('unihpe_rt').train()
    objective = Objective(TrainConfig(images=(ImageSource(),), singular_value_start=0))
    terms = objective.image_terms(model, batch, np.random.default_rng(0), 10)
    assert all(term.isfinite() for term in terms.values()), terms
    objective.total(terms).backward()
    gradients = [p.grad for p in model.parameters() if p.grad is not None]
    assert all(gradient.isfinite().all() for gradient in gradients)
    return terms


def test_unknown_keypoints_move_no_loss(sets):
    terms = finite_terms(batch_of(sets, ['human36m', 'coco', 'mpi_inf_3dhp']))
    assert terms['pairwise'] > 0
    assert terms['singular_value'] > 0


def test_a_batch_without_any_3d_trains_the_image_and_2d(sets):
    terms = finite_terms(batch_of(sets, ['coco']))
    assert terms['pose'] == 0
    assert terms['bone'] == 0
    assert terms['singular_value'] == 0
    assert terms['keypoints'] > 0
    assert terms['pairwise'] > 0


def test_visibility_is_learnt_where_it_is_known(sets):
    batch = batch_of(sets, ['human36m'])
    logits = torch.randn(8, 26, generator=torch.Generator().manual_seed(0))
    known = batch.known.bool()
    expected = functional.binary_cross_entropy_with_logits(logits[known], batch.inside[known])

    class Model(UniHPE):
        def encode_image(self, image):
            return {**super().encode_image(image), 'visibility': logits}

    objective = Objective(TrainConfig(images=(ImageSource(),)))
    terms = objective.image_terms(Model('unihpe_rt'), batch, np.random.default_rng(0), 0)
    torch.testing.assert_close(terms['visibility'], expected)


def test_near_duplicates_look_at_the_keypoints_that_both_have():
    generator = torch.Generator().manual_seed(3)
    pose = torch.randn(26, 3, generator=generator) * 0.3
    pose -= pose[UNION.index('pelvis')].clone()
    pair = torch.stack([pose, pose, pose + 0.03, torch.randn(26, 3, generator=generator)])
    lacking = [i for i in range(26) if UNION.keypoints[i] not in H36M_17.parents]
    pair[1, lacking] = float('nan')
    marked = contrast.near_duplicates(pair)
    assert marked.int().tolist() == [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]
    # No keypoint in common but the root: nothing is known about them.
    pair[0, H36M_17.indices_in(UNION)[1:]] = float('nan')
    assert not contrast.near_duplicates(pair)[0, 1]
    assert not contrast.near_duplicates(torch.full((2, 26, 3), float('nan'))).any()


def test_near_duplicates_equals_the_distance_in_full_poses():
    poses = torch.randn(40, 26, 3, generator=torch.Generator().manual_seed(4)) * 0.02
    rms = (poses[:, None] - poses[None]).square().sum(-1).mean(-1).sqrt()
    threshold = float(rms.median())
    marked = contrast.near_duplicates(poses, threshold)
    clear = (rms - threshold).abs() > 1e-5
    assert torch.equal(marked[clear], (rms < threshold)[clear])


def test_pairs_count_where_both_modalities_are_there():
    x, y, z = functional.normalize(
        torch.randn(3, 6, 16, generator=torch.Generator().manual_seed(5)), dim=-1
    )
    nobody = torch.zeros(6, 6, dtype=torch.bool)
    solid = torch.tensor([1, 1, 1, 0, 0, 0]).bool()
    everybody = torch.ones(6).bool()
    temperature = torch.tensor(0.1)
    found = contrast.pairwise_loss([x, y, z], temperature, nobody, [everybody, everybody, solid])
    parts = [(x, y), (x[:3], z[:3]), (y[:3], z[:3])]
    expected = torch.stack([contrast.info_nce(a @ b.T / temperature) for a, b in parts]).mean()
    torch.testing.assert_close(found, expected)
    none = contrast.pairwise_loss([x, z], temperature, nobody, [everybody, ~everybody])
    assert none == 0


def test_an_experiment_mixes_kinds(sets, tmp_path):
    path = tmp_path / 'mixed.yaml'
    path.write_text(EXPERIMENT.format(root=sets))
    checkpoint = train(load_config(path), tmp_path / 'run')
    assert checkpoint.exists()


def test_a_set_without_its_pictures_cannot_be_trained_on(sets, tmp_path):
    write_h36m_images(tmp_path / 'bare', 'train', pictures=False)
    path = tmp_path / 'bare.yaml'
    path.write_text(f'images: [{{path: {tmp_path}/bare, kind: human36m}}]')
    with pytest.raises(ConfigError, match='bare: the set of kind human36m lies here without its'):
        train(load_config(path), tmp_path / 'run')


def test_an_unknown_kind_is_named(tmp_path):
    path = tmp_path / 'odd.yaml'
    path.write_text('images: [{path: data, kind: mpii}]')
    with pytest.raises(ConfigError, match=r'odd\.yaml: images: kind: expected synthetic,.*mpii'):
        load_config(path)


def test_a_checkpoint_from_before_a_setting_resumes():
    config = TrainConfig(images=(ImageSource('data/train'),), steps=7)
    stored = asdict(config)
    stored['images'] = ({'path': 'data/train', 'weight': 1.0},)
    assert changed_settings(stored, config) == []
    stored['images'] = ({'path': 'data/other', 'weight': 1.0},)
    assert changed_settings({**stored, 'steps': 8}, config) == ['steps', 'images']


def test_settings_that_went_through_json_are_the_same():
    source = ImageSource('data/people', kind='photos', only=('coco',))
    config = TrainConfig(images=(source,), frozen=('image_branch.backbone.stem',))
    stored = json.loads(json.dumps(asdict(config)))
    assert changed_settings(stored, config) == []
    stored['images'][0]['only'] = ['lspet']
    assert changed_settings({**stored, 'frozen': []}, config) == ['images', 'frozen']


@pytest.mark.parametrize('name', ['unihpe_w32', 'unihpe_w48'])
def test_the_large_presets_name_kinds_that_exist(root, name):
    config = load_config(root / f'config/train/{name}.yaml')
    assert config.preset == name
    kinds = {source.kind for source in config.images}
    assert kinds == {'human36m', 'mpi_inf_3dhp', 'coco', 'synthetic'}


def test_the_collator_leaves_unknown_keypoints_without_weight(sets):
    records = open_records('coco', sets / 'coco', 'train')
    size = PRESETS['unihpe_rt'].input_size
    batch = Collate(size, 2.0)([Item(crop_record(records[0], size), '')])
    labelled = batch.weight[0] > 0
    assert labelled.sum() == 11
    assert set(labelled.nonzero()[:, 0].tolist()) <= set(COCO_17.indices_in(UNION).tolist())
