"""Comparison of reports: change is told from noise, and limits fail."""

import math
import re

from made_up_reports import bag_result, report_of
import numpy as np
import pytest
from unihpe_ros.bench.recordings.bench_report import (
    BenchError,
    write_json,
)
from unihpe_ros.bench.recordings.compare import (
    breaches,
    comparison_table,
    parse_rule,
    Side,
    sides_of,
    verdict,
)
from unihpe_ros.bench.recordings.metric_text import METRICS
from unihpe_ros.bench.recordings.summary import noise_band
from unihpe_ros.cli.main import main


def test_comparison_tells_change_from_noise(report):
    same = report_of([bag_result('one', seed=1), bag_result('two', 40, seed=1)])
    slower = report_of([bag_result('one', latency=15), bag_result('two', 40, latency=15)])
    first, second, third = sides_of([report, same, slower], ['a', 'b', 'c'])
    median = next(metric for metric in METRICS if metric.path == 'latency_ms.p50')
    assert verdict(median, second, first) == 'same'
    assert verdict(median, third, first) == 'worse'
    assert verdict(median, first, third) == 'better'
    row = next(row for row in comparison_table([first, third]) if 'latency_ms.p50' in row[0])
    share = float(re.search(r'x([\d.]+) ±', row[2]).group(1))
    assert share == pytest.approx(1.5, abs=0.06)


def test_noise_scales_with_the_ratio(report):
    faster = report_of([bag_result('one', latency=1), bag_result('two', 40, latency=1)])
    first, second = sides_of([report, faster], ['a', 'b'])
    row = next(row for row in comparison_table([first, second]) if 'latency_ms.mean' in row[0])
    share, noise = map(float, re.search(r'x([\d.]+) ±([\d.]+) better', row[2]).groups())
    assert share == pytest.approx(0.1, abs=0.006)
    assert noise < 0.1 * share


def test_limits_are_kept_or_breached(report):
    slower = report_of([bag_result('one', latency=12), bag_result('two', 40, latency=12)])
    sides = sides_of([report, slower], ['a', 'b'])
    assert breaches([parse_rule('latency_ms.p50>1.3')], sides) == []
    (line,) = breaches([parse_rule('latency_ms.p50 > 1.1')], sides)
    assert line.startswith('b: latency_ms.p50>1.1 (it is 1.')
    assert breaches([parse_rule('accuracy.mota<0.99')], sides) == []
    unknown = [sides[0], Side('c', {**sides[1].summary, 'accuracy': None})]
    assert breaches([parse_rule('accuracy.mpjpe_mm>9')], unknown) == [
        'c: accuracy.mpjpe_mm>9 (it is nan)'
    ]
    for text, words in (('speed', 'expected METRIC>RATIO'), ('speed>1', "unknown metric 'speed'")):
        with pytest.raises(BenchError, match=words):
            parse_rule(text)


def test_compare_exits_by_its_limits(report, tmp_path, capsys):
    slower = report_of([bag_result('one', latency=20)])
    write_json(report, tmp_path / 'a')
    write_json(slower, tmp_path / 'b')
    sides = [str(tmp_path / 'a'), str(tmp_path / 'b' / 'report.json')]
    assert main(['bench', 'compare', *sides]) == 0
    out = capsys.readouterr().out
    assert 'latency, median [latency_ms.p50]' in out
    assert out.splitlines()[-1] == 'Compared 2 results: no limit of 0 is breached.'
    assert main(['bench', 'compare', *sides, '--fail-if', 'latency_ms.p95>1.5']) == 1
    assert 'latency_ms.p95>1.5 (it is ' in capsys.readouterr().err
    assert main(['bench', 'compare', sides[0]]) == 1
    assert 'expected two reports, or one of several models' in capsys.readouterr().err


def test_noise_is_that_of_blocks(rng):
    values = rng.normal(10, 1, 1000)
    # 95 % interval of a mean of 1000 independent values: 1.96 / sqrt(1000) of 10.
    assert noise_band(values) == pytest.approx(0.0062, rel=0.6)
    drifting = values + np.linspace(-3, 3, 1000)
    assert noise_band(drifting) > 5 * noise_band(values)
    assert math.isnan(noise_band(values[:29]))
    assert math.isnan(noise_band(np.full(100, np.nan)))
