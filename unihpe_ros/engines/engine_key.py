"""What a built engine was built from and for."""

from __future__ import annotations

from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path

from unihpe_ros.engines.cuda import Gpu
from unihpe_ros.engines.trt_runtime import TensorRt

# Goes up when `build` or `precision` changes what it makes of a model.
RECIPE = 1


@dataclass(frozen=True)
class EngineKey:
    """
    What an engine was built from and for; every field must fit for it to be run.

    Parameters
    ----------
    model : str
        SHA-256 of the ONNX file, which also settles all shapes but the batch.
    precision : str
        'fp16' or 'fp32'.
    max_people : int
        The largest batch.
    gpu : str
        Name of the GPU; '' for an engine that was built for any of its SM.
    sm : str
        Compute capability.
    runtime, version : str
        The library and its release.
    recipe : int
        How this package built it.

    """

    model: str
    precision: str
    max_people: int
    gpu: str
    sm: str
    runtime: str
    version: str
    recipe: int = RECIPE

    def mismatch(self, built: EngineKey) -> str:
        """Return in which way an engine of another key does not fit, '' if it does."""
        for name, wanted in asdict(self).items():
            found = getattr(built, name)
            if found != wanted and not (name == 'gpu' and found == ''):
                if name == 'model':
                    return 'it was built from another model'
                return f'it was built for {name} {found!r}, here it is {wanted!r}'
        return ''


def key_of(
    model: Path,
    library: TensorRt,
    gpu: Gpu | None,
    *,
    precision: str,
    max_people: int,
    sm: str = '',
) -> EngineKey:
    """Return the key of a model's engine for a GPU, or without one for any of some SM."""
    return EngineKey(
        model=digest(model.read_bytes()),
        precision=precision,
        max_people=max_people,
        gpu=gpu.name if gpu else '',
        sm=gpu.sm if gpu else sm,
        runtime=library.name,
        version=library.version,
    )


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hex digits."""
    return hashlib.sha256(content).hexdigest()
