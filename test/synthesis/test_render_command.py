"""The command `unihpe render`: nothing is lost by a crash, speed and previews are told."""

import errno
import os

from conventions import draw_conventions
import cv2
import numpy as np
import pytest
from tiny_motion import write_clip
from unihpe_ros.cli.main import main
from unihpe_ros.datasets.records import DatasetError
from unihpe_ros.datasets.scenes import SceneShards
from unihpe_ros.datasets.synthetic import SyntheticShards
from unihpe_ros.synthesis.motion.motion_bank import find_clips
from unihpe_ros.synthesis.samples import shard_writer
from unihpe_ros.synthesis.samples.shard_writer import RenderPlan, write_shards
from unihpe_ros.synthesis.samples.speed import measure_speed, worker_counts

pytest_plugins = ['synthesis_fixtures']


class TestMishaps:
    @pytest.fixture(autouse=True)
    def short_shards(self, monkeypatch):
        monkeypatch.setattr(shard_writer, 'SHARD_LENGTH', 2)

    def test_shards_without_masks_are_read(self, assets, tmp_path):
        list(write_shards(assets, RenderPlan(tmp_path, 'train', 3, 2, (48, 64))))
        assert SyntheticShards(tmp_path).mask(0).shape == (96, 72)
        path = tmp_path / 'shard_00000.npz'
        with np.load(path) as stored:
            old = {
                n: v for n, v in stored.items() if n not in ('hider', 'mask_runs', 'mask_first')
            }
        np.savez(path, **old)
        manifest = tmp_path / 'manifest.json'
        manifest.write_text(manifest.read_text().replace('"format": 2', '"format": 1'))
        records = SyntheticShards(tmp_path)
        assert records[1].image.shape == (96, 72, 3)
        with pytest.raises(DatasetError, match='holds no masks'):
            records.mask(0)

    def test_a_full_disk_loses_nothing(self, assets, tmp_path, monkeypatch):
        plan = RenderPlan(tmp_path, 'train', 3, 4, (48, 64))
        whole = np.savez

        def full(file, **arrays):
            if '00001' in file.name:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), file.name)
            whole(file, **arrays)

        monkeypatch.setattr(np, 'savez', full)
        with pytest.raises(OSError, match='No space left on device'):
            list(write_shards(assets, plan))
        assert sorted(p.name for p in tmp_path.iterdir()) == [
            'manifest.json', 'shard_00000.jpegs', 'shard_00000.npz',
        ]  # fmt: skip
        monkeypatch.undo()
        monkeypatch.setattr(shard_writer, 'SHARD_LENGTH', 2)
        assert list(write_shards(assets, plan)) == [2, 2]

    def test_a_killed_worker_is_told_and_resumed(self, assets, tmp_path, monkeypatch):
        plan = RenderPlan(tmp_path, 'train', 3, 4, (48, 64))
        render = shard_writer.render_crop

        def killed(assets, key, *rest):
            if key[-1] == 3:
                os._exit(9)
            return render(assets, key, *rest)

        monkeypatch.setattr(shard_writer, 'render_crop', killed)
        with pytest.raises(RuntimeError, match=r'a worker process was killed.*same command again'):
            list(write_shards(assets, plan, workers=2))
        monkeypatch.setattr(shard_writer, 'render_crop', render)
        assert sum(write_shards(assets, plan)) == 4
        assert len(SyntheticShards(tmp_path)) == 4
        assert not list(tmp_path.glob('.shard*'))


def test_the_speed_is_told_by_number_of_workers(assets, tmp_path):
    assert [worker_counts(cores) for cores in (1, 2, 6, 8)] == [
        [1], [1, 2], [1, 2, 4, 6], [1, 2, 4, 8],
    ]  # fmt: skip
    speeds = list(measure_speed(assets, RenderPlan(tmp_path, 'train', 1, 1, (48, 64)), 2))
    assert speeds[0].workers == 1
    for speed in speeds:
        assert speed.pictures == 2 * speed.workers
        assert speed.rate > 0
        assert speed.rate_per_cpu > 0
    assert not list(tmp_path.iterdir())


def test_conventions_are_drawn_side_by_side(assets):
    assert draw_conventions(assets).shape == (720, 1120, 3)


def test_the_command_draws_scenes_and_a_preview(bodies_file, clips, tmp_path, capsys):
    common = ['render', '--motions', str(clips), '--bodies', str(bodies_file)]
    common += ['--out', str(tmp_path)]
    assert main([*common, '--scenes', '--count', '2', '--size', '208x128']) == 0
    assert len(SceneShards(tmp_path)) == 2
    capsys.readouterr()
    assert main([*common, '--scenes', '--size', '208x128', '--preview', '4']) == 0
    assert 'preview.png' in capsys.readouterr().out
    sheet = cv2.imread(str(tmp_path / 'preview.png'))
    assert sheet.shape == (4 * 128, 3 * 208, 3)
    # The rows with labels differ from the plain ones above them where people are.
    assert (sheet[:128] != sheet[128:256]).any()
    with pytest.raises(SystemExit):
        main([*common, '--preview', '0'])


def test_linked_folders_of_clips_are_found(tmp_path):
    write_clip(tmp_path / 'elsewhere/still.bvh')
    (tmp_path / 'clips').mkdir()
    (tmp_path / 'clips/01').symlink_to(tmp_path / 'elsewhere')
    assert [path.parent.name for path in find_clips(tmp_path / 'clips', 'train')] == ['01']
