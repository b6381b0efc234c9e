"""Make int8 copies of a model for this machine's processor, and measure whether they pay."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.cli.values import whole
from unihpe_ros.core.resources import DETECTOR, MODEL

if TYPE_CHECKING:
    from unihpe_ros.core.model_spec import ModelSpec

# Inputs on which speed and answers are compared, not calibrated with.
_COMPARED = 8


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'quantise',
        help='make int8 copies of a model for CPUs',
        description='Make int8 copies of the image branch and the detector in the engine cache, '
        'where the node finds them (precision: auto or int8), and measure them on this processor.',
    )
    parser.add_argument(
        'models',
        nargs='*',
        default=[MODEL, DETECTOR],
        metavar='MODEL',
        help=f'shipped models, prefixes or .onnx files (default: {MODEL} {DETECTOR})',
    )
    parser.add_argument(
        '--pictures',
        type=Path,
        metavar='FOLDER',
        help='pictures of your camera to calibrate with (default: the rendered demo)',
    )
    parser.add_argument(
        '--count',
        type=whole(8),
        default=48,
        metavar='N',
        help='crops or pictures to calibrate with (default: 48)',
    )


def run(args: argparse.Namespace) -> int:
    """Make each copy, measure it, and print a table."""
    from unihpe_ros.bench.engines.int8_comparison import calibration_inputs, compare_copy
    from unihpe_ros.engines.int8 import copy_path, Int8Measure, processor, write_measure
    from unihpe_ros.engines.quantise import quantise

    rows = []
    for model in args.models:
        path = _file(model)
        spec = _spec(path)
        inputs = list(calibration_inputs(spec, args.pictures, args.count + _COMPARED))
        if len(inputs) <= _COMPARED:
            raise ValueError(f'{args.pictures}: expected more than {_COMPARED} usable pictures')
        copy = copy_path(path)
        quantise(path, inputs[:-_COMPARED], copy)
        shares = {}
        for backend in ('onnxruntime-cpu', 'openvino'):
            measured = compare_copy(path, copy, backend, inputs[-_COMPARED:])
            if measured is not None:
                times, differs = measured
                shares[backend] = times[1] / times[0]
                rows.append((path.name, backend, *times, shares[backend], differs))
        write_measure(copy, Int8Measure(processor(), shares))
        print(f'{copy} ({copy.stat().st_size / 1e6:.1f} MB)')
    print(f'\n{processor()}; CPU ms of one input, one thread; the lower the share the better.\n')
    print(
        '| model | backend | fp32 | int8 | share | answers differ by |\n|---|---|---|---|---|---|'
    )
    for name, backend, fp32, int8, share, differs in rows:
        print(f'| {name} | {backend} | {fp32:.2f} | {int8:.2f} | {share:.2f} | {differs} |')
    return 0


def _file(model: str) -> Path:
    """Return the file of a detector, or of a model's image branch."""
    from unihpe_ros.detector import find_detector
    from unihpe_ros.engines import EngineError
    from unihpe_ros.engines.model_files import find_model

    try:
        return find_model(model)['image']
    except EngineError as error:
        try:
            return find_detector(model)
        except EngineError:
            raise error from None


def _spec(path: Path) -> ModelSpec:
    from unihpe_ros.engines.backend_choice import load_engine

    engine = load_engine(path, backend='onnxruntime-cpu', threads=1)
    engine.close()
    return engine.spec
