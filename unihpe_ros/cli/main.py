"""The entry point of ``unihpe``: finds the subcommands, runs one, prints its errors."""

import argparse
from collections.abc import Sequence
from importlib import import_module
import pkgutil
import sys
from types import ModuleType

from unihpe_ros import __version__, cli

# Which extra of setup.py brings a module that a subcommand may miss.
EXTRA_OF_MODULE = {
    'anny': 'synthesis',
    'numba': 'synthesis',
    'faster_coco_eval': 'train',
    'h5py': 'train',
    'matplotlib': 'bench',
    'onnx': 'quantise',
    'openvino': 'openvino',
    'pycuda': 'tensorrt',
    'tensorrt_rtx': 'tensorrt-rtx',
    'onnxscript': 'train',
    'timm': 'train',
    'torch': 'train',
    'torchvision': 'train',
    'rclpy': 'ros',
    'rosbags': 'bag',
}
INTERRUPTED = 130  # What a shell reports for a process that Ctrl-C ended.


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one subcommand.

    Parameters
    ----------
    arguments : Sequence[str] | None
        The command line without the program's name; None takes ``sys.argv``.

    Returns
    -------
    int
        The exit status: 0, what the subcommand returned, 1 after an error, 130 after Ctrl-C.

    """
    commands = find_commands()
    args = build_parser(commands).parse_args(arguments)
    try:
        return int(commands[args.command].run(args))
    except KeyboardInterrupt:
        status, message = INTERRUPTED, 'interrupted'
    except Exception as error:
        reason = explain(error)
        if reason is None:
            raise
        status, message = 1, f'error: {reason}'
    # Progress bars end with the exception that held them; this is the last line.
    print(f'unihpe {args.command}: {message}', file=sys.stderr)
    return status


def find_commands() -> dict[str, ModuleType]:
    """
    Return the subcommands by name: every module of this package that adds a parser.

    A module named after another, as bench_node is after bench, holds a part of that one.

    """
    names = {module.name for module in pkgutil.iter_modules(cli.__path__)} - {'main'}
    modules = {
        name.replace('_', '-'): import_module(f'{cli.__name__}.{name}')
        for name in sorted(names)
        if name.rpartition('_')[0] not in names
    }
    return {name: module for name, module in modules.items() if hasattr(module, 'add_parser')}


def build_parser(commands: dict[str, ModuleType]) -> argparse.ArgumentParser:
    """Return the parser of the command line; each subcommand adds its own part."""
    parser = argparse.ArgumentParser(
        prog='unihpe', description='Human pose from images: run it, train it, measure it.'
    )
    parser.add_argument('--version', action='version', version=f'unihpe {__version__}')
    subparsers = parser.add_subparsers(dest='command', metavar='COMMAND', required=True)
    for module in commands.values():
        module.add_parser(subparsers)
    return parser


def explain(error: Exception) -> str | None:
    """Return the error message for a user; None if the error is a bug in the program."""
    if isinstance(error, ModuleNotFoundError) and error.name is not None:
        missing = error.name.partition('.')[0]
        if missing not in EXTRA_OF_MODULE:
            return None
        return f"{missing} is not installed: pip install 'unihpe_ros[{EXTRA_OF_MODULE[missing]}]'"
    ours = type(error).__module__.startswith('unihpe_ros.')
    if ours or isinstance(error, (ValueError, OSError)):
        return ' '.join(str(error).split()) or type(error).__name__
    return None


if __name__ == '__main__':
    sys.exit(main())
