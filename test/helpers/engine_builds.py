"""What a test that builds engines needs: shipped models, and a stand-in of the GPU."""

from pathlib import Path
from types import SimpleNamespace

from unihpe_ros.core.resources import find_resource


def shipped(branch: str) -> Path:
    return find_resource(f'resource/models/unihpe_rt.{branch}.onnx')


class Gpu(SimpleNamespace):
    """What building needs to know of a GPU."""

    def __init__(self, name: str = 'Fake GPU', sm: str = '8.9') -> None:
        super().__init__(name=name, sm=sm)

    def active(self) -> 'Gpu':
        return self

    def __enter__(self) -> None: ...

    def __exit__(self, *error: object) -> None: ...
