"""Headless Chromium, told what to do over a pipe (DevTools protocol, without a web socket)."""

from __future__ import annotations

import base64
import json
import os
from pathlib import Path
import shutil
import subprocess
import tempfile
import time
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'chrome'))), None)
_OPTIONS = (
    *('--headless=new', '--no-sandbox', '--disable-gpu', '--no-first-run', '--mute-audio'),
    *('--disable-background-networking', '--disable-component-update', '--disable-sync'),
    *('--disable-dev-shm-usage', '--remote-debugging-pipe', '--window-size=1280,760'),
)


class Browser:
    """
    One page in a browser of its own.

    Attributes
    ----------
    messages : list[str]
        What the page wrote on the console, and errors in it.
    requests : list[str]
        Addresses that it fetched.

    """

    def __init__(self, url: str) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        self._folder = tempfile.TemporaryDirectory(prefix='browser_')
        ours, theirs = os.pipe()[::-1], os.pipe()
        # Chromium reads from descriptor 3 and writes to 4.
        read_end, self._write_end = ours[1], ours[0]
        self._read_end, write_end = theirs
        command = [CHROMIUM, *_OPTIONS, f'--user-data-dir={self._folder.name}', 'about:blank']
        self._process = subprocess.Popen(
            ['bash', '-c', f'exec "$@" 3<&{read_end} 4>&{write_end}', 'bash', *command],
            pass_fds=(read_end, write_end),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(read_end)
        os.close(write_end)
        self._data = b''
        self._count = 0
        targets = self._call('Target.getTargets')['targetInfos']
        page = next(target for target in targets if target['type'] == 'page')
        self._session = ''
        attach = {'targetId': page['targetId'], 'flatten': True}
        self._session = self._call('Target.attachToTarget', attach)['sessionId']
        for domain in ('Runtime', 'Network', 'Log', 'Page'):
            self._call(f'{domain}.enable')
        self._call('Page.navigate', {'url': url})

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        os.close(self._write_end)
        os.close(self._read_end)
        self._folder.cleanup()

    def evaluate(self, expression: str) -> Any:
        """Return the value of a JavaScript expression in the page."""
        arguments = {'expression': expression, 'returnByValue': True}
        return self._call('Runtime.evaluate', arguments)['result'].get('value')

    def wait_for(self, expression: str, seconds: float = 120.0) -> Any:
        """Return the value of an expression when it is true; AssertionError if it never is."""
        end = time.monotonic() + seconds
        while not (value := self.evaluate(expression)):
            assert time.monotonic() < end, f'{expression}; console: {self.messages}'
            time.sleep(0.1)
        return value

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Press the mouse at one place of the page, px, and let it go at another."""
        for kind, (x, y) in (
            ('mousePressed', start),
            ('mouseMoved', start),
            ('mouseMoved', end),
            ('mouseReleased', end),
        ):
            button = {'button': 'left', 'buttons': 1, 'clickCount': 1}
            self._call('Input.dispatchMouseEvent', {'type': kind, 'x': x, 'y': y, **button})

    def screenshot(self, path: Path) -> None:
        """Write what the page looks like as PNG."""
        shot = self._call('Page.captureScreenshot', {'format': 'png'})
        path.write_bytes(base64.b64decode(shot['data']))

    def _call(self, method: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
        self._count += 1
        message: dict[str, Any] = {'id': self._count, 'method': method, 'params': arguments or {}}
        if getattr(self, '_session', ''):
            message['sessionId'] = self._session
        os.write(self._write_end, json.dumps(message).encode() + b'\0')
        while True:
            answer = self._receive()
            if answer.get('id') == self._count:
                assert 'error' not in answer, answer
                return answer['result']
            self._note(answer)

    def _receive(self) -> dict[str, Any]:
        while b'\0' not in self._data:
            part = os.read(self._read_end, 1 << 20)
            assert part, 'the browser has ended'
            self._data += part
        text, _, self._data = self._data.partition(b'\0')
        return json.loads(text)

    def _note(self, event: dict[str, Any]) -> None:
        method, content = event.get('method'), event.get('params', {})
        if method == 'Network.requestWillBeSent':
            self.requests.append(content['request']['url'])
        elif method == 'Runtime.consoleAPICalled':
            self.messages += [str(item.get('value')) for item in content['args']]
        elif method == 'Runtime.exceptionThrown':
            self.messages.append(content['exceptionDetails']['text'])
        elif method == 'Log.entryAdded':
            self.messages.append(content['entry']['text'])
