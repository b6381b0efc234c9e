"""docs/errors.md: every message in its tables comes out of the product, and has a cure there."""

from __future__ import annotations

from array import array
from collections.abc import Callable
import errno
import io
from pathlib import Path
import re
import socket

from bench_bags import data_file, write_bag
import numpy as np
import pytest
from ros_fixtures import people
from sensor_msgs.msg import CompressedImage, Image, RegionOfInterest
from unihpe_ros.bags.reader import BagReader
from unihpe_ros.cli.main import main
from unihpe_ros.core.files import naming
from unihpe_ros.core.intensity import IntensityRange
from unihpe_ros.detector import PersonDetector
from unihpe_ros.engines import EngineError
from unihpe_ros.engines.backend_choice import load_engine
from unihpe_ros.engines.model_files import check_pair, find_model
from unihpe_ros.networks_2d.networks import open_network
from unihpe_ros.ros.camera_info import read_calibration
from unihpe_ros.ros.compressed import decode_compressed
from unihpe_ros.ros.depth import decode_depth
from unihpe_ros.ros.depth_use import DepthUse
from unihpe_ros.ros.images import decode_image
from unihpe_ros.ros.optional_packages import require
from unihpe_ros.ros.parameter_files import _unknown, unmatched_files
from unihpe_ros.ros.parameters import Parameters
from unihpe_ros.ros.start_errors import cause_of_no_ros
from unihpe_ros.run.inputs.choose import InputOptions, open_input
from unihpe_ros.run.inputs.standard_input import StandardInput
from unihpe_ros.web.server import WebView

ROOT = Path(__file__).resolve().parents[1]
ROW = re.compile(r'^\| `([^`]+)` \| (.+) \|$', re.MULTILINE)
# What takes a live node or a long set-up: the test that makes it say so.
ELSEWHERE = {
    'expected a gallery of gestures; there is no such file': 'ros/test_ros_gestures.py',
    'expected a gallery that unihpe gestures record has written': (
        'kinematics/test_gesture_gallery.py'
    ),
    'expected a gallery of version': 'kinematics/test_gesture_gallery.py',
    'expected a name of lower case letters': 'kinematics/test_gesture_gallery.py',
    'whose arms can be seen; got nobody': 'kinematics/test_gesture_examples.py',
    'expected a pose that is held': 'kinematics/test_gesture_examples.py',
    'repeat it for a few seconds': 'kinematics/test_gesture_examples.py',
    'no publisher on': 'ros/test_ros_watchdog.py',
    'few images arrive': 'ros/test_ros_watchdog.py',
    'slower than the camera': 'ros/test_ros_watchdog.py',
    'no /clock has come': 'ros/test_ros_watchdog.py',
    'publishers on': 'ros/test_ros_watchdog.py',
    'expected the image branch of the checkpoint': 'cli/test_cli_export.py',
    'ros2 run camera_calibration cameracalibrator': 'ros/test_ros_watchdog.py',
    'offers BEST_EFFORT': 'ros/test_ros_watchdog.py',
    'images have no stamp': 'ros/test_ros_camera_log.py',
    'in the future': 'ros/test_ros_clocks.py',
    'time went back': 'ros/test_ros_clocks.py',
    'no 3D is published': 'ros/test_ros_target_frame.py',
    'no ego-motion': 'ros/test_ros_target_frame.py',
    'is not installed': 'cli/test_cli.py',
    'damaged chunks': 'bags/test_damaged_recording.py',
    'expected version V2.0 of the format': 'bags/test_ros1_file.py',
    'expected a recording that is not encrypted': 'bags/test_ros1_file.py',
    'has one: set image_transport:=': 'ros/test_ros_input_forms.py',
    'input is not used': 'ros/test_ros_input_forms.py',
    'images are old when they come': 'ros/test_ros_clocks.py',
    'images repeat their stamp': 'ros/test_ros_clocks.py',
    'images change their frame': 'ros/test_ros_auxiliary_inputs.py',
    'camera_info may be of another camera': 'ros/test_ros_auxiliary_inputs.py',
    '<topic>.publisher.<policy>': 'ros/test_ros_parameter_files.py',
    'it is a parameter of the node': 'ros/test_ros_launch.py',
    'nothing can be unpacked': 'bags/test_recording.py',
    'expected PNG or RVL': 'ros/test_ros_compressed_depth.py',
    'messages that metadata.yaml counts are lost': 'bags/test_damaged_recording.py',
    'cannot be read: Permission denied': 'run/test_inputs.py',
    'as when it was begun': 'run/test_session.py',
    'expected another file than the input': 'cli/test_cli_run.py',
    'expected the people of a frame': 'run/test_outputs.py',
    'expected a video for a motion file': 'run/test_outputs.py',
}


def raw(encoding: str, **fields: object) -> Image:
    data = {'width': 8, 'height': 6, 'data': array('B', bytes(8 * 6 * 3))}
    return Image(encoding=encoding, **{**data, **fields})


def packed(data: bytes, name: str = 'jpeg') -> CompressedImage:
    return CompressedImage(format=name, data=array('B', data))


def info(**fields: object):
    """Return a camera_info of 640x480 with some fields replaced."""
    from sensor_msgs.msg import CameraInfo

    matrix = [500.0, 0.0, 319.5, 0.0, 500.0, 239.5, 0.0, 0.0, 1.0]
    usual = {'width': 640, 'height': 480, 'k': matrix, 'distortion_model': 'plumb_bob'}
    return CameraInfo(**{**usual, **fields})


def notes(**fields: object) -> str:
    size = fields.pop('image', None)
    return ' '.join(read_calibration(info(**fields), rectified=False, size=size).notes)


def depth_told(depth: np.ndarray) -> str:
    use, poses = DepthUse(), people(2)
    poses.keypoints_3d[..., 2] = 3.0
    return [use.note(depth.astype(np.float32), poses) for _ in range(5)][-1]


def intensity_told(picture: np.ndarray, limits: tuple[float, float] | None) -> str:
    levels = IntensityRange(limits)
    levels.to_eight_bits(picture.astype(np.uint16))
    return levels.problem


def full_disk() -> None:
    with naming(Path('people.csv')):
        raise OSError(errno.ENOSPC, 'No space left on device')


def taken_port() -> None:
    with socket.create_server(('127.0.0.1', 0)) as taken:
        WebView(taken.getsockname()[1])


def cut(path: Path, share: float) -> Path:
    file = data_file(path)
    file.write_bytes(file.read_bytes()[: int(share * file.stat().st_size)])
    return path


def params_file(folder: Path, text: str) -> str:
    path = folder / 'params.yaml'
    path.write_text(text)
    return ' '.join(unmatched_files(['--params-file', str(path)], '/robot1/pose_estimator'))


def run(*arguments: object) -> Callable[[], object]:
    return lambda: main(['run', *map(str, arguments)])


def opened(text: object) -> list[object]:
    return list(open_input(str(text), InputOptions()).frames())


def inputs(folder: Path) -> dict[str, Callable[[], object]]:
    (folder / 'empty').mkdir()
    for name in ('a.mp4', 'b.mp4', 'photo.jpg'):
        (folder / name).write_bytes(b'')
    film, stdin = folder / 'a.mp4', lambda data: list(StandardInput(io.BytesIO(data), 30).frames())
    return {
        'there is no such file': lambda: opened('gone.mp4'),
        'expected a video that OpenCV can read': lambda: opened(film),
        'or a recording in this folder': lambda: opened(folder / 'empty'),
        'expected a picture (JPEG, PNG, ...); cannot be read': lambda: opened(
            folder / 'photo.jpg'
        ),
        'that no other program uses': lambda: opened('camera:77'),
        'nothing that can be read answers': lambda: opened('rtsp://127.0.0.1:9/camera'),
        'expected JPEGs one after another': lambda: stdin(b'hello, this is no picture'),
        'expected frames; it is empty': lambda: stdin(b''),
        'expected a file ending in .csv': run(film, '--out', 'people.xls'),
        'expected {name} in it': run(film, folder / 'b.mp4', '--out', 'people.csv'),
        'expected each of another name': run(film, folder / 'c' / 'a.mp4'),
        'expected a folder to write to': run(film, '--out', film / 'people.csv'),
        'cannot be written': full_disk,
        'cannot listen on': taken_port,
    }


def recordings(folder: Path) -> dict[str, Callable[[], object]]:
    bag = write_bag(folder / 'bag', 3, truth=False)
    two = write_bag(folder / 'two', 1, cameras=('/front', '/rear'), truth=False)
    killed = cut(write_bag(folder / 'killed', 3, truth=False), 0.7)
    broken = cut(write_bag(folder / 'broken', 3, truth=False), 0.01)
    return {
        'expected a rosbag2 folder or a file ending in': lambda: BagReader(folder / 'gone'),
        'expected a complete recording; broken': lambda: BagReader(broken),
        'messages before are read': lambda: BagReader(killed).notes,
        'several image topics; choose one': lambda: BagReader(two),
        'no images on': lambda: BagReader(bag, '/front/image_raw'),
        'expected a topic of sensor_msgs/msg/Image': lambda: BagReader(
            write_bag(folder / 'blind', 1, cameras=(), truth=True)
        ),
    }


def images() -> dict[str, Callable[[], object]]:
    grey = np.arange(48).reshape(6, 8)
    return {
        'image encoding: expected one of': lambda: decode_image(raw('thermal7')),
        'it belongs on depth_image': lambda: decode_image(raw('32FC1')),
        'publish it as sensor_msgs/CompressedImage': lambda: decode_image(raw('jpeg')),
        'expected a step of at least': lambda: decode_image(raw('bgr8', step=8)),
        'expected multiples of': lambda: decode_image(raw('nv12', width=7)),
        'got OpenEXR': lambda: decode_compressed(packed(b'v/1\x01' + bytes(40))),
        'got a video stream': lambda: decode_compressed(packed(bytes(40), 'h264')),
        'bytes can not be decoded': lambda: decode_compressed(
            packed(bytes.fromhex('ffd8ffc0001108000600080301220002110103110100'))
        ),
        'expected JPEG, PNG, WebP': lambda: decode_compressed(packed(b'hello')),
        'depth encoding: expected 32FC1 (m) or 16UC1 (mm)': lambda: decode_depth(raw('rgb8')),
        'which is no more than noise': lambda: intensity_told(0 * grey + 900, None),
        'auto follows the picture': lambda: intensity_told(grey + 900, (0.0, 65535.0)),
    }


def calibrations() -> dict[str, Callable[[], object]]:
    near = np.full((48, 64), 3.0)
    nan = [float('nan'), *info().k[1:]]
    p = [500.0, 0.0, 319.5, 0.0, 0.0, 500.0, 239.5, 0.0, 0.0, 0.0, 1.0, 0.0]
    shifted = [500.0, 0.0, 900.0, 0.0, 500.0, 700.0, 0.0, 0.0, 1.0]
    return {
        'expected a calibrated camera': lambda: notes(k=[0.0] * 9),
        'expected focal lengths in px': lambda: notes(k=[5.0, *info().k[1:]]),
        'coefficients, got': lambda: notes(d=[0.1] * 7),
        'camera distortion: expected': lambda: notes(d=[float('inf')] * 5),
        'expected 3x3 finite numbers': lambda: notes(k=nan),
        'is binning or a region of interest counted twice, or not told?': lambda: notes(k=shifted),
        ', the image is of': lambda: notes(image=(640, 360)),
        'is taken, without distortion': lambda: notes(k=[0.0] * 9, p=p),
        'the image is of the full size': lambda: notes(
            roi=RegionOfInterest(x_offset=160, y_offset=120, width=320, height=240),
            image=(640, 480),
        ),
        'fold it or lead to none of its pixels': lambda: notes(d=[1e9] * 8),
        'it holds no distance anywhere': lambda: depth_told(0 * near),
        'it seems to be in mm': lambda: depth_told(1000 * near),
    }


def node(folder: Path) -> dict[str, Callable[[], object]]:
    return {
        'expected one of raw, compressed': lambda: Parameters().updated(
            {'image_transport': 'theora'}
        ),
        'did you mean': lambda: _unknown('max_peple'),
        'parameters are not in groups': lambda: _unknown('detector.max_people'),
        'or /** for any node': lambda: params_file(
            folder, 'pose:\n  ros__parameters:\n    max_people: 2\n'
        ),
        'can not be imported': lambda: require('hri_msgs_that_nobody_has', 'ros4hri is true'),
        'set ROS_LOG_DIR': lambda: cause_of_no_ros(RuntimeError('no log directory')),
    }


def models(folder: Path, model: Path) -> dict[str, Callable[[], object]]:
    pointer = folder / 'lfs.onnx'
    pointer.write_text('version https://git-lfs.github.com/spec/v1\n')
    lifting, foreign = Path(f'{model}.lifting.onnx'), _somebody_elses(folder)
    other = load_engine(foreign, backend='onnxruntime-cpu')
    return {
        'expected two files; missing': lambda: find_model('no_such_model'),
        'expected a model file ending in': lambda: load_engine(model.parent / 'net.pt'),
        'expected an ONNX model': lambda: load_engine(pointer, backend='onnxruntime-cpu'),
        'network of somebody else is given as model_2d': lambda: check_pair(other, other),
        'expected a 2D keypoint network of a known family': lambda: open_network(foreign),
        'expected a detector': lambda: PersonDetector(lifting, backend='onnxruntime-cpu'),
        'expected backend': lambda: load_engine(lifting, backend='tpu'),
    }


def _somebody_elses(folder: Path) -> Path:
    from onnx import helper, TensorProto

    shapes = {'x': [1, 3, 32, 32], 'y': [1, 3072]}
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
        for name, shape in shapes.items()
    ]
    flat = helper.make_node('Flatten', ['x'], ['y'])
    graph = helper.make_graph([flat], 'g', values[:1], values[1:])
    opset = [helper.make_opsetid('', 17)]
    path = folder / 'yolo.onnx'
    path.write_bytes(
        helper.make_model(graph, opset_imports=opset, ir_version=8).SerializeToString()
    )
    return path


@pytest.mark.slow
def test_every_message_of_the_table_is_produced(tmp_path, model, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    produced = {
        **inputs(tmp_path),
        **recordings(tmp_path),
        **images(),
        **calibrations(),
        **node(tmp_path),
        **models(tmp_path, model),
    }
    rows = dict(ROW.findall((ROOT / 'docs/errors.md').read_text(encoding='utf-8')))
    assert sorted(rows) == sorted({**produced, **ELSEWHERE})
    for words, produce in produced.items():
        capsys.readouterr()
        try:
            said = str(produce())
        except (ValueError, OSError, EngineError) as error:
            said = str(error)
        assert words in said + capsys.readouterr().err, (words, said)
    for words, test in ELSEWHERE.items():
        assert words in (ROOT / 'test' / test).read_text(encoding='utf-8'), words
    assert all(cure.strip() for cure in rows.values())
