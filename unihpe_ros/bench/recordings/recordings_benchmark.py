"""Benchmark of every model on every recording, with the outputs that were asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass, field
from pathlib import Path

from unihpe_ros.bags.reader import BagReader
from unihpe_ros.bags.topics import BagError
from unihpe_ros.bench.machine import describe_machine
from unihpe_ros.bench.recordings.annotated_video import write_video
from unihpe_ros.bench.recordings.bench_plan import BenchPlan
from unihpe_ros.bench.recordings.bench_report import BenchError, BenchReport, ModelResult
from unihpe_ros.bench.recordings.frame_table import BagResult
from unihpe_ros.bench.recordings.in_process import DirectRun
from unihpe_ros.bench.recordings.recorder import Recorder
from unihpe_ros.bench.recordings.sources import find_bags, load_truth
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.sharding import choose_shard
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.model_files import find_model
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.node_trial.processes import ProcessError
from unihpe_ros.visualisation.anonymise import OFF

BY_USER = 'Ctrl-C'
# A title and a total make a bar, which takes how many more are done.
ProgressBars = Callable[[str, int], AbstractContextManager[Callable[[int], object]]]


@dataclass
class Session:
    """
    A running benchmark of models on recordings.

    Parameters
    ----------
    plan : BenchPlan
        See there.
    progress : Progress
        Shows how far it is.

    Attributes
    ----------
    made : list[str]
        What was written of the recordings.
    problems : list[str]
        Recordings of a folder that can't be read, or not to their end, and why.

    Raises
    ------
    BagError, BenchError, EngineError
        If something that is asked for is not there: before anything is run.

    """

    plan: BenchPlan
    progress: ProgressBars
    made: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _stopped: BaseException | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        plan = self.plan
        if plan.live and plan.rate != 1:
            raise BenchError('--rate: through ros a recording is played in real time; leave it')
        if plan.anonymise != OFF and plan.write_bag is not None:
            raise BenchError(
                '--anonymise: --write-bag copies the images as they are; leave out one of the two'
            )
        for model in plan.models:
            find_model(model)
        bags = dict(choose_shard(list(find_bags(plan.source).items()), plan.shard))
        self._readers: list[BagReader] = []
        self._truths: list[dict[int, Poses] | None] = []
        for name, path in bags.items():
            try:
                reader = BagReader(
                    path,
                    plan.topic,
                    rectified=plan.rectified,
                    rotation=plan.image_rotation,
                    name=name,
                )
                truth = load_truth(reader, plan.truth)
            except BagError as error:
                # The other recordings of a folder are measured all the same.
                if len(bags) == 1:
                    raise
                self.problems.append(str(error))
                continue
            self._readers.append(reader)
            self._truths.append(truth)
        if not self._readers:
            raise BenchError('; '.join(self.problems))
        if plan.write_bag is not None:
            from unihpe_ros.bags.copy import check_target

            for reader in self._readers:
                for model in plan.models:
                    check_target(reader, self._place(plan.write_bag, reader, model))

    @property
    def notes(self) -> list[str]:
        """Missing parts of the recordings, in words."""
        return [f'{reader.path}: {note}' for reader in self._readers for note in reader.notes]

    def run(self) -> BenchReport:
        """
        Run everything.

        Returns
        -------
        BenchReport
            Of what was done: after Ctrl-C or an error it says so in `ended_by`.

        Raises
        ------
        BagError, EngineError, ProcessError, OSError
            If nothing was measured before the error.

        """
        results: dict[str, list[BagResult]] = {}
        about: dict[str, dict[str, object]] = {}
        ended_by = ''
        try:
            for model, bag, facts in self._results():
                results.setdefault(model, []).append(bag)
                about[model] = facts
                if self._stopped is not None:
                    raise self._stopped
        except KeyboardInterrupt:
            ended_by = BY_USER
        except (BagError, EngineError, ProcessError, OSError) as error:
            ended_by = ' '.join(str(error).split())
            if not any(len(bag.frames['number']) for bags in results.values() for bag in bags):
                raise
        models = [ModelResult(name, about[name], bags) for name, bags in results.items()]
        return BenchReport(
            self._settings(), [self.plan.shard], [describe_machine()], models, ended_by
        )

    def _results(self) -> Iterator[tuple[str, BagResult, dict[str, object]]]:
        for model in self.plan.models:
            label = self._label(model)
            if self.plan.live:
                yield from self._ask_node(model, label)
                continue
            # One model is loaded at a time, so that it has the machine's memory to itself.
            estimator = PoseEstimator(
                model,
                backend=self.plan.backend,
                detector=self.plan.detector,
                model_2d=self.plan.model_2d,
            )
            with closing(estimator):
                spec = estimator.spec
                facts: dict[str, object] = {
                    'backend': estimator.backend,
                    'weights': spec.weights,
                    'input_size': list(spec.input_size),
                    'training': spec.training,
                }
                for reader, truth in zip(self._readers, self._truths, strict=True):
                    recorder = self._recorder(reader, truth)
                    yield label, self._estimate(estimator, reader, recorder, label), facts
                    self._write(reader, recorder, truth, model)

    def _estimate(
        self,
        estimator: PoseEstimator,
        reader: BagReader,
        recorder: Recorder,
        label: str,
    ) -> BagResult:
        run = DirectRun(reader, estimator, recorder, self.plan.rate)
        with self.progress(f'{label} on {reader.name}', reader.count) as done:
            try:
                run.run(lambda: done(1))
            except BagError as error:
                if len(self._readers) == 1:
                    self._stopped = error
                else:
                    self.problems.append(str(error))
            except (KeyboardInterrupt, EngineError) as error:
                self._stopped = error
        return recorder.result(run.wall_s)

    def _ask_node(
        self, model: str, label: str
    ) -> Iterator[tuple[str, BagResult, dict[str, object]]]:
        from unihpe_ros.bench.recordings.live_node import run_live

        for reader, truth in zip(self._readers, self._truths, strict=True):
            recorder = self._recorder(reader, truth)
            with self.progress(f'{label} on {reader.name}', reader.count) as done:
                show = _Steps(done).show
                parameters = {
                    'model': model,
                    'backend': self.plan.backend,
                    'detector_model': self.plan.detector,
                    'rectified': self.plan.rectified,
                    'image_rotation': self.plan.image_rotation,
                    'model_2d': str(Path(self.plan.model_2d).absolute())
                    if self.plan.model_2d
                    else '',
                }
                result, backend, interrupted = run_live(reader, recorder, parameters, show)
            if interrupted:
                self._stopped = KeyboardInterrupt()
            yield label, result, {'backend': backend}
            self._write(reader, recorder, truth, model)

    def _write(
        self,
        reader: BagReader,
        recorder: Recorder,
        truth: Mapping[int, Poses] | None,
        model: str,
    ) -> None:
        """Write the bag and the video of what was answered."""
        if self.plan.write_bag is not None:
            from unihpe_ros.bags.copy import copy_with_poses

            target = self._place(self.plan.write_bag, reader, model)
            answers = {n: (one.poses, one.seconds) for n, one in recorder.answers.items()}
            count = copy_with_poses(reader, target, answers)
            self.made.append(f'{target} ({count} messages added)')
        if self.plan.video is not None and recorder.answers:
            target = self._place(self.plan.video, reader, model)
            poses = {number: one.poses for number, one in recorder.answers.items()}
            count = write_video(target, reader, poses, truth, self.plan.anonymise)
            self.made.append(f'{target} ({count} pictures)')

    def _recorder(self, reader: BagReader, truth: Mapping[int, Poses] | None) -> Recorder:
        keeps = self.plan.write_bag is not None or self.plan.video is not None
        return Recorder(reader, truth, keep_answers=keeps, anonymise_mode=self.plan.anonymise)

    def _label(self, model: str) -> str:
        names = [Path(one).name for one in self.plan.models]
        name = Path(model).name
        return name if names.count(name) == 1 else model

    def _place(self, path: Path, reader: BagReader, model: str) -> Path:
        parts = [path.stem]
        if len(self._readers) > 1:
            parts.append(reader.name.replace('/', '_'))
        if len(self.plan.models) > 1:
            parts.append(self._label(model).replace('/', '_'))
        return path.with_name('_'.join(parts) + path.suffix)

    def _settings(self) -> dict[str, object]:
        plan = self.plan
        return {
            'source': plan.source.resolve().name,
            'through': 'ros' if plan.live else 'direct',
            'rate': 'max' if not plan.rate else f'{plan.rate:g}',
            'topic': plan.topic,
            'truth': Path(plan.truth).name if plan.truth.endswith('.npz') else plan.truth,
            'rectified': plan.rectified,
            **({'image_rotation': plan.image_rotation} if plan.image_rotation else {}),
            **({'model_2d': Path(plan.model_2d).name} if plan.model_2d else {}),
        }


class _Steps:
    """Turns a growing count into steps of a progress bar."""

    def __init__(self, advance: Callable[[int], object]) -> None:
        self._advance, self._shown = advance, 0

    def show(self, count: int) -> None:
        """Advance to a count."""
        self._advance(count - self._shown)
        self._shown = count
