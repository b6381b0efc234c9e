"""Compile the CUDA kernels to PTX with NVRTC; needs no GPU, driver or nvcc."""

from __future__ import annotations

import ctypes
from importlib.util import find_spec
from pathlib import Path

from unihpe_ros.core.files import write_whole
from unihpe_ros.engines import EngineError

# Every driver since CUDA 12.6 can compile PTX of that release (ISA 8.5) for the oldest GPU to code
# for its own GPU; PTX of newer compilers is refused by older drivers.
WHEEL = 'nvidia-cuda-nvrtc-cu12==12.6.85'
_RELEASE = (12, 6)
_OPTIONS = (b'--gpu-architecture=compute_75', b'--std=c++17')
FOLDER = Path(__file__).parent
KERNEL_SOURCES = ('preprocess', 'decode')
_HEADERS = ('launch.cuh', 'scene.cuh')


def write_ptx() -> list[Path]:
    """
    Compile the kernels again; the files lie beside their sources.

    Raises
    ------
    EngineError
        If the compiler is not installed or refuses a source.

    """
    compiler = Nvrtc()
    paths = []
    for name in KERNEL_SOURCES:
        path = FOLDER / f'{name}.ptx'
        write_whole(path, compiler.ptx(name))
        paths.append(path)
    return paths


class Nvrtc:
    """
    The compiler of the wheel `WHEEL`.

    Raises
    ------
    EngineError
        If it is not installed, or is of another release.

    """

    def __init__(self) -> None:
        try:
            found = find_spec('nvidia.cuda_nvrtc')
        except ModuleNotFoundError:
            found = None
        places = list(found.submodule_search_locations or ()) if found else []
        libraries = [path for place in places for path in Path(place).glob('lib/libnvrtc.so.*')]
        if not libraries:
            raise EngineError(f'NVRTC: expected it installed: pip install {WHEEL}')
        self._library = ctypes.CDLL(str(libraries[0]))
        self._library.nvrtcGetErrorString.restype = ctypes.c_char_p
        major, minor = ctypes.c_int(), ctypes.c_int()
        self._call('nvrtcVersion', ctypes.byref(major), ctypes.byref(minor))
        if (major.value, minor.value) != _RELEASE:
            raise EngineError(
                f'NVRTC: expected release {_RELEASE[0]}.{_RELEASE[1]}; '
                f'got {major.value}.{minor.value} ({libraries[0]})'
            )

    def ptx(self, name: str) -> bytes:
        """Return the PTX of one of SOURCES."""
        sources = [(FOLDER / file).read_bytes() for file in (f'{name}.cu', *_HEADERS)]
        count = len(_HEADERS)
        texts = (ctypes.c_char_p * count)(*sources[1:])
        names = (ctypes.c_char_p * count)(*(header.encode() for header in _HEADERS))
        program = ctypes.c_void_p()
        self._call(
            'nvrtcCreateProgram',
            ctypes.byref(program),
            ctypes.c_char_p(sources[0]),
            ctypes.c_char_p(f'{name}.cu'.encode()),
            count,
            texts,
            names,
        )
        try:
            options = (ctypes.c_char_p * len(_OPTIONS))(*_OPTIONS)
            if self._library.nvrtcCompileProgram(program, len(_OPTIONS), options):
                log = self._text('ProgramLog', program).decode(errors='replace').strip()
                raise EngineError(f'{name}.cu: NVRTC refuses it: {log}')
            return self._text('PTX', program)
        finally:
            self._call('nvrtcDestroyProgram', ctypes.byref(program))

    def _text(self, what: str, program: ctypes.c_void_p) -> bytes:
        size = ctypes.c_size_t()
        self._call(f'nvrtcGet{what}Size', program, ctypes.byref(size))
        text = ctypes.create_string_buffer(size.value)
        self._call(f'nvrtcGet{what}', program, text)
        return text.value

    def _call(self, function: str, *arguments: object) -> None:
        status = getattr(self._library, function)(*arguments)
        if status:
            reason = self._library.nvrtcGetErrorString(status).decode()
            raise EngineError(f'{function}: NVRTC answered {reason}')
