"""Results of `unihpe bench engine` as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from unihpe_ros.bench.engines.engine_benchmark import (
    ENGINE_STAGES,
    EngineBench,
    PICTURE,
    REFERENCE,
)
from unihpe_ros.bench.engines.roofline_device import cpu_limits, describe_gpu, gpu_limits
from unihpe_ros.bench.engines.roofline_model import count_work, Workload
from unihpe_ros.bench.machine import describe_machine
from unihpe_ros.engines.model_files import find_model

_ON_GPU = ('tensorrt', 'tensorrt-rtx', 'onnxruntime-cuda', 'torch')
_HALF = ('tensorrt', 'tensorrt-rtx')


def to_record(bench: EngineBench) -> dict[str, Any]:
    """Return everything that was measured, on what, and how far it is from the chip's limit."""
    work = total_work(bench.model)
    limits = {'cpu': cpu_limits(), 'gpu': gpu_limits()}
    for row in bench.rows:
        chip = limits['gpu' if row['backend'].startswith(_ON_GPU) else 'cpu']
        if chip:
            size = 2 if row['backend'] in _HALF else 4
            least = work.limit_s(row['batch'], chip['flops'], chip['bytes_s'], size)
            row['limit_ms'] = 1e3 * least
    return {
        'model': bench.model,
        'picture': list(PICTURE),
        'calls': bench.calls,
        'machine': {**describe_machine(), 'gpu': describe_gpu()},
        'work': {'gflop_per_person': work.flops / 1e9, 'weights': work.weights},
        'limits': limits,
        'rows': bench.rows,
        'parity': {
            'reference': REFERENCE,
            'crops': bench.parity,
            'backends': bench.parity_of,
        },
        'skipped': bench.skipped,
    }


def total_work(model: str) -> Workload:
    """Return the work of both branches."""
    image, lifting = (count_work(path) for path in find_model(model).values())
    return image + lifting


def to_text(record: Mapping[str, Any]) -> str:
    """Return a record as Markdown: what it ran on, one table, agreement, what was left out."""
    rows = [_cells(row) for row in record['rows']]
    stages = [f'{name.replace("_", " ")} p50' for name in ENGINE_STAGES]
    head = ['backend', 'people', 'p50 ms', 'p95', 'p99', 'people/s', *stages]
    head += ['estimator p50', 'p95', 'limit ms', 'share of limit']
    parts = [_machine(record), _table(head, rows)]
    agreement = [
        [name, *(f'{figures[key]:.3g}' for key in ('px_p99', 'mm_p99', 'agreement_p99'))]
        for name, figures in record['parity']['backends'].items()
    ]
    if agreement:
        crops = record['parity']['crops']
        parts.append(f'Difference from {record["parity"]["reference"]}, {crops} crops:')
        parts.append(_table(['backend', 'px p99', 'mm p99', 'agreement p99'], agreement))
    parts += [f'Not here: {name}: {reason}' for name, reason in record['skipped'].items()]
    return '\n\n'.join(parts) + '\n'


def _machine(record: Mapping[str, Any]) -> str:
    machine = record['machine']
    gpu = machine['gpu']
    versions = ', '.join(f'{name} {number}' for name, number in machine['versions'].items())
    lines = [
        f'{record["model"]}, {record["work"]["gflop_per_person"]:.2f} GFLOP a person, '
        f'{record["work"]["weights"] / 1e6:.1f} M weights; picture of '
        f'{record["picture"][0]}x{record["picture"][1]}; {record["calls"]} calls.',
        f'{machine["processor"]}, {machine["cores"]} cores; {versions}.',
    ]
    if gpu:
        lines.append(', '.join(f'{name} {value}' for name, value in gpu.items()) + '.')
    lines += [
        f'Measured limit of the {chip}: {one["flops"] / 1e12:.3g} TFLOP/s, '
        f'{one["bytes_s"] / 1e9:.3g} GB/s.'
        for chip, one in record['limits'].items()
        if one
    ]
    return '\n'.join(lines)


def _cells(row: Mapping[str, Any]) -> list[str]:
    total, whole = row['total'], row.get('estimator', {})
    stages = [row['stages'].get(name, {}).get('p50') for name in ENGINE_STAGES]
    limit = row.get('limit_ms')
    return [
        row['backend'],
        str(row['batch']),
        *(_ms(total[name]) for name in ('p50', 'p95', 'p99')),
        f'{row["people_s"]:.0f}',
        *(_ms(one) for one in stages),
        *(_ms(whole.get(name)) for name in ('p50', 'p95')),
        _ms(limit),
        '' if limit is None else f'{limit / total["p50"]:.0%}',
    ]


def _ms(value: float | None) -> str:
    return '' if value is None else f'{value:.3f}'


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ['---'] * len(head), *rows]
    return '\n'.join('| ' + ' | '.join(line) + ' |' for line in lines)
