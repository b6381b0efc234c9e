"""Report versions, the machine, and whether folders can be written to."""

from __future__ import annotations

from importlib import metadata
from importlib.util import find_spec
import os
from pathlib import Path
import tempfile

from unihpe_ros.bench.machine import describe_machine
from unihpe_ros.doctor.section import Section
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.cache import cache_folder

_PACKAGES = (
    *('numpy', 'scipy', 'opencv-python', 'opencv-python-headless', 'opencv-contrib-python'),
    *('onnxruntime', 'onnxruntime-gpu', 'openvino', 'tensorrt', 'tensorrt-rtx-cu13', 'pycuda'),
    *('rosbags', 'torch', 'ros-rclpy'),
)
_VARIABLES = (
    *('ROS_DISTRO', 'ROS_DOMAIN_ID', 'RMW_IMPLEMENTATION', 'ROS_AUTOMATIC_DISCOVERY_RANGE'),
    *('ROS_LOCALHOST_ONLY', 'ROS_LOG_DIR', 'FASTDDS_DEFAULT_PROFILES_FILE', 'CYCLONEDDS_URI'),
    *('FASTRTPS_DEFAULT_PROFILES_FILE', 'OMP_NUM_THREADS', 'ORT_DISABLE_TELEMETRY'),
    *('UNIHPE_ENGINE_CACHE', 'XDG_CACHE_HOME', 'LD_PRELOAD'),
)
_SHARED_MEMORY = Path('/dev/shm')
_LEAST_SHARED_BYTES = 16 * 2**20


def describe_versions() -> Section:
    """Return the versions of packages, and the machine."""
    about = describe_machine()
    section = Section('Versions')
    section.lines.append(
        f'unihpe_ros {about["versions"]["unihpe_ros"]}, Python {about["python"]}, '
        f'{about["system"]}'
    )
    section.lines.append(
        f'{about["processor"]}, {about["cores"]} cores to use, {about["memory_gb"]} GB'
    )
    found = {name: version for name in _PACKAGES if (version := _version(name))}
    section.lines.append(', '.join(f'{name} {version}' for name, version in found.items()))
    given = [f'{name}={os.environ[name]}' for name in _VARIABLES if name in os.environ]
    section.lines.append(' '.join(given) or 'no environment variables that matter here are set')
    if len([name for name in found if name.startswith('opencv')]) > 1:
        section.notes.append('several packages of OpenCV are installed: keep one, they overlap')
    return section


def describe_folders() -> Section:
    """Return the folders that the package writes to, and whether it can."""
    section = Section('Folders')
    has_ros = find_spec('rclpy') is not None
    for what, folder, cure in _folders():
        state = 'can be written' if _is_writable(folder) else 'can NOT be written'
        section.lines.append(f'{what}: {folder} ({state})')
        if state.endswith('NOT be written') and what == 'ROS logs' and has_ros:
            section.faults.append(f'{what}: {folder} can not be written; {cure}')
        elif state.endswith('NOT be written'):
            section.notes.append(f'{what}: {folder} can not be written; {cure}')
    try:
        size = os.statvfs(_SHARED_MEMORY)
        free = size.f_bavail * size.f_frsize
        section.lines.append(f'shared memory: {_SHARED_MEMORY}, {free / 2**20:.0f} MB free')
    except OSError:
        free = 0
        section.lines.append(f'shared memory: {_SHARED_MEMORY} is not there')
    if free < _LEAST_SHARED_BYTES:
        section.notes.append(
            'shared memory is missing or small, images go through the network stack: start the '
            'container with --ipc=host or --shm-size=256m'
        )
    return section


def _folders() -> list[tuple[str, Path, str]]:
    home = os.environ.get('ROS_HOME') or f'{os.environ.get("HOME", "")}/.ros'
    logs = Path(os.environ.get('ROS_LOG_DIR') or f'{home}/log').expanduser()
    found = [('ROS logs', logs, 'set ROS_LOG_DIR to a folder that can, such as /tmp/ros_log')]
    try:
        cure = 'set UNIHPE_ENGINE_CACHE; engines are built anew at each start until then'
        found.append(('engine cache', cache_folder(), cure))
    except EngineError as error:
        found.append(('engine cache', Path('/nonexistent'), str(error)))
    try:
        temporary = Path(tempfile.gettempdir())
    except FileNotFoundError:
        temporary = Path('/tmp')
    found.append(('temporary files', temporary, 'set TMPDIR'))
    return found


def _is_writable(folder: Path) -> bool:
    """Whether a folder can be written to, or be made."""
    for place in (folder, *folder.parents):
        if place.exists():
            return place.is_dir() and os.access(place, os.W_OK | os.X_OK) and not _is_locked(place)
    return False


def _is_locked(folder: Path) -> bool:
    # For root, every folder seems writable, except on read-only file systems.
    try:
        return bool(os.statvfs(folder).f_flag & os.ST_RDONLY)
    except OSError:
        return True


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return ''
