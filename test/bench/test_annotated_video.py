"""A recording as a video: every image to the last, or only those with people who are covered."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from tiny_bag import truth_at, walker, write_tiny_bag
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bench.recordings.annotated_video import write_video

POSES, _ = truth_at(walker(0.0))


@pytest.fixture(scope='module')
def reader(tmp_path_factory) -> BagReader:
    return BagReader(write_tiny_bag(tmp_path_factory.mktemp('bag') / 'bag', 0.4))


def count(video: Path) -> int:
    return int(cv2.VideoCapture(str(video)).get(cv2.CAP_PROP_FRAME_COUNT))


@pytest.mark.parametrize(
    ('options', 'pictures'),
    [({}, 6), ({'last': 9}, 10), ({'last': 99}, 12), ({'anonymise_mode': 'blur'}, 3)],
)
def test_video_ends_with_the_last_image_that_is_asked_for(reader, tmp_path, options, pictures):
    answers = dict.fromkeys((0, 2, 5), POSES)
    assert write_video(tmp_path / 'a.mp4', reader, answers, None, **options) == pictures
    assert count(tmp_path / 'a.mp4') == pictures


def test_contact_sheet_shows_images_from_first_to_last(reader, tmp_path):
    sheet = tmp_path / 'sheet.png'
    write_video(tmp_path / 'a.mp4', reader, {0: POSES}, None, last=11, sheet=sheet)
    picture = cv2.imread(str(sheet))
    # Twelve of twelve images, three in a row, none of them black.
    rows = np.array_split(picture, 4)
    assert all(part.std() > 5 for row in rows for part in np.array_split(row, 3, axis=1))
