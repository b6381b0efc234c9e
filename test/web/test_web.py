from http.client import HTTPConnection
import json
import threading
import time
from urllib.parse import urlsplit

from browser import Browser, CHROMIUM
import cv2
import numpy as np
import pytest
from tiny_bag import truth_at, walker
from tiny_run import walk_image
from unihpe_ros.core.pose import RootMode
from unihpe_ros.core.rotation import upright_from_camera
from unihpe_ros.web.feed import Feed
from unihpe_ros.web.server import WebError, WebView

pytestmark = pytest.mark.slow

FIGURES = {'latency': 12.5, 'images a second': 30.0, 'dropped': 0}


@pytest.fixture
def view():
    view = WebView(0)
    yield view
    view.close()


def port_of(view: WebView) -> int:
    return urlsplit(view.url).port


def get(view, path: str, **headers: str):
    connection = HTTPConnection('127.0.0.1', port_of(view), timeout=10)
    connection.request('GET', path, headers=headers)
    return connection.getresponse()


class Walk:
    """Offers the walk of the tests' people, at 20 Hz, until it is stopped."""

    def __init__(self, feed: Feed) -> None:
        self._feed, self._stop = feed, threading.Event()
        self._thread = threading.Thread(target=self._go, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _go(self) -> None:
        begun = time.monotonic()
        while not self._stop.wait(0.05):
            second = (time.monotonic() - begun) % 4.0
            self._feed.offer(walk_image(second), truth_at(walker(second))[0], FIGURES)


def test_nothing_is_kept_while_nobody_watches():
    feed = Feed()
    feed.offer(walk_image(0.0), truth_at(walker(0.0))[0], FIGURES)
    assert not feed.is_watched
    assert feed.next_people(0, 0.0) == (0, '')
    with feed.watched():
        feed.offer(walk_image(0.0), truth_at(walker(0.0))[0], FIGURES)
        assert feed.next_people(0, 0.0)[0] == 1
    assert not feed.is_watched


def test_people_are_sent_as_json_without_nan():
    feed, (poses, _) = Feed(), truth_at(walker(0.0))
    poses.keypoints_3d[1, 3] = np.nan
    with feed.watched():
        feed.offer(None, poses, FIGURES)
        number, text = feed.next_people(0, 0.0)
        assert feed.next_picture(0, 0.0) == (1, b'')
    content = json.loads(text, parse_constant=lambda name: pytest.fail(name))
    assert (number, content['figures'], content['relative']) == (1, FIGURES, False)
    assert [person['id'] for person in content['people']] == [1, 2]
    assert content['people'][1]['points'][3] is None
    np.testing.assert_allclose(content['people'][0]['points'], poses.keypoints_3d[0], atol=6e-4)
    assert poses.root_mode is RootMode.PROJECTIVE
    assert content['assumed'] is False


def test_people_of_a_turned_camera_stand_upright_in_the_room():
    feed, (poses, _) = Feed(), truth_at(walker(0.0))
    feed.rotation = 90
    upright = poses.keypoints_3d[0].copy()
    poses.keypoints_3d[:] = poses.keypoints_3d @ upright_from_camera(90)
    with feed.watched():
        feed.offer(None, poses, FIGURES)
        content = json.loads(feed.next_people(0, 0.0)[1])
    np.testing.assert_allclose(content['people'][0]['points'], upright, atol=1e-3)


def test_pictures_are_encoded_once_and_made_smaller(monkeypatch):
    feed, (poses, _) = Feed(), truth_at(walker(0.0))
    with feed.watched():
        feed.offer(np.zeros((1080, 1920, 3), np.uint8), poses, FIGURES)
        first, second = (feed.next_picture(0, 0.0)[1] for _ in range(2))
    assert first is second
    assert cv2.imdecode(np.frombuffer(first, np.uint8), cv2.IMREAD_COLOR).shape == (540, 960, 3)


def test_page_asks_for_nothing_from_elsewhere(view):
    answer = get(view, '/')
    assert answer.status == 200
    assert "default-src 'self'" in answer.headers['Content-Security-Policy']
    for path in ('/', '/page.js', '/room.js', '/page.css'):
        text = get(view, path).read().decode()
        assert text
        assert '://' not in text
    assert json.load(get(view, '/cameras.json')) == ['']
    assert get(view, '/secret').status == 404
    assert get(view, '/people?camera=rear').status == 404


def test_page_under_a_foreign_name_is_refused(view):
    assert get(view, '/', Host='evil.example').status == 403
    assert get(view, '/', Host=f'localhost:{port_of(view)}').status == 200


def test_other_addresses_need_the_token():
    view = WebView(0, '0.0.0.0')
    try:
        assert get(view, '/').status == 403
        assert get(view, '/people?token=guess').status == 403
        query = urlsplit(view.url).query
        assert len(query) > 20
        assert get(view, f'/?{query}').status == 200
    finally:
        view.close()


def test_port_that_is_taken_is_one_sentence(view):
    with pytest.raises(WebError, match=r'cannot listen on 127\.0\.0\.1:\d+: Address already in'):
        WebView(port_of(view))


def test_streams_end_when_the_page_is_closed_and_when_the_viewer_leaves(view):
    feed = view.feeds['']
    pictures = get(view, '/pictures')
    assert pictures.headers['Content-Type'].startswith('multipart/x-mixed-replace')
    with Walk(feed):
        assert b'image/jpeg' in pictures.read(200)
        pictures.close()
        end = time.monotonic() + 60
        while feed.is_watched and time.monotonic() < end:
            time.sleep(0.05)
        assert not feed.is_watched


def test_too_many_viewers_are_turned_away(view):
    viewers = [get(view, '/people') for _ in range(8)]
    assert get(view, '/people').status == 503
    assert all(viewer.status == 200 for viewer in viewers)


def turn_and_check(browser: Browser) -> None:
    """Drag the room: what is far off its axis moves across, and a double click brings it back."""
    corner = 'JSON.stringify(room.project([3, 1, 3]))'
    box = "JSON.stringify(document.getElementById('room').getBoundingClientRect())"
    place = json.loads(browser.evaluate(box))
    x, y = place['x'] + place['width'] / 2, place['y'] + place['height'] / 2
    before = json.loads(browser.evaluate(corner))
    browser.drag((x, y), (x + 120, y + 20))
    after = json.loads(browser.evaluate(corner))
    assert browser.evaluate('room.view.yaw') == pytest.approx(-0.5 + 120 * 0.008)
    assert abs(after['x'] - before['x']) > 20
    assert after['depth'] != before['depth']
    browser.evaluate("room.canvas.dispatchEvent(new MouseEvent('dblclick'))")
    assert browser.evaluate('room.view.yaw') == pytest.approx(-0.5)


@pytest.mark.slow
@pytest.mark.skipif(CHROMIUM is None, reason='no Chromium here; .ci/run installs it')
def test_people_move_in_a_browser_which_notices_when_the_node_is_gone():
    view = WebView(0)
    port = port_of(view)
    heads = 'JSON.stringify(room.people().map((person) => person.points[0]))'
    state = "document.body.dataset.state === '{}'"
    with Browser(view.url) as browser:
        with Walk(view.feeds['']):
            browser.wait_for(state.format('live'))
            first = json.loads(browser.wait_for(heads))
            browser.wait_for(f'{heads} !== {json.dumps(json.dumps(first))}')
            browser.wait_for("document.getElementById('stream').naturalWidth === 640")
            assert len(first) == 2
            people = browser.evaluate("document.getElementById('people').innerText")
            assert 'person 1' in people
            assert '26 of 26 keypoints' in people
            assert '12.5 ms' in browser.evaluate("document.getElementById('figures').innerText")
            # Something bright is drawn in the room.
            assert browser.evaluate(
                'room.paper.getImageData(0, 0, room.canvas.width, room.canvas.height).data'
                '.some((value, index) => index % 4 < 3 && value > 200)'
            )
            turn_and_check(browser)
        browser.wait_for(state.format('waiting'))
        assert browser.messages == []
        view.close()
        browser.wait_for(state.format('disconnected'))
        view = WebView(port)
        with Walk(view.feeds['']):
            browser.wait_for(state.format('live'))
        view.close()
        assert all(
            url.startswith((f'http://127.0.0.1:{port}/', 'data:')) for url in browser.requests
        )
