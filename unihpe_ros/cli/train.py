"""`unihpe train`: train a network by an experiment in a YAML file."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
import sys
from typing import Any, TYPE_CHECKING

if TYPE_CHECKING:
    from unihpe_ros.training.config import TrainConfig


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('train', help='train a network from one YAML file')
    parser.add_argument('config', type=Path, help='experiment, e.g. config/train/unihpe_rt.yaml')
    parser.add_argument(
        '--out', type=Path, help='folder of the run (default: runs/NAME of the experiment)'
    )
    parser.add_argument(
        '--resume',
        action='store_true',
        help="continue from the run's checkpoint; Ctrl-C writes one after the current step",
    )
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='replace a setting of the experiment, e.g. steps=1000; may be given again',
    )


def run(args: argparse.Namespace) -> int:
    """Train, and print where the checkpoint is."""
    from unihpe_ros.training.config_file import load_config
    from unihpe_ros.training.signals import InterruptedRun

    overrides = parse_settings(args.set)
    out = args.out or Path('runs') / args.config.stem
    config = load_config(args.config, overrides)
    try:
        _train(config, args.config.stem, out, args.resume)
        return 0
    except InterruptedRun as interruption:
        step, number = interruption.step, interruption.number
    # The readers and the progress bars end with the exception that held them.
    rest = f' at step {step}; --resume goes on' if step else '; nothing new was saved'
    print(f'unihpe train: interrupted{rest}', file=sys.stderr)
    return 128 + number


def _train(config: TrainConfig, name: str, out: Path, resume: bool) -> None:
    from unihpe_ros.training import ranks
    from unihpe_ros.training.signals import Signals
    from unihpe_ros.training.train import is_finished, train

    if resume and is_finished(config, out):
        print(f'{name} is finished already, all {config.steps} steps: {out / "checkpoint.pt"}')
        return
    # torchrun ends its processes itself, and one that waits for the others can't finish a step.
    signals = Signals()
    with nullcontext() if ranks.started() > 1 else signals:
        try:
            checkpoint = train(config, out, resume=resume, signals=signals)
            if ranks.rank() == 0:
                print(f'trained {config.steps} steps of {name}: {checkpoint}')
        finally:
            ranks.leave()


def parse_settings(settings: Sequence[str]) -> dict[str, Any]:
    """Read KEY=VALUE, the value in YAML."""
    from unihpe_ros.training.config import ConfigError
    import yaml

    overrides = {}
    for setting in settings:
        key, equals, value = setting.partition('=')
        if not equals:
            raise ConfigError(f'--set {setting}: expected KEY=VALUE')
        try:
            overrides[key] = yaml.safe_load(value)
        except yaml.YAMLError as error:
            raise ConfigError(f'--set {setting}: not YAML ({error})') from error
    return overrides
