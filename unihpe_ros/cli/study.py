"""`unihpe study`: compare variants of an experiment at equal budget, with several seeds."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser(
        'study',
        help='compare losses or lifters at equal budget, with several seeds',
        description='Train and score every variant of a study with every seed, and write a table. '
        'Finished runs are kept: the same command goes on where it was interrupted.',
    )
    parser.add_argument('config', type=Path, help='study, e.g. config/study/losses.yaml')
    parser.add_argument(
        '--out', type=Path, help='folder of the runs and the table (default: runs/NAME)'
    )
    parser.add_argument('--test', help="folder of held-out data (default: the study's)")
    parser.add_argument(
        '--set',
        action='append',
        default=[],
        metavar='KEY=VALUE',
        help='replace a setting that all variants share, e.g. steps=1000; may be given again',
    )
    parser.add_argument(
        '--table', action='store_true', help='run nothing; the table of the runs that are finished'
    )


def run(args: argparse.Namespace) -> int:
    """Do the unfinished runs, and print the table."""
    from unihpe_ros.cli.train import parse_settings
    from unihpe_ros.training import ranks
    from unihpe_ros.training.study.report import study_report
    from unihpe_ros.training.study.runs import run_study
    from unihpe_ros.training.study.study_config import kept_results, load_study

    ranks.check_alone('a study, whose runs go on side by side by `jobs`')
    out = args.out or Path('runs') / args.config.stem
    study = load_study(args.config, parse_settings(args.set), args.test)
    results = kept_results(study, out) if args.table else run_study(study, out)
    report = study_report(study, results)
    print(report.markdown())
    paths = report.write(out, args.config.stem)
    print(f'have {len(results)} runs of {args.config.stem}: {", ".join(map(str, paths))}')
    return 0
