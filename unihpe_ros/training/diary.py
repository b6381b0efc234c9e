"""What a run tells while it goes on: progress bar, CSV and TensorBoard."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tqdm import tqdm
from unihpe_ros.datasets.batches import ImageBatch
from unihpe_ros.evaluation.evaluate import TorchPredictor
from unihpe_ros.training.board import Board, draw_panel, draw_scenes
from unihpe_ros.training.detection.batches import SceneBatch
from unihpe_ros.training.detection.run import TorchDetector
from unihpe_ros.training.log import drop_rows_after, Log
from unihpe_ros.training.run import Run


class Diary:
    """
    All the records of one run.

    Parameters
    ----------
    run : Run
        The run; what an interrupted one wrote after this one's step is dropped.
    out : Path
        Folder of the run.

    """

    def __init__(self, run: Run, out: Path) -> None:
        self.run, config = run, run.config
        self.log = Log(out / 'log.csv', run.step)
        drop_rows_after(out / 'validation.csv', run.step)
        self.board = Board(out / 'tensorboard', run.step)
        self.bar = tqdm(total=config.steps, initial=run.step, unit='step', smoothing=0.05)

    def note(self, values: Mapping[str, float]) -> None:
        """Take in the terms of the step that was just taken."""
        self.bar.update()
        self.log.add(values)
        step = self.run.step
        if step % self.run.config.log_steps == 0:
            row = self.log.write(step, self.run.learning_rate())
            self.bar.set_postfix_str(' '.join(f'{name} {row[name]:.3f}' for name in values))
            self.board.scalars('train', {**row, 'learning_rate': self.run.learning_rate()}, step)

    def score(self, scores: Mapping[str, float], batch: ImageBatch | SceneBatch | None) -> None:
        """Take in the scores of a validation, and look at crops or scenes of a batch."""
        self.board.scalars('validation', scores, self.run.step)
        if batch is None or self.board.writer is None:
            return
        network, step = self.run.averaged(), self.run.step
        if isinstance(batch, SceneBatch):
            self.board.show('scenes', draw_scenes(TorchDetector(network), batch), step)
        else:
            self.board.show('crops', draw_panel(TorchPredictor(network), batch), step)

    def close(self) -> None:
        """End it."""
        self.bar.close()
        self.board.close()
