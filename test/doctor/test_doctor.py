"""`unihpe doctor` on broken set-ups: each is named first, with what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import os
import shutil
import subprocess
import sys
import threading

import pytest
from ros_fixtures import image, own_namespace, Peer
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from unihpe_ros.cli.main import main
from unihpe_ros.core.resources import find_resource
from unihpe_ros.doctor.backends import describe_backends
from unihpe_ros.doctor.installation import describe_folders, describe_versions
from unihpe_ros.doctor.other_domains import domains_in_use, why_hidden
from unihpe_ros.doctor.ros_graph import describe_ros

pytestmark = pytest.mark.ros
LISTEN_S = 2.0


@pytest.fixture
def camera(context, request) -> Iterator[Callable]:
    """Return a context manager: messages that come ten times a second on topics of their own."""
    peer = Peer(context, own_namespace(request.node.name))

    @contextmanager
    def start(**messages: object) -> Iterator[str]:
        publishers = {
            name: peer.create_publisher(kind, name, 5) for name, (kind, _) in messages.items()
        }
        ended = threading.Event()

        def play() -> None:
            while not ended.wait(0.1):
                for name, (_, message) in messages.items():
                    if message is not None:
                        publishers[name].publish(message)

        player = threading.Thread(target=play)
        player.start()
        try:
            yield peer.get_namespace()
        finally:
            ended.set()
            player.join()
            for publisher in publishers.values():
                peer.destroy_publisher(publisher)

    yield start
    peer.destroy_node()


def test_a_camera_that_works_has_no_fault(camera):
    with camera(image=(Image, image(1.0))) as namespace:
        section = describe_ros(f'{namespace}/image', LISTEN_S)
    text = section.text()
    assert section.faults == []
    assert f'{namespace}/image: ' in text
    assert '64x48 bgr8' in text
    assert f'by {namespace}/peer' in text
    assert any('no camera_info beside it' in note for note in section.notes)


def test_no_camera_is_named():
    section = describe_ros('', 0.5)
    assert 'no camera: nobody publishes sensor_msgs/msg/Image' in section.faults[0]
    assert 'ROS_DOMAIN_ID' in section.faults[0]


def test_domains_are_known_by_the_ports_of_their_participants(tmp_path):
    ports = (7400, 7410, 7411, 7650, 7651, 17900, 17912, 18150, 5353, 40123)
    table = tmp_path / 'udp'
    lines = [f'  1: 00000000:{port:04X} 00000000:0000 07' for port in ports]
    table.write_text('\n'.join(['  sl  local_address rem_address   st', *lines]))
    # Of domains 1 and 43 there is but the port of all.
    assert domains_in_use([table, tmp_path / 'none']) == [0, 42]


@pytest.mark.parametrize(
    ('used', 'environment', 'words'),
    [
        ([7, 42], {}, 'this is ROS_DOMAIN_ID=7, and on this machine ROS also runs in 42'),
        ([42], {'ROS_AUTOMATIC_DISCOVERY_RANGE': 'off'}, 'hides all other processes'),
        ([7], {'ROS_LOCALHOST_ONLY': '1'}, 'only this machine is looked at'),
        ([7], {}, 'compare ROS_DOMAIN_ID, RMW_IMPLEMENTATION and discovery range'),
    ],
)
def test_what_hides_a_camera_is_named(used, environment, words):
    assert words in why_hidden(7, used, environment)


@pytest.mark.parametrize(
    ('source', 'words'),
    [
        ("raise AttributeError('_ARRAY_API not found')", 'a package was built for another NumPy'),
        ("raise ImportError('libGL.so.1: cannot open')", 'OpenCV lacks a library'),
    ],
)
def test_a_package_that_cannot_be_imported_is_named(tmp_path, source, words):
    (tmp_path / 'cv2').mkdir()
    (tmp_path / 'cv2/__init__.py').write_text(source)
    path = os.pathsep.join([str(tmp_path), *sys.path])
    done = subprocess.run(
        [sys.executable, '-m', 'unihpe_ros.cli.main', 'doctor', '--listen', '0'],
        capture_output=True, text=True, env={**os.environ, 'PYTHONPATH': path}, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert 'Traceback' not in done.stderr
    assert f'no pose comes out; most likely: {words}' in done.stderr


def test_images_on_another_topic_are_named(camera):
    with camera(rgb=(Image, image(1.0))) as namespace:
        section = describe_ros('/camera/image_raw', LISTEN_S)
    assert section.faults == [
        f'nobody publishes images on /camera/image_raw; there are {namespace}/rgb: image:=<topic>'
    ]


def test_a_camera_that_is_silent_is_named(camera):
    with camera(image=(Image, None)) as namespace:
        (fault,) = describe_ros('', LISTEN_S).faults
    assert fault.startswith(f'{namespace}/image: announced by {namespace}/peer, but no image came')


def test_an_encoding_that_cannot_be_read_is_named(camera):
    odd = image(1.0)
    odd.encoding = 'acme42'
    with camera(image=(Image, odd)) as namespace:
        (fault,) = describe_ros('', LISTEN_S).faults
    assert fault.startswith(f'{namespace}/image: ')
    assert 'acme42' in fault


def test_a_broken_jpeg_is_named(camera):
    broken = CompressedImage(format='jpeg', data=b'\xff\xd8\xff and no more')
    with camera(**{'image/compressed': (CompressedImage, broken)}):
        (fault,) = describe_ros('', LISTEN_S).faults
    assert 'JPEG' in fault


def test_a_calibration_that_is_not_used_is_noted(camera):
    zeros = CameraInfo(width=64, height=48)
    with camera(image=(Image, image(1.0)), camera_info=(CameraInfo, zeros)):
        section = describe_ros('', LISTEN_S)
    assert section.faults == []
    assert any('its calibration is not used' in note for note in section.notes)


def test_ros_that_does_not_start_is_named(tmp_path):
    # In a process of its own: where logs go to is settled once.
    (tmp_path / 'file').write_text('no folder')
    module = 'unihpe_ros.doctor.ros_graph'
    code = f'from {module} import describe_ros; print(describe_ros("", 0.5).faults)'
    done = subprocess.run(
        [sys.executable, '-c', code],
        env={**os.environ, 'ROS_LOG_DIR': str(tmp_path / 'file/logs')},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert 'set ROS_LOG_DIR' in done.stdout


def test_without_ros_the_rest_is_looked_at(monkeypatch, capsys):
    for name in [name for name in sys.modules if name.partition('.')[0] == 'rclpy']:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.delitem(sys.modules, 'unihpe_ros.doctor.listener', raising=False)
    monkeypatch.setitem(sys.modules, 'rclpy', None)
    monkeypatch.setattr('unihpe_ros.doctor.installation.find_spec', lambda name: None)
    assert main(['doctor', '--listen', '0.1']) == 0
    printed = capsys.readouterr().out
    assert 'the library work without it' in printed
    assert printed.endswith('No fault was found.\n')


def test_a_model_that_is_not_there_is_named(capsys):
    assert main(['doctor', '--model', 'missing', '--listen', '0']) == 1
    printed = capsys.readouterr()
    assert 'no pose comes out; most likely: model' in printed.err
    assert 'missing.image.onnx' in printed.err
    assert 'Folders' in printed.out


def test_a_model_that_git_lfs_did_not_fetch_is_named(tmp_path):
    shipped = find_resource('resource/models/unihpe_rt.image.onnx')
    for branch in ('image', 'lifting'):
        shutil.copy(shipped.with_name(f'unihpe_rt.{branch}.onnx'), tmp_path)
    pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n'
    (tmp_path / 'unihpe_rt.image.onnx').write_text(pointer)
    section = describe_backends(str(tmp_path / 'unihpe_rt'), 'unihpe_det', 'onnxruntime-cpu')
    assert 'FAILS: expected an ONNX model' in section.text()
    assert section.faults


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, 'unihpe_ros.engines.ov_engine', None)
    section = describe_backends('unihpe_rt', 'unihpe_det', 'openvino')
    assert section.faults[0].startswith('backend openvino: not available')
    assert 'set backend to auto' in section.faults[0]


def test_log_files_that_can_not_be_written_are_named(monkeypatch, tmp_path):
    (tmp_path / 'file').write_text('no folder')
    logs = tmp_path / 'file/logs'
    monkeypatch.setenv('ROS_LOG_DIR', str(logs))
    (fault,) = describe_folders().faults
    assert fault == (
        f'ROS logs: {logs} can not be written; set ROS_LOG_DIR to a folder that can, such '
        'as /tmp/ros_log'
    )


def test_versions_say_what_is_installed(monkeypatch):
    monkeypatch.setenv('ROS_DOMAIN_ID', '42')
    text = describe_versions().text()
    assert 'unihpe_ros 0.1.0' in text
    assert 'onnxruntime 1' in text
    assert 'ROS_DOMAIN_ID=42' in text
