"""The runs of a study: several at a time, the result of each is stored."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import as_completed, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
import json
import multiprocessing
import os
from pathlib import Path
import time

import torch
from tqdm import tqdm
from unihpe_ros.core.files import write_whole
from unihpe_ros.models.lifters import LIFTERS
from unihpe_ros.training.checkpoint import load_checkpoint
from unihpe_ros.training.failures import NonFiniteLossError
from unihpe_ros.training.run import Run
from unihpe_ros.training.study.lifter_run import LifterRun
from unihpe_ros.training.study.scores import SCORES
from unihpe_ros.training.study.study_config import finished, kept_results, Result, Study
from unihpe_ros.training.train import train


def run_study(study: Study, out: Path) -> list[Result]:
    """
    Do the unfinished runs of a study and return all results.

    Parameters
    ----------
    study : Study
        The study.
    out : Path
        Folder of the runs; what is finished there is kept, what was interrupted goes on.

    Returns
    -------
    list[Result]
        All runs, in the order of variants and seeds.

    Raises
    ------
    ConfigError
        If a run there was made with other settings.

    """
    runs = [(variant, seed) for seed in study.seeds for variant in study.variants]
    open_runs = [run for run in runs if finished(study, out, *run) is None]
    context = multiprocessing.get_context('spawn')
    with (
        _quiet_children(),
        ProcessPoolExecutor(study.jobs, mp_context=context) as pool,
        tqdm(total=len(runs), initial=len(runs) - len(open_runs), unit='run') as bar,
    ):
        futures = [pool.submit(do_run, study, out, *run) for run in open_runs]
        try:
            for future in as_completed(futures):
                bar.set_postfix_str(future.result())
                bar.update()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
    return kept_results(study, out)


def do_run(study: Study, out: Path, variant: str, seed: int) -> str:
    """Train and evaluate one run, store its result and return its name."""
    config, folder = study.config(variant, seed), out / f'{variant}-{seed}'
    checkpoint = folder / 'checkpoint.pt'
    run_type = LifterRun if config.preset in LIFTERS else Run
    scores: dict[str, float] = {}
    failure = ''
    begun = load_checkpoint(checkpoint)['step'] if checkpoint.exists() else 0
    start = time.process_time()
    try:
        train(config, folder, resume=checkpoint.exists(), run_type=run_type)
    except NonFiniteLossError as error:
        failure = str(error)
    else:
        busy = time.process_time() - start
        run = run_type(config, torch.device('cpu'))
        run.load(checkpoint)
        scores = SCORES[study.kind](run.averaged(), Path(study.test), study.limit)
        if begun == 0:
            scores['CPU ms a step'] = 1000 * busy / config.steps
    stored = {
        'config': asdict(config),
        'limit': study.limit,
        'scores': scores,
        'failure': failure,
    }
    write_whole(folder / 'result.json', json.dumps(stored, indent=1) + '\n')
    return folder.name


@contextmanager
def _quiet_children() -> Iterator[None]:
    """Disable the progress bars of processes started in the block."""
    before = os.environ.get('TQDM_DISABLE')
    os.environ['TQDM_DISABLE'] = '1'
    try:
        yield
    finally:
        if before is None:
            del os.environ['TQDM_DISABLE']
        else:
            os.environ['TQDM_DISABLE'] = before
