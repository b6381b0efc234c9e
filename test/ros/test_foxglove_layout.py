"""The layout of Foxglove names panels that there are, and topics that the node publishes."""

from collections.abc import Iterator
import json
import re

import pytest


def panels(part: object) -> Iterator[str]:
    """Yield the panels of a layout tree."""
    if isinstance(part, str):
        yield part
    else:
        for end in ('first', 'second'):
            yield from panels(part[end])


@pytest.fixture(scope='module')
def layout(root):
    return json.loads((root / 'config' / 'foxglove.json').read_text())


def test_every_panel_is_shown_once(layout):
    shown = list(panels(layout['layout']))
    assert sorted(shown) == sorted(layout['configById'])
    assert len(set(shown)) == len(shown)


def test_its_topics_are_those_of_the_node(layout, root):
    text = json.dumps(layout)
    topics = set(re.findall(r'/unihpe/(\w+)', text))
    assert topics >= {'image_annotated', 'markers', 'latency_ms'}
    documented = set(re.findall(r'^\| `(\w+)`', (root / 'README.md').read_text(), re.MULTILINE))
    documented |= set(re.findall(r'`(pointing|gestures)`', (root / 'docs/hri.md').read_text()))
    assert topics <= documented
