"""Loads both branches of a model, and chooses who runs them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from unihpe_ros.engines import DEVICE_BACKENDS, device_branches, first_that_works
from unihpe_ros.engines.branches import Branches
from unihpe_ros.engines.host_branches import HostBranches
from unihpe_ros.engines.pair import load_pair


def load_branches(
    model: str | Path,
    *,
    backend: str = 'auto',
    threads: int = 0,
    max_people: int = 8,
    progress: Callable[[str, float], object] | None = None,
) -> Branches:
    """
    Load a model, all of it onto the GPU if TensorRT runs it.

    Parameters
    ----------
    model : str or Path
        See `unihpe_ros.engines.pair.find_model`.
    backend, threads, max_people, progress
        See `unihpe_ros.engines.load_engine`.

    Raises
    ------
    EngineError
        If a file cannot be loaded, or the two do not belong together.

    """

    def load(name: str) -> Branches:
        if name in DEVICE_BACKENDS:
            return device_branches.load(
                model, backend=name, max_people=max_people, progress=progress
            )
        return HostBranches(*load_pair(model, backend=name, threads=threads))

    branches, notes = first_that_works(load, backend, Path(model).name)
    branches.notes = (*notes, *branches.notes)
    return branches
