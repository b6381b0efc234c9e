"""How far the building of an engine is."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

# What is being done, and which share of the whole is, [0, 1].
Progress = Callable[[str, float], object]


@cache
def monitor_type(module: Any) -> Any:
    """Return a library's progress monitor that reports to a `Progress`; made of one."""

    class Monitor(module.IProgressMonitor):
        """Turns the builder's nested phases into one share of the whole."""

        def __init__(self, progress: Progress) -> None:
            module.IProgressMonitor.__init__(self)
            self._progress = progress
            self._phases: dict[str, list[Any]] = {}  # Name to [parent, steps done, steps].

        def phase_start(self, name: str, parent: str | None, steps: int) -> None:
            """Take note of a new phase."""
            self._phases[name] = [parent, 0, max(steps, 1)]
            self._tell(name)

        def step_complete(self, name: str, step: int) -> bool:
            """Advance; True lets the builder go on."""
            if name in self._phases:
                self._phases[name][1] = step + 1
                self._tell(name)
            return True

        def phase_finish(self, name: str) -> None:
            """Forget a phase."""
            self._phases.pop(name, None)

        def _tell(self, name: str) -> None:
            share, phase = 0.0, self._phases.get(name)
            while phase is not None:
                parent, done, steps = phase
                share = min((done + share) / steps, 1.0)
                phase = self._phases.get(parent)
            self._progress(name, share)

    return Monitor
