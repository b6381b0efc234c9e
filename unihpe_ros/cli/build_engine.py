"""`unihpe build-engine`: build TensorRT engines for this machine's GPU or another one."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from unihpe_ros.cli.values import check_folder, whole


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'build-engine',
        help='build TensorRT engines of a model',
        description='Build TensorRT engines of a model into the engine cache, where the node '
        'finds them. Without this command it builds them itself when it first starts.',
    )
    parser.add_argument('model', help='name of a shipped model, its prefix, or one .onnx file')
    parser.add_argument(
        '--precision',
        choices=('fp16', 'fp32'),
        default='fp16',
        help='precision (default: fp16)',
    )
    parser.add_argument(
        '--max-people',
        type=whole(1),
        default=8,
        metavar='N',
        help='largest batch, people (default: 8)',
    )
    parser.add_argument(
        '--sm',
        default='current',
        help="the GPU's compute capability, such as 8.9 (default: current, this machine's)",
    )
    parser.add_argument(
        '--runtime',
        choices=('tensorrt', 'tensorrt-rtx'),
        default='',
        help='library that runs the engine (default: the first that loads)',
    )
    parser.add_argument(
        '--out', type=Path, help='folder to write to (default: the engine cache of this user)'
    )


def run(args: argparse.Namespace) -> int:
    """Build each file's engine, and say what was made."""
    from unihpe_ros.engines.cache import cache_folder, make_engine, plan_path
    from unihpe_ros.engines.cuda import open_gpu
    from unihpe_ros.engines.engine_key import key_of
    from unihpe_ros.engines.trt_runtime import load_tensorrt

    files = _files(args.model)
    if args.out is not None:
        check_folder(args.out)
    # The driver must be at work before TensorRT is loaded.
    gpu = open_gpu() if args.sm == 'current' else None
    library = load_tensorrt(args.runtime)
    folder = args.out or cache_folder()
    shape = {'precision': args.precision, 'max_people': args.max_people, 'sm': args.sm}
    made = []
    for file in files:
        key = key_of(file, library, gpu, **shape)
        plan = plan_path(file, key, folder)
        with _progress(file.name) as progress:
            make_engine(file, plan, key, library, gpu, progress=progress)
        made.append(f'{plan.name} ({plan.stat().st_size / 1e6:.1f} MB)')
    print(
        f'Made {" and ".join(made)} in {folder} for {gpu.name if gpu else "any GPU"} of SM '
        f'{key.sm} by {library.name} {library.version}.'
    )
    return 0


def _files(model: str) -> list[Path]:
    """Return the model files that a name stands for: both branches, or one file."""
    from unihpe_ros.core.resources import find_resource
    from unihpe_ros.engines.model_files import find_model

    path = Path(model)
    if path.suffix == '.onnx':
        if not path.is_file():
            raise ValueError(f'{path}: expected a model file; there is none')
        return [path]
    try:
        return [find_resource(f'resource/models/{model}.onnx')]
    except FileNotFoundError:
        return list(find_model(model).values())


@contextmanager
def _progress(title: str) -> Iterator[Callable[[str, float], None]]:
    from tqdm import tqdm

    with tqdm(desc=title, total=100, unit='%', leave=False) as bar:

        def advance(phase: str, share: float) -> None:
            bar.set_postfix_str(phase, refresh=False)
            bar.update(max(0, round(100 * share) - bar.n))

        yield advance
