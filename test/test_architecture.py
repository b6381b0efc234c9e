"""The pictures of docs/architecture.md show the code as it is."""

from draw_architecture import pictures
from drawing.image_path import draw_image_path
from drawing.rooms import API, draw_rooms, room_edges
import pytest

LAYERS = {
    'core': (set(), set()),
    'engines': ({'core'}, set()),
    'estimator': ({'core', 'engines'}, set()),
    'ros': ({'core', 'engines.EngineError', 'estimator'}, set()),
    'bags': ({'core', 'ros.clouds'}, set()),
    'ros/spin.py': ({'training'}, set()),
    'bench': ({'bags', 'estimator', 'ros.clouds'}, set()),
}


@pytest.mark.parametrize('path', pictures(), ids=lambda path: path.name)
def test_pictures_are_up_to_date(path):
    text = 'out of date; run: python docs/draw_architecture.py'
    assert path.read_text(encoding='utf-8') == pictures()[path], text


def test_an_import_that_follows_from_others_is_not_drawn():
    edges = room_edges(LAYERS)
    assert edges['ros'] == {API: True}
    assert edges[API] == {'engines': True}
    # That bags may read one module of ros does not bring the estimator along.
    assert edges['bags'] == {'ros': False}
    assert edges['bench'] == {'bags': True, API: True}


def test_a_room_without_a_place_in_the_picture_is_named():
    with pytest.raises(ValueError, match=r"PLACES: expected the layers .*'bags'"):
        draw_rooms(LAYERS)


def test_a_step_in_a_file_that_is_gone_is_named(tmp_path):
    with pytest.raises(ValueError, match=r'files that are gone: .*core/crops\.py'):
        draw_image_path(tmp_path)
