"""Pickles come from strangers: NumPy arrays and plain values are read from them, nothing else."""

from __future__ import annotations

from collections.abc import Mapping
import io
from pathlib import Path
import pickle
from typing import Any, IO
import zipfile
import zlib

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.datasets.records import DatasetError

# NumPy has moved its modules (core, _core) and keeps old names alive with warnings: take the
# functions from what it pickles by itself.
_RECONSTRUCT = np.zeros(1).__reduce__()[0]
_SCALAR = np.float64(0).__reduce__()[0]
_FROM_BUFFER = np.zeros(1).__reduce_ex__(5)[0]


def _encode(text: str = '', encoding: str = 'latin1') -> bytes:
    """Make bytes as protocol 2 of Python 3 stores them: NumPy wrote that until 1.16."""
    if encoding != 'latin1':
        raise ValueError(f'bytes: expected latin1; got {encoding!r}')
    return text.encode('latin1')


_ADMITTED: Mapping[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): np.ndarray,
    ('numpy', 'dtype'): np.dtype,
    ('_codecs', 'encode'): _encode,
    # Empty ones are written as a call without arguments.
    ('__builtin__', 'bytes'): _encode,
    **{
        (f'numpy.{core}.{module}', name): function
        for core in ('core', '_core')
        for module, name, function in (
            ('multiarray', '_reconstruct', _RECONSTRUCT),
            ('multiarray', 'scalar', _SCALAR),
            ('numeric', '_frombuffer', _FROM_BUFFER),
        )
    },
}
_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError),
    *(AttributeError, ImportError, OverflowError, MemoryError),
)


class _Foreign(pickle.UnpicklingError):
    """A pickle that asks for something that isn't admitted."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Admit what arrays are made of."""
        if (module, name) not in _ADMITTED:
            raise _Foreign(f'{module}.{name}')
        return _ADMITTED[module, name]


def _unpickle(file: IO[bytes], name: object) -> Any:
    try:
        return _Unpickler(file, encoding='latin1').load()
    except _Foreign as error:
        raise DatasetError(
            f'{name}: the pickle asks for {error}; only NumPy arrays and plain values are read, '
            'because a pickle can run any code. Load the file where you trust it, and save the '
            'arrays alone'
        ) from error
    except _DAMAGE as error:
        raise DatasetError(f'{name}: not a readable pickle ({error})') from error


def read_pickle(path: Path) -> Any:
    """
    Read a pickle of NumPy arrays and plain values, also of Python 2.

    Parameters
    ----------
    path : Path
        The file.

    Raises
    ------
    DatasetError
        If it is damaged, or asks for anything but NumPy's arrays.

    """
    try:
        return _unpickle(io.BytesIO(path.read_bytes()), path)
    except OSError as error:
        raise DatasetError(f'{path}: {error.strerror}') from error


def read_npz(path: Path, *keys: str, hint: str) -> dict[str, NDArray[Any]]:
    """
    Read arrays of an .npz file, those of Python objects too.

    Parameters
    ----------
    path : Path
        The file.
    *keys : str
        Names of the arrays.
    hint : str
        What to download, and where to put it, if the file is missing.

    Raises
    ------
    DatasetError
        If the file or a key is missing, or it is damaged or asks for more than arrays.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            found = [name.removesuffix('.npy') for name in archive.namelist()]
            for key in keys:
                if key not in found:
                    raise DatasetError(f'{path}: expected key {key}; got {", ".join(found)}')
            return {key: _read_member(archive, key, path) for key in keys}
    except FileNotFoundError as error:
        raise DatasetError(f'{path}: no such file; {hint}') from error
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error) as error:
        raise DatasetError(f'{path}: not a readable .npz ({error})') from error


def _read_member(archive: zipfile.ZipFile, key: str, path: Path) -> NDArray[Any]:
    data = io.BytesIO(archive.read(f'{key}.npy'))
    try:
        version = np.lib.format.read_magic(data)
        header = np.lib.format.read_array_header_1_0
        if version != (1, 0):
            header = np.lib.format.read_array_header_2_0
        _, _, dtype = header(data)
        if not dtype.hasobject:
            data.seek(0)
            return np.asarray(np.lib.format.read_array(data, allow_pickle=False))
    except ValueError as error:
        raise DatasetError(f'{path}: {key}: not a readable array ({error})') from error
    return np.asarray(_unpickle(data, f'{path}: {key}'))
