"""The benchmark of tracking: its truth, its errors, its figures."""

import json
from pathlib import Path

import numpy as np
import pytest
from unihpe_ros.bench.tracking import placement_and_jitter as rooms, tracking_benchmark as tracking
from unihpe_ros.bench.tracking.simulated_detector import sense, true_boxes
from unihpe_ros.bench.tracking.simulated_people import walk_about
from unihpe_ros.cli.main import main
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.metrics.tracking import TrackingMeter


def test_walkers_cross_and_leave_and_are_the_same_each_time() -> None:
    scenes = list(walk_about(4, 10.0, 30.0, 2, tracking.CAMERA))
    again = list(walk_about(4, 10.0, 30.0, 2, tracking.CAMERA))
    np.testing.assert_array_equal(scenes[-1].keypoints_3d, again[-1].keypoints_3d)
    shares = np.array([scene.visible.mean(-1) for scene in scenes])
    assert (shares < 0.3).any()
    assert (shares > 0.99).any()
    steps = np.diff([scene.keypoints_3d[:, 17] for scene in scenes], axis=0)
    assert np.linalg.norm(steps, axis=-1).max() * 30 < 3.0  # m/s


def test_finds_have_the_usual_errors() -> None:
    rng, found, people = np.random.default_rng(0), 0, 0
    for scene in walk_about(5, 5.0, 30.0, 1, tracking.CAMERA):
        seen = sense(scene, tracking.CAMERA, rng)
        found += len(seen.boxes)
        people += int((true_boxes(scene, tracking.CAMERA)[1] > 0.4).sum())
        assert ((seen.scores >= 0) & (seen.scores <= 1)).all()
    assert 0.8 < found / people < 1.05


def test_who_is_hardly_in_sight_is_not_counted() -> None:
    meter = TrackingMeter(0.5)
    true = np.array([[0, 0, 100, 200], [300, 0, 400, 200]], float)
    wanted = np.array([True, False])
    tracking.count_image(meter, true, wanted, np.array([7, 8]), true)
    tracking.count_image(meter, true, wanted, np.array([7]), true[:1])
    counts = meter.result()
    assert (counts.truths, counts.predictions, counts.hits) == (2, 2, 2)


def test_people_are_followed_and_placed_by_the_shipped_model() -> None:
    estimator = PoseEstimator('unihpe_rt', threads=1)
    score = tracking.follow_crowds(
        lambda: tracking.OurTracker(estimator), 'ours', [0], seconds=4.0
    )
    assert score.counts.idf1 > 0.85
    assert score.counts.switches <= 1
    errors = rooms.root_errors(estimator, people=1, seconds=0.3)
    assert len(errors) == len(rooms.PLACEMENTS) * len(rooms.DISTANCES)
    by_mode = {
        mode: np.median([one.median for one in errors if one.mode == mode])
        for mode in rooms.PLACEMENTS
    }
    assert by_mode['depth'] < by_mode['projective'] < 0.2


def test_command_writes_figures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as status:
        main(['bench', 'tracking', '--seconds', '0', '--out', str(tmp_path)])
    assert status.value.code == 2
    assert '--seconds' in capsys.readouterr().err


def test_report_is_complete(tmp_path: Path) -> None:
    from unihpe_ros.bench.tracking.tracking_report import (
        root_table,
        steadiness_table,
        tracking_table,
        write_figures,
    )

    score = tracking.TrackingScore('ours', tracking.TrackingCounts(10, 9, 9, 1, 8), 0.5)
    errors = [rooms.RootError('depth', 2.0, 0.012, 0.03)]
    figures = [rooms.Steadiness(True, 10.0, 0.03)]
    write_figures(tmp_path, [score], errors, figures)
    document = json.loads((tmp_path / 'tracking.json').read_text())
    assert document['tracking'][0]['switches_per_minute'] == 2.0
    assert (tmp_path / 'tracking.png').stat().st_size > 1000
    assert tracking_table([score])[1][:4] == ['ours', '0.800', '0.842', '2.0']
    assert root_table(errors)[3][2] == '1.2 / 3.0'
    assert steadiness_table(figures)[1] == ['on', '10.0', '30']
