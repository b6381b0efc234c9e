"""Process one input of `unihpe run` and write its files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
import threading
from time import perf_counter, time_ns
from typing import Any

from unihpe_ros.core.image_input import assumed_camera
from unihpe_ros.core.pose import Poses
from unihpe_ros.core.skeleton import Skeleton, UNION
from unihpe_ros.estimator import PoseEstimator
from unihpe_ros.run.inputs.source import InputFrame, Source
from unihpe_ros.run.outputs.drawing import DrawingThread
from unihpe_ros.run.outputs.formats import PER_PERSON, write_outputs
from unihpe_ros.run.outputs.people_file import (
    FramePeople,
    has_header,
    Header,
    PeopleFile,
    PeopleWriter,
)
from unihpe_ros.run.read_ahead import ReadAhead
from unihpe_ros.run.resume import Earlier, Ids
from unihpe_ros.web.feed import Feed


@dataclass(frozen=True)
class Plan:
    """
    Outputs that are wanted of one input.

    Parameters
    ----------
    name : str
        Name of the input in the names of files.
    outputs : tuple[Path, ...]
        Files of people; the suffix says in which format.
    video : Path, optional
        The .mp4 to draw.
    pictures : Path, optional
        Folder for a drawn picture of each frame.
    skeleton : Skeleton
        Keypoint set of the files that leave it open.
    resume : bool
        Go on where an earlier run was stopped.
    seconds : float
        Length of the input to process, s; 0 is all of it.
    settings : dict[str, Any]
        All settings that affect the result; they must be the same when a run is resumed.
    feed : Feed, optional
        Shows people while they are found.

    """

    name: str
    outputs: tuple[Path, ...]
    video: Path | None = None
    pictures: Path | None = None
    skeleton: Skeleton = UNION
    resume: bool = False
    seconds: float = 0.0
    settings: dict[str, Any] = field(default_factory=dict)
    feed: Feed | None = None

    @property
    def makes_files(self) -> bool:
        """Whether any file is written, rather than people only shown."""
        return bool(self.outputs or self.video or self.pictures)

    @property
    def unfinished(self) -> Path:
        """Path of the file that holds the frames until all are processed."""
        for path in (*self.outputs, self.video):
            if path is not None:
                return path.with_name(f'.{path.name}.unfinished.jsonl')
        folder = self.pictures or Path()
        return folder / f'.{self.name}.unfinished.jsonl'

    def is_done(self) -> bool:
        """Whether an earlier run has made all outputs."""
        return not self.unfinished.exists() and all(
            any(path.parent.glob(f'{path.stem}_*{path.suffix}'))
            if path.suffix in PER_PERSON
            else path.exists()
            for path in (*self.outputs, self.video, self.pictures)
            if path is not None
        )


@dataclass
class RunResult:
    """
    Result of one input.

    Parameters
    ----------
    frames : int
        Frames that were worked on, by this run.
    seconds : float
        How long that took.
    people : set[tuple[int, int]]
        People seen: frame (0 where frames follow each other) and id.
    most : int
        Most people in one frame.
    dropped : int
        Frames of a camera that arrived while another one was processed.
    made : list[Path]
        Files that were written.
    notes : list[str]
        What the user should be told.
    is_whole : bool
        Whether the input was worked on to its end.

    """

    frames: int = 0
    seconds: float = 0.0
    people: set[tuple[int, int]] = field(default_factory=set)
    most: int = 0
    dropped: int = 0
    made: list[Path] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    is_whole: bool = True


def run_input(
    source: Source,
    plan: Plan,
    estimator: PoseEstimator,
    stop: threading.Event,
    on_frame: Callable[[int], object],
) -> RunResult:
    """
    Process an input and write its files.

    Until the files are complete, finished frames are stored beside them. When the run is stopped,
    the files are written with the frames so far, and `Plan.resume` continues from there.

    Parameters
    ----------
    source : Source
        Where frames come from.
    plan : Plan
        What to make of them.
    estimator : PoseEstimator
        Who finds people.
    stop : threading.Event
        Set it to end early.
    on_frame : Callable[[int], object]
        Called with the number of frames that are done.

    Raises
    ------
    InputError, BagError
        If the input cannot be read at all.
    OSError
        If a file cannot be written; none of its format is then.

    """
    header = Header(source.text, source.rate, source.still, UNION, plan.settings)
    unfinished = plan.unfinished
    if source.live or not (plan.resume and has_header(unfinished)):
        unfinished.unlink(missing_ok=True)
    estimator.reset()
    work = _Work(source, plan, estimator, header)
    try:
        work.run(stop, on_frame)
        result = work.result
        result.is_whole = source.live or not stop.is_set()
        if work.frames and plan.makes_files:
            people = PeopleFile(unfinished)
            result.made += write_outputs(plan.outputs, people, plan.skeleton)
    except BaseException:
        if not work.frames:
            unfinished.unlink(missing_ok=True)
        raise
    result.notes += source.notes
    if result.is_whole or not work.frames:
        unfinished.unlink(missing_ok=True)
    return result


class _Work:
    """Processing of one input."""

    def __init__(
        self, source: Source, plan: Plan, estimator: PoseEstimator, header: Header
    ) -> None:
        self._source, self._plan, self._estimator = source, plan, estimator
        self._header = header
        self._path = plan.unfinished
        self._append = self._path.exists()
        self._earlier = Earlier(self._path, header) if self._append else None
        self._ids = self._earlier.ids if self._earlier else Ids()
        self.frames = self._earlier.last + 1 if self._earlier else 0
        self.result = RunResult()

    def run(self, stop: threading.Event, on_frame: Callable[[int], object]) -> None:
        source, plan, earlier = self._source, self._plan, self._earlier
        drawing = DrawingThread(plan.video, plan.pictures, plan.name, source.rate)
        done = PeopleFile(self._path).frames() if earlier and drawing.is_wanted else iter(())
        start = 0 if earlier is None or drawing.is_wanted else earlier.begin
        notes: AbstractContextManager[PeopleWriter | None] = nullcontext()
        if plan.makes_files:
            notes = PeopleWriter(self._path, self._header, self._append)
        reader = ReadAhead(source.frames(start), source.live, stop)
        begun = perf_counter()
        with reader, drawing, notes as writer:
            for frame in self._until_end(reader):
                known = next(done, None) if earlier and frame.number <= earlier.last else None
                if earlier is None or frame.number >= earlier.begin:
                    poses = self._estimate(frame)
                    if earlier is not None and frame.number <= earlier.last:
                        self._ids.compare(poses, earlier.people[frame.number])
                    else:
                        poses = self._note(frame, poses, writer)
                        drawing.add(frame, poses)
                        self._show(frame, poses, reader.dropped, perf_counter() - begun)
                if known is not None:
                    drawing.add(frame, known.poses)
                on_frame(frame.number + 1)
        self.result.seconds = perf_counter() - begun
        self.result.dropped = reader.dropped
        if drawing.is_wanted and self.frames:
            self.result.made += [path for path in (plan.video, plan.pictures) if path is not None]

    def _until_end(self, reader: ReadAhead) -> Iterator[InputFrame]:
        """Yield frames; damage after the first ones ends them, and finished frames are kept."""
        first = None
        try:
            for frame in reader:
                first = frame.stamp if first is None else first
                if self._plan.seconds and frame.stamp - first >= 1e9 * self._plan.seconds:
                    return
                yield frame
        except ValueError as error:
            if not self.frames:
                raise
            self.result.notes.append(f'it ends early: {error}')

    def _show(self, frame: InputFrame, poses: Poses, dropped: int, seconds: float) -> None:
        if self._plan.feed is None:
            return
        figures: dict[str, float] = {
            'image': frame.number,
            'images a second': round(self.result.frames / max(seconds, 1e-3), 1),
        }
        if self._source.live:
            figures['latency'] = round(1e-6 * (time_ns() - frame.stamp), 1)
            figures['dropped'] = dropped
        self._plan.feed.offer(frame.image, poses, figures)

    def _note(self, frame: InputFrame, poses: Poses, writer: PeopleWriter | None) -> Poses:
        ids = Ids() if self._source.still else self._ids
        poses = ids.renamed(poses)
        size = (frame.image.shape[1], frame.image.shape[0])
        if writer is not None:
            writer.write(FramePeople(frame.number, frame.stamp, frame.name, size, poses))
        result = self.result
        result.frames += 1
        self.frames += 1
        # In separate pictures, ids have no meaning from one to the next.
        where = frame.number if self._source.still else 0
        result.people.update((where, track_id) for track_id in poses.track_ids.tolist())
        result.most = max(result.most, len(poses))
        return poses

    def _estimate(self, frame: InputFrame) -> Poses:
        height, width = frame.image.shape[:2]
        fov_deg, source = self._estimator.settings.default_fov_deg, self._source
        known = source.camera_of((width, height))
        camera = known or assumed_camera(width, height, fov_deg, source.rotation)
        if not source.still:
            return self._estimator.estimate(frame.image, camera, 1e-9 * frame.stamp)
        return self._estimator.estimate_image(frame.image, camera)
