"""The compiler of the CUDA kernels: its output is committed, its errors are quoted."""

import pytest
from unihpe_ros.engines import EngineError, nvrtc
from unihpe_ros.engines.kernels import MODULES


@pytest.mark.parametrize('name', nvrtc.KERNEL_SOURCES)
def test_ptx_is_what_the_source_compiles_to(name: str) -> None:
    committed = nvrtc.FOLDER / f'{name}.ptx'
    assert nvrtc.Nvrtc().ptx(name) == committed.read_bytes(), 'make ptx compiles it again'
    text = committed.read_text()
    assert '.version 8.5\n.target sm_75\n' in text
    assert all(f'.entry {kernel}(' in text for kernel in MODULES[name])


def test_missing_compiler_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvrtc, 'find_spec', lambda name: None)
    with pytest.raises(EngineError, match=f'pip install {nvrtc.WHEEL}'):
        nvrtc.Nvrtc()


def test_what_the_compiler_refuses_is_quoted(tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    for header in nvrtc.FOLDER.glob('*.cuh'):
        (tmp_path / header.name).write_bytes(header.read_bytes())
    (tmp_path / 'decode.cu').write_text(
        '#include "launch.cuh"\nDEVICE int f() { return wrong; }\n'
    )
    monkeypatch.setattr(nvrtc, 'FOLDER', tmp_path)
    with pytest.raises(EngineError, match=r'decode\.cu: NVRTC refuses it: .*"wrong" is undefined'):
        nvrtc.Nvrtc().ptx('decode')
