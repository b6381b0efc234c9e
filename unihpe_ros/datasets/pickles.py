"""Safe reader of untrusted pickles: only NumPy arrays and plain values are accepted."""

from __future__ import annotations

from collections.abc import Mapping
import io
import math
from pathlib import Path
import pickle
import re
from typing import Any, IO
import zipfile

import numpy as np
from numpy.typing import NDArray
from unihpe_ros.datasets.records import ARCHIVE_DAMAGE, DatasetError

# The types of numbers, texts and objects, as pickles call them: 'f8', 'U12', 'O8'.
_CODE = re.compile(r'[biufcSUO]\d+')


class _DataType:
    """
    A NumPy data type as described by a pickle.

    NumPy's own reader does not check a type's state, and a forged one crashes the process.

    """

    def __init__(self, code: str, *_: object) -> None:
        if not isinstance(code, str) or not _CODE.fullmatch(code):
            raise ValueError(f'expected the type of plain values; got {code!r}')
        self.dtype: np.dtype[Any] = np.dtype(code)

    def __setstate__(self, state: tuple[Any, ...]) -> None:
        _, order, *structure = state[:5]
        if structure != [None, None, None] or order not in ('<', '>', '|', '='):
            raise ValueError(f'expected the type of plain values; got {state!r}')
        self.dtype = self.dtype.newbyteorder(order)


class _Array(np.ndarray[Any, Any]):
    """An array that checks the state that a pickle gives it."""

    def __setstate__(self, state: Any, /) -> None:
        _, shape, kind, fortran, data = state
        if not isinstance(kind, _DataType):
            raise ValueError(f'expected the data type of an array; got {kind!r}')
        count = math.prod(shape)
        if min((0, *shape)) < 0 or (kind.dtype.hasobject and len(data) != count):
            raise ValueError(f'expected {shape} objects; got {len(data)}')
        checked: Any = (1, shape, kind.dtype, bool(fortran), data)
        super().__setstate__(checked)


def _reconstruct(*_: object) -> _Array:
    """Return the array that the pickle's next state is for."""
    return _Array(0)


def _scalar(kind: _DataType, data: bytes | str) -> Any:
    # Bytes of Python 2 arrive as the text that latin1 makes of them.
    data = data.encode('latin1') if isinstance(data, str) else data
    return np.frombuffer(data, kind.dtype, 1)[0]


def _from_buffer(data: bytes, kind: _DataType, shape: Any, order: Any) -> NDArray[Any]:
    return np.frombuffer(data, kind.dtype).reshape(shape, order=order)


def _encode(text: str = '', encoding: str = 'latin1') -> bytes:
    """Return text encoded to bytes, as protocol 2 stores them (NumPy until 1.16)."""
    if encoding != 'latin1':
        raise ValueError(f'bytes: expected latin1; got {encoding!r}')
    return text.encode('latin1')


_ADMITTED: Mapping[tuple[str, str], Any] = {
    ('numpy', 'ndarray'): _Array,
    ('numpy', 'dtype'): _DataType,
    ('_codecs', 'encode'): _encode,
    # Empty ones are written as a call without arguments.
    ('__builtin__', 'bytes'): _encode,
    # NumPy has moved its modules.
    **{
        (f'numpy.{core}.{module}', name): function
        for core in ('core', '_core')
        for module, name, function in (
            ('multiarray', '_reconstruct', _reconstruct),
            ('multiarray', 'scalar', _scalar),
            ('numeric', '_frombuffer', _from_buffer),
        )
    },
}
_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, TypeError, IndexError, KeyError),
    *(AttributeError, ImportError, OverflowError, MemoryError),
)


class _Foreign(pickle.UnpicklingError):
    """A pickle that refers to a class or function that is not accepted."""


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        """Return a class of NumPy's array pickles; others are refused."""
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
    Return the contents of a pickle of NumPy arrays and plain values, also of Python 2.

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
    Return arrays of an .npz file, object arrays included.

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
    except ARCHIVE_DAMAGE as error:
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
