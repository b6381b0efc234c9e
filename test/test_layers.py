"""Who may import what: two arms, one spine, no circles, each third party in its own place."""

import ast
from collections.abc import Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
import sys

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / 'unihpe_ros'
ANYWHERE = {'numpy', 'cv2', 'scipy', *sys.stdlib_module_names}
ROS = {
    *('rclpy', 'cv_bridge', 'tf2_ros', 'ament_index_python', 'builtin_interfaces'),
    *('diagnostic_msgs', 'geometry_msgs', 'hri_msgs', 'lifecycle_msgs', 'rcl_interfaces'),
    *('sensor_msgs', 'std_msgs', 'std_srvs', 'visualization_msgs', 'yaml'),
}
ENGINES = {
    *('tensorrt', 'tensorrt_rtx', 'pycuda', 'onnxruntime', 'openvino'),
    *('onnx', 'google.protobuf'),  # What onnx.load raises is protobuf's.
}
MOST_LINES = 320
# Public names that several modules may define: of programs, of modules that are called alike, and
# short names of types and of a decorator.
SHARED_NAMES = {
    *('main', 'run', 'run_list', 'add_parser', 'load'),
    *('Array', 'Float32', 'Float64', 'Int32', 'UInt8', 'T', 'jit'),
}
MESSAGES = ('camera_info', 'clouds', 'compressed', 'images', 'markers')
# layer: (other layers of ours or single names of them, third parties beside ANYWHERE).
# cli is missing: it may import everything.
LAYERS: dict[str, tuple[set[str], set[str]]] = {
    # Public names, which are imported when they are first asked for.
    '__init__': ({'core', 'engines', 'detector', 'estimator', 'ros.clouds'}, set()),
    'core': (set(), set()),
    # Observations are associated by OKS, a metric.
    'tracking': ({'core', 'metrics.oks'}, set()),
    'kinematics': ({'core'}, set()),
    'metrics': ({'core'}, set()),
    'visualisation': ({'core'}, set()),
    'engines': ({'core'}, ENGINES),
    'detector': ({'core', 'engines'}, set()),
    'lifting': ({'core', 'engines', 'tracking'}, set()),
    'networks_2d': ({'core', 'engines'}, set()),
    'detector_thread': (set(), set()),
    'newcomers': ({'core', 'detector', 'detector_thread'}, set()),
    'image_sequence': ({'core', 'tracking'}, set()),
    'camera_stream': ({'core', 'tracking', 'newcomers', 'image_sequence'}, set()),
    'crop_observations': ({'core', 'engines', 'tracking'}, set()),
    'image_batch': (
        {'core', 'engines', 'tracking', 'camera_stream', 'crop_observations'},
        set(),
    ),
    'whole_pictures': ({'core', 'engines', 'camera_stream', 'image_batch', 'lifting'}, set()),
    'estimator_networks': ({'core', 'engines', 'detector', 'networks_2d'}, set()),
    'estimator': (
        {
            *('core', 'engines', 'detector', 'detector_thread', 'lifting', 'newcomers'),
            *('camera_stream', 'image_batch', 'whole_pictures', 'estimator_networks'),
        },
        set(),
    ),
    'web': ({'core', 'visualisation'}, set()),
    'ros': (
        {'core', 'kinematics', 'visualisation', 'engines.EngineError', 'estimator', 'web'},
        ROS,
    ),
    # Of the node's room only what turns messages into arrays and back.
    'bags': ({'core', *(f'ros.{name}' for name in MESSAGES)}, ROS | {'lz4', 'rosbags', 'yaml'}),
    'node_trial': (
        {'core', 'metrics', 'visualisation', 'bags', *(f'ros.{name}' for name in MESSAGES)},
        ROS,
    ),
    'run': (
        {
            *('core', 'kinematics', 'visualisation', 'estimator', 'bags', 'web'),
            *('ros.clouds', 'ros.images'),
        },
        {'rosbags'},
    ),
    'run/inputs/topic_images.py': (
        {'run.inputs.source', 'ros.images', 'ros.compressed'},
        {'rclpy', 'sensor_msgs'},
    ),
    'bench': (
        {
            *('core', 'tracking', 'kinematics', 'metrics', 'visualisation', 'engines', 'detector'),
            'estimator',
            *('bags', 'node_trial', *(f'ros.{name}' for name in MESSAGES)),
        },
        {'matplotlib', 'supervision', 'trackers'},
    ),
    # It looks at all that may be broken.
    'doctor': (
        {
            *('core', 'engines', 'detector', 'estimator', 'bench.machine', 'bags.topics'),
            *('ros.start_errors', *(f'ros.{name}' for name in MESSAGES)),
        },
        ROS,
    ),
    'bench/peers/runners.py': ({'core', 'detector', 'engines', 'estimator'}, {'mediapipe'}),
    'bench/node/naive_node.py': ({'core', 'estimator'}, ROS),
    'bench/engines/roofline_device.py': (set(), {'torch'}),
    'bench/engines/roofline_model.py': (set(), {'onnx'}),
    'bench/engines/pytorch.py': ({'core', 'models'}, {'torch'}),
    'models': ({'core'}, {'torch', 'torchvision', 'timm', 'onnx', 'onnxscript'}),
    'datasets': ({'core'}, {'h5py', 'pycocotools', 'tqdm', 'yaml'}),
    'datasets/batches.py': ({'core'}, {'torch'}),
    'synthesis': ({'core'}, {'anny', 'numba', 'torch', 'tqdm'}),
    'evaluation': (
        {'core', 'metrics', 'models', 'datasets'},
        {'torch', 'tqdm', 'yaml', 'faster_coco_eval'},
    ),
    'training': ({'core', 'evaluation', 'models', 'datasets'}, {'torch', 'tqdm', 'yaml'}),
}
FILES = sorted(path.relative_to(PACKAGE).as_posix() for path in PACKAGE.rglob('*.py'))


def layer_of(file: str) -> str:
    return file.partition('/')[0].removesuffix('.py')


def imports(source: str) -> Iterator[str]:
    """Yield the dotted name of whatever is imported, inside functions too."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield from (f'{node.module}.{alias.name}' for alias in node.names)


def forbidden(file: str, source: str) -> list[str]:
    """Return the imports that break the table; a new layer must be entered in it."""
    ours, theirs = LAYERS.get(file, LAYERS[layer_of(file)])
    allowed = {f'unihpe_ros.{name}' for name in (*ours, layer_of(file), '__version__')}
    allowed |= theirs | ANYWHERE
    return [
        name
        for name in imports(source)
        if not any(name == known or name.startswith(f'{known}.') for known in allowed)
    ]


def imported_modules(sources: Mapping[str, str]) -> dict[str, set[str]]:
    """Return which of ours each module imports, inside functions too."""
    graph = {}
    for module, source in sources.items():
        graph[module] = set()
        for name in imports(source):
            # What is imported is a module, or something in one.
            found = name if name in sources else name.rpartition('.')[0]
            if found in sources and found != module:
                graph[module].add(found)
    return graph


def circle(sources: Mapping[str, str]) -> list[str]:
    """Return modules each of which is imported by the one after it, the last one by the first."""
    try:
        TopologicalSorter(imported_modules(sources)).prepare()
    except CycleError as error:
        return error.args[1]
    return []


@pytest.mark.parametrize('file', [file for file in FILES if layer_of(file) != 'cli'])
def test_imports_keep_to_the_layers(file: str):
    assert forbidden(file, (PACKAGE / file).read_text(encoding='utf-8')) == []


def test_no_two_rooms_have_a_module_of_one_name():
    """A file is found by its name; of `cli`, a module is named after its subcommand."""
    seen: dict[str, str] = {}
    for file in FILES:
        name = file.rpartition('/')[2]
        if name != '__init__.py' and layer_of(file) != 'cli':
            assert name not in seen, f'{file} and {seen[name]}'
            seen[name] = file


def public_names(source: str) -> Iterator[str]:
    """Yield the public classes, functions and constants that a module defines."""
    for node in ast.parse(source).body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            continue
        yield from (name for name in names if not name.startswith('_'))


@pytest.mark.slow
def test_no_two_modules_define_one_public_name():
    seen: dict[str, str] = {}
    for file in FILES:
        for name in public_names((PACKAGE / file).read_text(encoding='utf-8')):
            if name not in SHARED_NAMES:
                assert seen.setdefault(name, file) == file, f'{name}: {file} and {seen[name]}'


def test_no_file_is_longer_than_it_may_be():
    tests = PACKAGE.parent / 'test'
    lines = {
        path.relative_to(PACKAGE.parent).as_posix(): path.read_text(encoding='utf-8').count('\n')
        for path in (*PACKAGE.rglob('*.py'), *tests.rglob('*.py'))
    }
    assert {name: count for name, count in lines.items() if count > MOST_LINES} == {}


def test_breaches_are_seen():
    inside = 'def f():\n    from unihpe_ros.models import unihpe\n    import torch.nn'
    assert forbidden('core/pose.py', inside) == ['unihpe_ros.models.unihpe', 'torch.nn']
    assert forbidden('ros/node.py', 'from unihpe_ros.engines import load_engine')
    assert not forbidden('ros/node.py', 'from unihpe_ros.engines import EngineError')
    assert forbidden('datasets/coco.py', 'import torch')
    assert not forbidden('datasets/batches.py', 'import torch')


@pytest.mark.slow
def test_no_module_imports_itself_by_way_of_others():
    sources = {
        'unihpe_ros.' + file.removesuffix('.py').removesuffix('/__init__').replace('/', '.'): (
            PACKAGE / file
        ).read_text(encoding='utf-8')
        for file in FILES
    }
    assert len(sources) == len(FILES)
    assert circle(sources) == []


def test_circles_are_seen():
    sources = {
        'unihpe_ros.a': 'from unihpe_ros.b import name',
        'unihpe_ros.b': 'def f():\n    from unihpe_ros import c',
        'unihpe_ros.c': 'import numpy',
    }
    assert circle(sources) == []
    sources['unihpe_ros.c'] = 'import unihpe_ros.a'
    assert set(circle(sources)) == set(sources)
