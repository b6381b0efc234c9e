"""Photographs: import from a folder and from a tar, what is left out, and how records read."""

import json
import lzma
import tarfile

import cv2
import numpy as np
import pytest
from unihpe_ros.cli.main import main
from unihpe_ros.core.skeleton import COCO_17, UNION
from unihpe_ros.datasets.augment import crop_record, unstretch
from unihpe_ros.datasets.photo_import import import_photos
from unihpe_ros.datasets.photos import Photos, PhotoScenes, PhotoSelection
from unihpe_ros.datasets.records import DatasetError

NOSE, LEFT_HIP = UNION.index('nose'), UNION.index('left_hip')


def person(number, image, labelled=17, **more):
    labels = [[20 + 3 * k, 30 + 2 * k, 2 if k < labelled else 0] for k in range(17)]
    return {
        'id': number,
        'image_id': image,
        'category_id': 1,
        'iscrowd': 0,
        'bbox': [10.0, 20.0, 80.0, 60.0],
        'area': 3000.0,
        'keypoints': np.array(labels, float).ravel().tolist(),
        'num_keypoints': labelled,
        **more,
    }


@pytest.fixture
def pack(tmp_path):
    """Write two pictures in a folder and in a tar, and annotations of a street and a gym."""
    folder = tmp_path / 'pictures'
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name in ('a.webp', 'b.png'):
        image = cv2.resize(rng.integers(0, 255, (12, 16, 3), np.uint8), (160, 120))
        cv2.imwrite(str(folder / name), image)
    images = [
        {'id': 5, 'file_name': 'a.webp', 'width': 160, 'height': 120, 'source': 'street'},
        {'id': 6, 'file_name': 'b.png', 'width': 160, 'height': 120, 'source': 'gym'},
    ]
    images[0] |= {'licence_class': 'open', 'stretched': True, 'labels_full': True}
    people = [person(1, 5), person(2, 5, labelled=9), person(3, 6)]
    write(tmp_path / 'people.json.xz', images, people)
    with tarfile.open(tmp_path / 'pictures.tar', 'w') as tar:
        for path in sorted(folder.iterdir()):
            tar.add(path, path.name)
    return tmp_path


def write(path, images, people):
    opener = lzma.open if path.suffix == '.xz' else open
    with opener(path, 'wt') as file:
        json.dump({'images': images, 'annotations': people}, file)


def read(path):
    with lzma.open(path, 'rt') as file:
        stored = json.load(file)
    return stored['images'], stored['annotations']


@pytest.mark.parametrize('pictures', ['pictures', 'pictures.tar'])
def test_people_come_back_from_a_folder_and_from_a_tar(pack, pictures):
    made = import_photos(pack / 'people.json.xz', pack / pictures, pack / 'out')
    assert (made.pictures, made.people, made.left_out) == (2, 3, [])
    photos = Photos(pack / 'out')
    record = photos[0]
    assert record.image.shape == (120, 160, 3)
    assert record.keypoints_2d[NOSE].tolist() == [20, 30]
    assert record.box.tolist() == [9.5, 19.5, 89.5, 79.5]
    assert record.group == 'street'
    assert record.stretched
    assert not record.alone
    assert record.keypoints_3d is None
    assert photos[1].visibility.sum() == 18
    assert photos[1].weight[NOSE] == 1


def test_large_pictures_are_reduced_with_their_labels(pack):
    import_photos(pack / 'people.json.xz', pack / 'pictures', pack / 'out', longest=80)
    record = Photos(pack / 'out')[0]
    assert record.image.shape == (60, 80, 3)
    assert record.keypoints_2d[NOSE] == pytest.approx([9.75, 14.75])
    assert record.area == 750


def test_a_selection_takes_sources_licence_and_weights(pack):
    import_photos(pack / 'people.json.xz', pack / 'pictures', pack / 'out')
    assert len(Photos(pack / 'out', PhotoSelection(only=('gym',)))) == 1
    assert len(Photos(pack / 'out', PhotoSelection(licence='open'))) == 2
    chosen = PhotoSelection(hip_weight=0.25, label_weight=0.5, unlabelled='unseen')
    record = Photos(pack / 'out', chosen)[1]
    assert record.weight[NOSE] == 0.5
    assert record.weight[LEFT_HIP] == 0.125
    sample = crop_record(record, (48, 64))
    assert sample.known.sum() == 17
    with pytest.raises(DatasetError, match=r"only=\('sea',\).* leaves nobody; .* gym, street"):
        Photos(pack / 'out', PhotoSelection(only=('sea',)))
    with pytest.raises(ValueError, match="unlabelled: expected 'unknown' or 'unseen'; got 'x'"):
        PhotoSelection(unlabelled='x')


def test_pictures_of_nobody_are_views_without_a_keypoint(pack):
    images, _ = read(pack / 'people.json.xz')
    write(pack / 'nobody.json', images, [])
    import_photos(pack / 'nobody.json', pack / 'pictures', pack / 'out')
    photos = Photos(pack / 'out')
    assert len(photos) == 2
    sample = crop_record(photos[1], (48, 64), np.random.default_rng(0))
    assert sample.known.all()
    assert not sample.visibility.any()
    assert (photos[1].box == photos[1].box).all()


def test_squared_pictures_get_proportions_back(pack):
    import_photos(pack / 'people.json.xz', pack / 'pictures', pack / 'out')
    record = Photos(pack / 'out')[0]
    wider = unstretch(record, np.random.default_rng(1))
    scale = np.array(wider.image.shape[1::-1]) / (160, 120)
    assert scale.max() > 1.2
    assert scale.min() == 1
    assert wider.keypoints_2d[NOSE] == pytest.approx(
        (record.keypoints_2d[NOSE] + 0.5) * scale - 0.5
    )
    assert not wider.stretched


def test_a_teacher_fills_gaps_and_doubts_labels_it_sees_elsewhere(pack):
    _, people = read(pack / 'people.json.xz')
    keypoints = np.array(people[1]['keypoints'], float).reshape(17, 3)[:, :2] + 1.0
    keypoints[0] += 40
    np.savez(
        pack / 'teacher.npz',
        annotation_id=[2],
        keypoints=keypoints[None],
        scores=np.full((1, 17), 0.9),
    )
    import_photos(
        pack / 'people.json.xz', pack / 'pictures', pack / 'out', teacher=pack / 'teacher.npz'
    )
    record = Photos(pack / 'out')[1]
    coco = COCO_17.indices_in(UNION)
    assert (record.visibility[coco] > 0).all()
    assert record.weight[NOSE] == pytest.approx(0.3)
    assert record.weight[coco[1]] == 1
    assert record.weight[coco[16]] == pytest.approx(0.54)
    assert record.keypoints_2d[coco[16]] == pytest.approx(keypoints[16])


def test_boxes_of_a_detector_complete_the_people_of_a_picture(pack):
    boxes = [
        [11, 22, 88, 78],  # A labelled person once more.
        [20, 30, 60, 75],  # Most of it lies in a labelled person: a part, or a child.
        [100, 10, 150, 110],
        [90, 10, 120, 60],
        [2, 2, 20, 60],
    ]
    np.savez(
        pack / 'found.npz', image_id=np.full(5, 6), boxes=boxes, scores=[0.9, 0.9, 0.7, 0.3, 0.2]
    )
    import_photos(pack / 'people.json.xz', pack / 'pictures', pack / 'out')
    with pytest.raises(DatasetError, match='labels_full'):
        PhotoScenes(pack / 'out', PhotoSelection(only=('gym',)))
    import_photos(
        pack / 'people.json.xz', pack / 'pictures', pack / 'out', boxes=pack / 'found.npz'
    )
    picture, _ = PhotoScenes(pack / 'out', PhotoSelection(only=('gym',))).labelled(0)
    assert picture.boxes[0].tolist() == [9.5, 19.5, 89.5, 79.5]
    assert picture.boxes[1:].tolist() == boxes[1:4]
    assert picture.visible.tolist() == [1, 0, 1, 0]
    assert len(Photos(pack / 'out')) == 3, 'a box alone teaches no pose'


def test_boxes_that_do_not_fit_their_scores_are_refused(pack):
    np.savez(pack / 'found.npz', image_id=[6, 6], boxes=np.zeros((2, 4)), scores=[0.5])
    with pytest.raises(DatasetError, match=r'found.npz: expected boxes \(2, 4\) and scores'):
        import_photos(
            pack / 'people.json.xz', pack / 'pictures', pack / 'out', boxes=pack / 'found.npz'
        )


def test_what_cannot_be_read_is_left_out_and_named(pack, capsys):
    images, people = read(pack / 'people.json.xz')
    images.append({'id': 7, 'file_name': 'gone.jpg', 'width': 9, 'height': 9})
    people.append(person(4, 6) | {'bbox': [1, 1, 0, 5]})
    write(pack / 'people.json', images, people)
    (pack / 'pictures/a.webp').write_bytes(b'no picture')
    out = pack / 'out'
    arguments = [str(pack / 'people.json'), str(pack / 'pictures'), '--out', str(out)]
    assert main(['photos', 'import', *arguments]) == 0
    said = capsys.readouterr().out
    assert 'left out: a.webp: not a picture that OpenCV can read' in said
    assert 'left out: annotation 4: expected a box with an area, got 0.0x5.0' in said
    assert 'left out: gone.jpg: not among the pictures of' in said
    assert said.endswith(f'1 people in 1 pictures: {out}\n')
    assert len((out / 'left_out.txt').read_text().splitlines()) == 3


def test_a_tar_that_is_cut_off_is_read_as_far_as_it_is_whole(pack):
    whole = (pack / 'pictures.tar').read_bytes()
    end = whole.index(b'b.png') + 512 + 100
    (pack / 'pictures.tar').write_bytes(whole[:end])
    made = import_photos(pack / 'people.json.xz', pack / 'pictures.tar', pack / 'out')
    assert made.pictures == 1
    assert any('cut off or no tar' in reason for reason in made.left_out)
    assert any('b.png: not among the pictures' in reason for reason in made.left_out)


def test_without_any_picture_nothing_is_written(pack, capsys):
    (pack / 'none').mkdir()
    arguments = [str(pack / 'people.json.xz'), str(pack / 'none'), '--out', str(pack / 'out')]
    assert main(['photos', 'import', *arguments]) == 1
    assert 'expected pictures named in' in capsys.readouterr().err
    assert not (pack / 'out').exists()


def test_annotations_that_are_none_are_named(pack, capsys):
    (pack / 'people.json.xz').write_bytes(b'xz?')
    arguments = [str(pack / 'people.json.xz'), str(pack / 'pictures'), '--out', str(pack / 'out')]
    assert main(['photos', 'import', *arguments]) == 1
    assert 'people.json.xz: not readable JSON' in capsys.readouterr().err


def test_a_folder_that_was_cut_off_is_refused(pack):
    import_photos(pack / 'people.json.xz', pack / 'pictures', pack / 'out')
    stored = (pack / 'out/pictures.jpegs').read_bytes()
    (pack / 'out/pictures.jpegs').write_bytes(stored[:-1])
    with pytest.raises(DatasetError, match=f'expected {len(stored)} bytes, got {len(stored) - 1}'):
        Photos(pack / 'out')
    with pytest.raises(DatasetError, match='expected the manifest of photographs; make it with'):
        Photos(pack / 'pictures')
