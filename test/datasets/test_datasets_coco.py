"""COCO keypoints, written here as published; and the choice of a reader by its kind."""

import json

import numpy as np
import pytest
from tiny_datasets import write_3dhp_test, write_coco, write_h36m_poses, write_pw3d
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.augment import crop_record
from unihpe_ros.datasets.batches import CropDataset
from unihpe_ros.datasets.catalogue import DATASET_KINDS, open_records
from unihpe_ros.datasets.coco import Coco
from unihpe_ros.datasets.records import DatasetError

PATH = 'annotations/person_keypoints_val2017.json'


def test_people_with_keypoints(tmp_path):
    write_coco(tmp_path)
    records = Coco(tmp_path, 'test')
    assert records.has_images
    assert len(records) == 2
    record = records[0]
    assert record.image.shape == (120, 160, 3)
    assert record.keypoints_3d is None
    assert record.K is None
    assert record.area == 5000.5
    assert record.box.tolist() == [9.5, 19.5, 129.5, 89.5]
    assert not record.alone
    assert records[1].source.endswith('000000000042.jpg, annotation 10')


def test_unlabelled_keypoints_are_unknown_not_outside(tmp_path):
    write_coco(tmp_path)
    record = Coco(tmp_path, 'test')[0]
    coco = COCO_17.indices_in(UNION)
    assert record.visibility[coco].tolist() == [2, 1] + [2] * 9 + [0] * 6
    assert record.keypoints_2d[UNION.index('nose')].tolist() == [20, 30]
    assert np.isnan(record.keypoints_2d[coco[11:]]).all()
    assert np.isnan(record.keypoints_2d[UNION.index('pelvis')]).all()
    sample = crop_record(record, (48, 64))
    assert sample.known.sum() == 11
    assert np.isnan(sample.relative).all()


def test_no_empty_crop_is_cut_where_others_may_be(tmp_path):
    write_coco(tmp_path)
    record = Coco(tmp_path, 'test')[0]
    for seed in range(60):
        sample = crop_record(record, (48, 64), np.random.default_rng(seed))
        assert (sample.visibility > 0).any()


def test_crops_to_learn_from_are_as_much_larger_than_the_box_as_asked(tmp_path):
    write_coco(tmp_path)
    records = Coco(tmp_path, 'test')
    spans = []
    for padding in (1.0, 2.0):
        dataset = CropDataset([records], (48, 64), seed=3, padding=padding)
        keypoints = np.stack([dataset[place, 0, 0].sample.keypoints for place in range(40)])
        # Nose and left wrist: both labelled, and far apart.
        apart = keypoints[:, UNION.index('nose')] - keypoints[:, UNION.index('left_wrist')]
        spans.append(np.nanmedian(np.linalg.norm(apart, axis=-1)))
    assert spans[0] == pytest.approx(2 * spans[1], rel=0.02)


def test_without_pictures(tmp_path):
    write_coco(tmp_path, pictures=False)
    records = Coco(tmp_path, 'test')
    assert not records.has_images
    assert records[0].size == (160, 120)


def test_odd_annotations_are_named(tmp_path):
    with pytest.raises(
        DatasetError, match=r'annotations: expected person_keypoints_train\*\.json'
    ):
        Coco(tmp_path, 'train')
    stored = write_coco(tmp_path)
    path = tmp_path / PATH
    path.write_text(
        json.dumps({**stored, 'annotations': [{**stored['annotations'][0], 'keypoints': [1]}]})
    )
    with pytest.raises(DatasetError, match=r'annotation 7: expected 51 numbers of keypoints'):
        Coco(tmp_path, 'test')
    person = {key: value for key, value in stored['annotations'][0].items() if key != 'area'}
    path.write_text(json.dumps({**stored, 'annotations': [person]}))
    with pytest.raises(DatasetError, match=r'val2017\.json: an annotation lacks key area'):
        Coco(tmp_path, 'test')
    image = {'id': 42, 'file_name': '000000000042.jpg', 'width': 160}
    path.write_text(json.dumps({**stored, 'images': [image]}))
    with pytest.raises(DatasetError, match=r'val2017\.json: an image lacks key height'):
        Coco(tmp_path, 'test')
    path.write_text('{}')
    with pytest.raises(DatasetError, match='expected keys images and annotations'):
        Coco(tmp_path, 'test')
    path.write_text('{')
    with pytest.raises(DatasetError, match=r'val2017\.json: not readable JSON'):
        Coco(tmp_path, 'test')


@pytest.mark.parametrize(
    ('kind', 'write'),
    [
        ('human36m', write_h36m_poses),
        ('pw3d', write_pw3d),
        ('mpi_inf_3dhp', write_3dhp_test),
        ('coco', write_coco),
    ],
)
def test_a_set_is_opened_by_its_kind(tmp_path, kind, write):
    write(tmp_path)
    records = open_records(kind, tmp_path, 'test')
    record = records[len(records) - 1]
    assert record.keypoints_2d.shape == (26, 2)
    known = np.isfinite(record.keypoints_2d).all(-1)
    assert not record.visibility[~known].any()
    assert np.isfinite(record.box).all()


def test_unknown_kinds_and_splits_are_named(tmp_path):
    with pytest.raises(ValueError, match=f"{', '.join(DATASET_KINDS)}; got 'mpii'"):
        open_records('mpii', tmp_path, 'test')
    with pytest.raises(ValueError, match="split: expected 'train' or 'test'; got 'val'"):
        open_records('coco', tmp_path, 'val')
