"""The sheet of people: everybody in a tile of their own, truth green, answers orange."""

from types import SimpleNamespace

import numpy as np
from unihpe_ros.core.skeleton import UNION
from unihpe_ros.evaluation.people_sheet import FOUND_COLOUR, people_sheet, TRUE_COLOUR


def test_people_fill_their_tiles_and_unsure_keypoints_are_left_out():
    picture = np.zeros((100, 200, 3), np.uint8)
    records = [SimpleNamespace(image=picture, box=np.array([10.0, 10, 70, 90]))] * 20
    truth = np.full((13, len(UNION), 2), np.nan)
    nose, wrist = UNION.indices('nose', 'left_wrist')
    # The middle of the box is the middle of the tile.
    truth[:, nose] = 40, 50
    found = np.full_like(truth, np.nan)
    found[:, wrist] = 40, 20
    scores = np.zeros((13, len(UNION)))
    scores[12, wrist] = 0.9
    sheet = people_sheet(records, range(13), truth, found, scores)
    assert sheet.shape == (2 * 192, 12 * 144, 3)
    assert sheet[96, 72].tolist() == list(TRUE_COLOUR)
    assert sheet[192 + 96, 72].tolist() == list(TRUE_COLOUR)
    above = round(96 - 30 * 0.8 * 144 / 60 * (192 * 60 / (144 * 80)))
    assert sheet[192 + above, 72].tolist() == list(FOUND_COLOUR)
    assert not (sheet[:192] == FOUND_COLOUR).all(-1).any()
    assert (sheet[192:, 144:] == 255).all()
