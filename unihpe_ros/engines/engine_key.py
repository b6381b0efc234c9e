"""Key of a built engine: the model, the library and the GPU it was built for."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict, dataclass
import hashlib
from pathlib import Path
import re

from unihpe_ros.engines.cuda import Gpu
from unihpe_ros.engines.trt_runtime import TensorRt

# Increase it when `build` or `half_precision` changes the engines that they make.
RECIPE = 1
# StringStringEntryProto with the key 'location', up to the length of its value.
_LOCATION = re.compile(rb'\x0a\x08location\x12')
_LONGEST_NAME = 4096
_PART_BYTES = 1 << 20


@dataclass(frozen=True)
class EngineKey:
    """
    Model, library and GPU of a built engine; it runs only where every field fits.

    Parameters
    ----------
    model : str
        SHA-256 of the ONNX file and the files of weights beside it; it also settles all shapes
        but the batch.
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
        """Return why an engine of another key does not fit; '' if it does."""
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
        model=model_digest(model),
        precision=precision,
        max_people=max_people,
        gpu=gpu.name if gpu else '',
        sm=gpu.sm if gpu else sm,
        runtime=library.name,
        version=library.version,
    )


def model_digest(model: Path) -> str:
    """Return the SHA-256 of all bytes that make a model: its file, and weights kept beside it."""
    content = model.read_bytes()
    whole = hashlib.sha256(content)
    for name in external_files(content):
        path = model.parent / name
        # A missing file is reported when the model is read.
        if path.is_file():
            whole.update(name.encode())
            with path.open('rb') as file:
                while part := file.read(_PART_BYTES):
                    whole.update(part)
    return whole.hexdigest()


def external_files(content: bytes) -> list[str]:
    """
    Return the names of the files of weights that an ONNX file names, each once.

    This needs no package onnx, which is not installed on a robot that only runs engines.

    Parameters
    ----------
    content : bytes
        The file: an entry is the text `location`, and then the name with its length before it.

    """
    names = set()
    for match in _LOCATION.finditer(content):
        at, length, shift = match.end(), 0, 0
        while at < len(content) and shift < 35:
            length |= (content[at] & 0x7F) << shift
            shift, at = shift + 7, at + 1
            if content[at - 1] < 0x80:
                break
        with suppress(UnicodeDecodeError):
            name = content[at : at + length].decode()
            if 0 < length <= _LONGEST_NAME and name.isprintable():
                names.add(name)
    return sorted(names)


def digest(content: bytes) -> str:
    """Return the SHA-256 of some bytes in hex digits."""
    return hashlib.sha256(content).hexdigest()
