"""Reports: whole, self-contained, merged without loss."""

from dataclasses import replace
from html.parser import HTMLParser
import json
import math
from pathlib import Path
import re
import shutil
import subprocess

import cv2
from made_up_reports import bag_result, report_of
import numpy as np
import pytest
from unihpe_ros.bench.recordings.bench_report import (
    BenchError,
    BenchReport,
    merge,
    read_report,
    write_json,
)
from unihpe_ros.bench.recordings.frame_table import (
    COLUMNS,
    rounded,
)
from unihpe_ros.bench.recordings.html import SECTIONS, to_html
from unihpe_ros.bench.recordings.markdown import to_markdown
from unihpe_ros.bench.recordings.metric_text import show
from unihpe_ros.bench.recordings.summary import summarise
from unihpe_ros.bench.recordings.worst_frames import WorstFrames
from unihpe_ros.metrics.ground_truth import accuracy

CHROMIUM = next(filter(None, map(shutil.which, ('chromium', 'chromium-browser', 'chrome'))), None)


class Page(HTMLParser):
    """Collects what a page has, and what it would ask others for."""

    VOID = ('meta', 'img', 'br')

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: list[str] = []
        self.images: list[str] = []
        self.asks: list[str] = []
        self.open: list[str] = []
        self.text = ''
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        if tag not in self.VOID:
            self.open.append(tag)
        values = dict(attributes)
        if tag == 'section':
            self.sections.append(values.get('id', ''))
        if tag in ('script', 'link', 'iframe', 'object', 'base'):
            self.asks.append(tag)
        for name, value in attributes:
            if not value or value.startswith(('data:', '#')):
                continue
            asks = name in ('src', 'href', 'srcset', 'action', 'poster', 'data')
            if asks or re.search(r'//\w', value):
                self.asks.append(f'{name}={value}')
        if tag == 'img':
            self.images.append(values['src'])

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open and self.open[-1] == 'style' and re.search(r'url\(|@import|//', data):
            self.asks.append(data)
        self.text += data


def test_the_page_is_whole_and_asks_nothing_of_others(report):
    page = Page(to_html(report))
    assert page.open == []
    assert page.sections == list(SECTIONS)
    assert page.asks == []
    drawings = [one for one in page.images if one.startswith('data:image/svg+xml;base64,')]
    pictures = [one for one in page.images if one.startswith('data:image/jpeg;base64,')]
    # Latency twice, stages, people, score, agreement, memory, MPJPE, joints; four seconds.
    assert (len(drawings), len(pictures)) == (9, 4)
    assert 'Benchmark: people <&> "dogs"' in page.text
    for words in ('abacus', 'numpy 1', 'MOTA', ['left', 'knee'][0], 'lifting branch', 'w1'):
        assert words in page.text


def test_what_would_ask_others_is_seen():
    page = Page('<p style="background: url(//cdn/x)"><img src="http://x/y.png"></p>')
    assert page.asks == ['style=background: url(//cdn/x)', 'src=http://x/y.png']


@pytest.mark.parametrize('bags', [[], [bag_result('short', 1)]])
def test_a_page_of_next_to_nothing_is_whole(bags):
    bare = [replace(bag, truth=None, worst=[]) for bag in bags]
    page = Page(to_html(report_of(bare, ended_by='Ctrl-C')))
    assert page.sections == ['', *SECTIONS]
    assert 'The true people of these recordings are not known.' in page.text
    assert 'nan' not in page.text.lower()
    assert 'Unfinished: Ctrl-C' in to_markdown(report_of(bare, ended_by='Ctrl-C'))


@pytest.mark.skipif(CHROMIUM is None, reason='draws the page in Chromium, which is not installed')
def test_the_page_is_drawn(report, tmp_path):
    (tmp_path / 'report.html').write_text(to_html(report))
    picture = tmp_path / 'page.png'
    subprocess.run(
        [
            str(CHROMIUM), '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
            f'--user-data-dir={tmp_path / "profile"}', '--window-size=1000,2400',
            f'--screenshot={picture}', (tmp_path / 'report.html').as_uri(),
        ],
        check=True, capture_output=True, timeout=120,
    )  # fmt: skip
    page = cv2.imread(str(picture))
    assert page.shape == (2400, 1000, 3)
    blue = (np.abs(page.astype(int) - (178, 114, 0)).max(-1) < 12).sum()
    assert blue > 300, 'curves are drawn in their colour'


def test_a_report_comes_back(report, tmp_path):
    path = write_json(report, tmp_path)
    again = read_report(tmp_path)
    assert again.to_dict() == report.to_dict() == read_report(path).to_dict()
    assert [one.name for one in tmp_path.iterdir()] == ['report.json']


def test_shards_merge_into_the_very_same_report(tmp_path):
    bags = [bag_result(name, 30 + i) for i, name in enumerate('abcde')]
    whole = report_of(bags)
    shards = [report_of(bags[i::3], f'{i + 1}/3') for i in (2, 0, 1)]
    for i, shard in enumerate(shards):
        write_json(shard, tmp_path / str(i))
    merged = merge([read_report(tmp_path / str(i)) for i in range(3)], list('xyz'))
    assert merged.to_dict() == whole.to_dict()
    assert to_html(merged) == to_html(whole)


def test_shards_that_do_not_belong_together_are_named():
    one, two = report_of([bag_result('a')], '1/2'), report_of([bag_result('b')], '2/2')
    cases = [
        ([one], r'expected the shards 1/2, 2/2 once each; missing 2/2'),
        ([one, two, two], r'once each; twice 2/2'),
        ([one, replace(two, shards=['2/3'])], r'expected shards of one split; got 1/2, 2/3'),
        ([one, replace(two, ended_by='Ctrl-C')], r'r1: expected a finished shard; .* Ctrl-C'),
        ([one, replace(two, settings={'rate': '1'})], r'r1: expected the settings of r0'),
        ([one, replace(two, models=[])], r'r1: expected the models of r0'),
        ([one, replace(one, shards=['2/2'])], r'recording a is in several of them'),
    ]
    for reports, words in cases:
        with pytest.raises(BenchError, match=words):
            merge(reports, [f'r{i}' for i in range(len(reports))])


@pytest.mark.parametrize(
    ('text', 'words'),
    [
        ('{', r'bad.json: expected a report in JSON'),
        ('[]', r'bad.json: expected a report of `unihpe bench bag`'),
        ('{"schema": "unihpe_bench", "version": 9}', r'expected version 1 of a report; got 9'),
        ('{"schema": "unihpe_bench", "version": 1}', r"expected a complete report; KeyError\('mo"),
    ],
)
def test_what_is_no_report_is_named(tmp_path, text, words):
    (tmp_path / 'bad.json').write_text(text)
    with pytest.raises(BenchError, match=words):
        read_report(tmp_path / 'bad.json')


def test_a_report_with_a_column_missing_is_named(report, tmp_path):
    values = report.to_dict()
    values = json.loads(json.dumps(values))
    values['models'][0]['bags'][0]['frames']['people'].pop()
    with pytest.raises(
        ValueError, match=r'here: bag one: expected frames with \d+ columns of one'
    ):
        BenchReport.from_dict(values, 'here')
    del values['models'][0]['bags'][0]['wall_s']
    with pytest.raises(ValueError, match=r'here: bag: fields missing or unknown: wall_s'):
        BenchReport.from_dict(values, 'here')


def test_sums_of_recordings_give_the_figures_of_all():
    bags = [bag_result('a', 10), bag_result('b', 20)]
    both = accuracy([bag.truth for bag in bags])
    each = [accuracy([bag.truth]) for bag in bags]
    expected = (10 * each[0]['mpjpe_mm'] + 20 * each[1]['mpjpe_mm']) / 30
    assert both['mpjpe_mm'] == pytest.approx(expected)
    assert (both['people'], both['mota'], both['idf1']) == (60, 1, 1)
    assert summarise(bags) == summarise(bags[::-1])


def test_the_worst_image_of_each_second_is_kept():
    worst, drawn = WorstFrames(), []

    def draw() -> np.ndarray:
        drawn.append(1)
        return np.zeros((8, 8, 3), np.uint8)

    badness = [0.1, 0.5, 0.4, 0.9, 0.2, 0.0, 0.3, 0.6, 0.7, 0.8, 0.05]
    for number, bad in enumerate(badness):
        worst.offer((number, 0.5 * number), bad, '', draw)
    assert [one['badness'] for one in worst.result()] == [0.9, 0.8, 0.6, 0.5, 0.2, 0.05]
    for second in range(6, 12):
        worst.offer((second, float(second)), 1.0 + second, '', draw)
    assert [one['number'] for one in worst.result()] == [11, 10, 9, 8, 7, 6]
    before = len(drawn)
    worst.offer((99, 99.0), 0.01, '', draw)
    assert len(drawn) == before, 'what is not kept is not drawn'


@pytest.mark.parametrize(
    ('value', 'unit', 'text'),
    [
        (math.nan, 'ms', '-'), (0.5, '%', '50.0 %'), (12.3456, 'ms', '12.3 ms'), (3, '', '3'),
        (0.01234, 'ms', '0.0123 ms'), (28163.4, 'MB/s', '28,163 MB/s'), (0.0, 'mm', '0.00 mm'),
    ],
)  # fmt: skip
def test_figures_are_shown_with_three_digits(value, unit, text):
    assert show(value, unit) == text


def test_numbers_are_held_with_six_digits():
    given = [math.pi, 1e-5 * math.pi, 7.0, math.inf, 123456789.25]
    assert list(map(rounded, given)) == [3.14159, 3.14159e-05, 7, None, 123456789.25]


def test_markdown_holds_every_known_figure(report):
    text = to_markdown(report)
    assert '| MPJPE | ' in text
    assert '| two | tiny | /camera/image | 64x48 | 40 of 40 |' in text
    rows = [line for line in text.splitlines() if line.startswith('|')]
    assert {row.count('|') for row in rows} <= {3, 8}


def test_documented_columns_are_the_ones_there_are():
    text = (Path(__file__).parents[2] / 'docs' / 'bench_report.md').read_text()
    known = re.search(r'Columns of `frames`:(.*?)\n\n', text, re.S).group(1)
    assert re.findall(r'`(\w+)`', known) == list(COLUMNS)
