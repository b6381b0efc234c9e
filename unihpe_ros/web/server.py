"""HTTP server of the page, its pictures (MJPEG) and its people (server-sent events)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.resources import files
import ipaddress
import json
import secrets
import threading
from typing import Any
from urllib.parse import parse_qs, urlsplit

from unihpe_ros.web.feed import Feed

LOOPBACK = '127.0.0.1'
_PAGES = {
    '/': ('page.html', 'text/html; charset=utf-8'),
    '/page.css': ('page.css', 'text/css; charset=utf-8'),
    '/page.js': ('page.js', 'text/javascript; charset=utf-8'),
    '/room.js': ('room.js', 'text/javascript; charset=utf-8'),
}
# The page loads nothing from other servers and may not be embedded in other pages.
_HEADERS = {
    'Content-Security-Policy': "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'",
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
}
_MOST_VIEWERS = 8
# Time, s, after which a viewer that reads nothing is disconnected, and period of keep-alive
# messages, s.
_PATIENCE_S = 10.0
_SIGN_OF_LIFE_S = 1.0
_BOUNDARY = 'frame'


class WebError(OSError):
    """The page cannot be served."""


class WebView:
    """
    The page of one or several cameras; its threads end with the process.

    Parameters
    ----------
    port : int
        Where to listen; 0 takes any that is free.
    address : str
        On which of the machine's addresses; any but a loopback one needs a token, which is made
        here.
    cameras : Sequence[str]
        Names of the cameras; an empty one for the only one.

    Attributes
    ----------
    feeds : Mapping[str, Feed]
        What is shown of each camera.
    url : str
        Where the page is, with the token if there is one.

    Raises
    ------
    WebError
        If the port is taken or the address is not this machine's.

    """

    def __init__(self, port: int, address: str = LOOPBACK, cameras: Sequence[str] = ('',)) -> None:
        self.feeds: Mapping[str, Feed] = {name: Feed() for name in cameras}
        self._token = '' if _is_loopback(address) else secrets.token_urlsafe(16)
        try:
            self._server = _Server((address, port), self.feeds, self._token)
        except (OSError, OverflowError) as error:
            reason = getattr(error, 'strerror', None) or error
            raise WebError(f'web page: cannot listen on {address}:{port}: {reason}') from error
        query = f'?token={self._token}' if self._token else ''
        self.url = f'http://{address}:{self._server.server_address[1]}/{query}'
        threading.Thread(target=self._server.serve_forever, name='web', daemon=True).start()

    def close(self) -> None:
        """Disconnect all viewers and free the port."""
        for feed in self.feeds.values():
            feed.close()
        self._server.shutdown()
        self._server.server_close()


def _is_loopback(address: str) -> bool:
    if address == 'localhost':
        return True
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, place: tuple[str, int], feeds: Mapping[str, Feed], token: str) -> None:
        super().__init__(place, _Handler)
        self.feeds, self.token = feeds, token
        self.viewers = threading.BoundedSemaphore(_MOST_VIEWERS)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log nothing: a viewer that disconnects is no error."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    timeout = _PATIENCE_S

    def do_GET(self) -> None:
        """Answer one request."""
        url = urlsplit(self.path)
        query = parse_qs(url.query)
        if not self._is_allowed(query.get('token', [''])[0]):
            self._refuse(HTTPStatus.FORBIDDEN, 'expected the token that the log shows')
        elif url.path in _PAGES:
            name, kind = _PAGES[url.path]
            self._send(kind, (files('unihpe_ros.web') / name).read_bytes())
        elif url.path == '/cameras.json':
            self._send('application/json', json.dumps(list(self.server.feeds)).encode())
        elif url.path in ('/people', '/pictures'):
            feed = self.server.feeds.get(query.get('camera', [''])[0])
            if feed is None:
                self._refuse(HTTPStatus.NOT_FOUND, 'no such camera')
            else:
                self._watch(feed, url.path)
        else:
            self._refuse(HTTPStatus.NOT_FOUND, 'no such page')

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 http.server's name.
        """Log nothing."""

    def _is_allowed(self, token: str) -> bool:
        if self.server.token:
            return secrets.compare_digest(token.encode(), self.server.token.encode())
        # Against DNS rebinding: a foreign host name must not reach this page.
        host = urlsplit(f'//{self.headers.get("Host", "")}').hostname or ''
        return _is_loopback(host)

    def _send(self, kind: str, content: bytes) -> None:
        self._begin(kind, {'Content-Length': str(len(content))})
        self.wfile.write(content)

    def _refuse(self, status: HTTPStatus, words: str) -> None:
        self._begin('text/plain', {'Content-Length': str(len(words))}, status)
        self.wfile.write(words.encode())

    def _begin(
        self, kind: str, more: Mapping[str, str], status: HTTPStatus = HTTPStatus.OK
    ) -> None:
        self.send_response(status)
        for name, value in {'Content-Type': kind, **_HEADERS, **more}.items():
            self.send_header(name, value)
        self.end_headers()

    def _watch(self, feed: Feed, path: str) -> None:
        if not self.server.viewers.acquire(blocking=False):
            self._refuse(HTTPStatus.SERVICE_UNAVAILABLE, 'too many viewers')
            return
        try:
            # It ends when the viewer closes the page.
            with feed.watched(), suppress(OSError):
                (self._send_people if path == '/people' else self._send_pictures)(feed)
        finally:
            self.server.viewers.release()

    def _send_people(self, feed: Feed) -> None:
        self._begin('text/event-stream', {})
        self.wfile.write(b'retry: 1000\n\n')
        number = 0
        while not feed.is_closed:
            number, text = feed.next_people(number, _SIGN_OF_LIFE_S)
            self.wfile.write(f'data: {text}\n\n'.encode() if text else b': waiting\n\n')

    def _send_pictures(self, feed: Feed) -> None:
        self._begin(f'multipart/x-mixed-replace; boundary={_BOUNDARY}', {})
        number = 0
        while not feed.is_closed:
            number, jpeg = feed.next_picture(number, _SIGN_OF_LIFE_S)
            if jpeg:
                head = f'--{_BOUNDARY}\r\nContent-Type: image/jpeg\r\n'
                head += f'Content-Length: {len(jpeg)}\r\n\r\n'
                self.wfile.write(head.encode() + jpeg + b'\r\n')
