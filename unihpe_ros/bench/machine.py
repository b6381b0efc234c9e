"""Description of the machine that a benchmark ran on."""

from __future__ import annotations

from importlib import metadata
import os
from pathlib import Path
import platform
from typing import Any

from unihpe_ros import __version__
from unihpe_ros.engines.threads import usable_cores

_PACKAGES = ('numpy', 'opencv-python-headless', 'onnxruntime', 'openvino', 'tensorrt', 'rosbags')
_VARIABLES = ('OMP_NUM_THREADS', 'RMW_IMPLEMENTATION', 'ROS_DISTRO')


def describe_machine() -> dict[str, Any]:
    """Return processor, memory, system, and the versions of libraries that affect speed."""
    return {
        'processor': _processor(),
        'cores': usable_cores(),
        'memory_gb': _memory_gb(),
        'system': f'{platform.system()} {platform.release()} {platform.machine()}',
        'python': platform.python_version(),
        'versions': {'unihpe_ros': __version__, **_versions()},
        'environment': {name: os.environ[name] for name in _VARIABLES if name in os.environ},
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _processor() -> str:
    return _field('/proc/cpuinfo', 'model name') or platform.processor() or platform.machine()


def _memory_gb() -> float | None:
    words = _field('/proc/meminfo', 'MemTotal').split()
    return round(int(words[0]) / 1e6, 1) if words else None


def _field(file: str, name: str) -> str:
    try:
        lines = Path(file).read_text(encoding='utf-8', errors='replace').splitlines()
    except OSError:
        return ''
    return next((line.partition(':')[2].strip() for line in lines if line.startswith(name)), '')
