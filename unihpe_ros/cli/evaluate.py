"""`unihpe evaluate`: figures of a checkpoint or of exported branches on held-out data."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from unihpe_ros.cli.values import check_folder

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from unihpe_ros.core.geometry import Array
    from unihpe_ros.datasets.records import Records
    from unihpe_ros.evaluation.keypoint_report import ImageKeypoints
    from unihpe_ros.evaluation.predictions import Predictions
    from unihpe_ros.evaluation.predictor import Predictor
    from unihpe_ros.evaluation.protocols import EvaluationProtocol
    from unihpe_ros.evaluation.tables import EvaluationReport

# Writers of PNG files, by what they show.
PictureWriters = dict[str, Callable[[Path], object]]

# People on the sheet of the worst.
_WORST = 48
# The keys of PROTOCOLS and DATASET_KINDS, repeated here so that `--help` needs no torch; a test
# compares them.
_IN_3D = ('synthetic', 'h36m-p1', 'h36m-p2', '3dpw', '3dhp')
_OTHERS = ('coco', 'photos', 'retrieval', 'poses', 'detection')
_KINDS = ('synthetic', 'human36m', 'pw3d', 'mpi_inf_3dhp', 'coco', 'photos')


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('evaluate', help='score a model on held-out data')
    parser.add_argument(
        'model',
        help='checkpoint.pt, an .onnx file of a model, or the name of one that ships: unihpe_rt',
    )
    parser.add_argument(
        '--data',
        type=Path,
        required=True,
        help='folder of the data set; for poses the bank of `unihpe render --poses-only`, for '
        'detection a set of `unihpe render --scenes`, for photos one of `unihpe photos import`',
    )
    parser.add_argument(
        '--protocol',
        choices=(*_IN_3D, *_OTHERS),
        default='synthetic',
        help='what to measure, on which data set (default: synthetic, a set of `unihpe render`)',
    )
    parser.add_argument(
        '--kind',
        choices=_KINDS,
        default='synthetic',
        help='data set of the retrieval protocol, or photos for detection (default: synthetic)',
    )
    parser.add_argument(
        '--precision',
        choices=('fp32', 'int8', 'both'),
        default='fp32',
        help='int8 evaluates the copies that unihpe quantise made, both prints both and how far '
        'they are apart (default: fp32)',
    )
    parser.add_argument(
        '--backend',
        default='auto',
        help='engine that runs an exported model, as for the node (default: auto)',
    )
    parser.add_argument('--limit', type=int, help='records to use, evenly spread (default: all)')
    parser.add_argument(
        '--model-2d',
        type=Path,
        action='append',
        default=[],
        metavar='ONNX',
        help='2D network of another maker, measured beside the model on coco and photos; may be '
        'given several times (default: none)',
    )
    parser.add_argument(
        '--out',
        type=Path,
        default=Path('evaluation'),
        help='folder for the tables as Markdown and JSON, and the pictures (default: evaluation)',
    )


def run(args: argparse.Namespace) -> int:
    """Print the tables, and write them."""
    from unihpe_ros.core.files import replacing
    from unihpe_ros.evaluation.tables import difference
    from unihpe_ros.training.config import ConfigError

    if args.limit is not None and args.limit < 1:
        raise ConfigError(f'--limit: expected at least 1; got {args.limit}')
    if args.precision != 'fp32' and args.model.endswith('.pt'):
        raise ConfigError(
            f'--precision {args.precision}: expected an exported model, of which there is an int8 '
            f'copy; got {args.model}'
        )
    check_folder(args.out)
    paths: list[Path] = []
    fp32: EvaluationReport | None = None
    for precision in ('fp32', 'int8') if args.precision == 'both' else (args.precision,):
        report, pictures = _score(argparse.Namespace(**{**vars(args), 'precision': precision}))
        print(report.markdown())
        named = f'{args.protocol}-int8' if fp32 else args.protocol
        paths += report.write(args.out, named)
        for name, write in pictures.items():
            paths.append(args.out / f'{named}-{name}.png')
            with replacing(paths[-1]) as partial:
                write(partial)
        if fp32:
            print(difference(report.tables[0], fp32.tables[0], 'int8 less fp32').markdown())
        fp32 = report
    print(f'scored {args.model} by {args.protocol}: {", ".join(map(str, paths))}')
    return 0


def _score(args: argparse.Namespace) -> tuple[EvaluationReport, PictureWriters]:
    if args.protocol == 'detection':
        return _detection(args), {}
    with _load(args.model, args.backend, args.precision) as predictor:
        if args.protocol == 'poses':
            return _poses(predictor, args), {}
        if args.protocol == 'retrieval':
            return _retrieval(predictor, args), {}
        return _images(predictor, args)


def _images(
    predictor: Predictor, args: argparse.Namespace
) -> tuple[EvaluationReport, PictureWriters]:
    from unihpe_ros.datasets.catalogue import open_records
    from unihpe_ros.evaluation.keypoint_report import coco_report, photo_report
    from unihpe_ros.evaluation.predictions import predict_records
    from unihpe_ros.evaluation.protocols import pose_report, protocol_of, PROTOCOLS
    from unihpe_ros.training.config import ConfigError

    in_2d = ('coco', 'photos')
    if args.model_2d and args.protocol not in in_2d:
        raise ConfigError(
            f'--model-2d: expected protocol {" or ".join(in_2d)}; got {args.protocol}'
        )
    kind = args.protocol if args.protocol in in_2d else PROTOCOLS[args.protocol].kind
    records = open_records(kind, args.data, 'test')
    if args.protocol == 'coco' and not records.has_images:
        raise ConfigError(f'{args.data}: expected the pictures of COCO; only labels are there')
    predicted = predict_records(predictor, records, limit=args.limit)
    if args.protocol in in_2d:
        peers = _peers(args.model_2d, args.backend, records, args.limit)
        write = coco_report if args.protocol == 'coco' else photo_report
        return write(predicted, peers), _keypoint_pictures(records, predicted)
    protocol = protocol_of(args.protocol, records)
    report = pose_report(protocol, predicted)
    return (report, {}) if not records.has_images else _add_agreement(report, protocol, predicted)


def _peers(
    files: Sequence[Path], backend: str, records: Records, limit: int | None
) -> Mapping[str, ImageKeypoints]:
    """Return the keypoints of other makers' 2D networks for the same boxes, by network."""
    from unihpe_ros.evaluation.peers import find_keypoints
    from unihpe_ros.networks_2d.networks import open_network
    from unihpe_ros.networks_2d.one_person import OnePerson

    peers = {}
    for file in files:
        network = open_network(file, backend=backend, max_people=1)
        with closing(network.graph):
            peers[file.stem] = find_keypoints(OnePerson(network), records, limit=limit)
    return peers


def _add_agreement(
    report: EvaluationReport, protocol: EvaluationProtocol, predicted: Predictions
) -> tuple[EvaluationReport, PictureWriters]:
    """Add the errors of poses by the agreement of their embeddings, and their plot."""
    from dataclasses import replace
    from functools import partial

    from unihpe_ros.evaluation.retrieval import agreement_table, DECILES, has_3d_truth

    known = int(has_3d_truth(predicted, protocol.keypoints).sum())
    if known < DECILES:
        note = f'what agreement warns of is left out: of {known} people there are no tenths'
        return replace(report, notes=[*report.notes, note]), {}
    aligned = protocol.headline.startswith('PA-')
    table, deciles = agreement_table(predicted, protocol.keypoints, aligned)
    report = replace(report, tables=[*report.tables, table])
    return report, {'agreement': partial(_plot_agreement, deciles)}


def _retrieval(predictor: Predictor, args: argparse.Namespace) -> EvaluationReport:
    from unihpe_ros.datasets.catalogue import open_records
    from unihpe_ros.evaluation.predictions import predict_records
    from unihpe_ros.evaluation.retrieval import Embedder, retrieval_report
    from unihpe_ros.training.config import ConfigError

    records = open_records(args.kind, args.data, 'test')
    predicted = predict_records(predictor, records, limit=args.limit)
    embedder = predictor if isinstance(predictor, Embedder) else None
    if embedder is None and 'image' not in predicted.embeddings:
        raise ConfigError(
            f'{args.model}: retrieval needs a checkpoint.pt, or pictures: what is exported has no '
            '3D encoder'
        )
    return retrieval_report(predicted, embedder)


def _poses(predictor: Predictor, args: argparse.Namespace) -> EvaluationReport:
    from unihpe_ros.datasets.poses import load_pose_bank
    from unihpe_ros.evaluation.model_metrics import lifting_metrics
    from unihpe_ros.evaluation.tables import EvaluationReport, Table

    bank = load_pose_bank(args.data)
    count = min(args.limit or len(bank), len(bank))
    scores = lifting_metrics(predictor, bank, limit=count)
    names = dict.fromkeys(name.removesuffix('_mpjpe_mm').removesuffix('_pa') for name in scores)
    missing = float('nan')
    rows = {
        name: [scores.get(f'{name}_{key}', missing) for key in ('mpjpe_mm', 'pa_mpjpe_mm')]
        for name in names
    }
    table = Table('Lifting', ['MPJPE [mm]', 'PA-MPJPE [mm]'], rows)
    notes = ['17 joints of Human3.6M; cameras drawn at random', f'{count} poses']
    return EvaluationReport('Lifting of a pose bank', notes, [table])


def _detection(args: argparse.Namespace) -> EvaluationReport:
    from unihpe_ros.datasets.photos import PhotoScenes
    from unihpe_ros.datasets.scenes import SceneShards
    from unihpe_ros.evaluation.detection_report import detect_scenes, detection_report

    photographs = args.kind == 'photos'
    scenes = PhotoScenes(args.data, every_picture=True) if photographs else SceneShards(args.data)
    if not args.model.endswith('.pt'):
        from unihpe_ros.detector import PersonDetector

        loaded = PersonDetector(args.model, backend=args.backend, precision=args.precision)
        with closing(loaded) as detector:
            return detection_report(detect_scenes(detector, scenes, limit=args.limit))
    from unihpe_ros.training.detection.detector_run import load_detector, TorchDetector

    predicted = detect_scenes(
        TorchDetector(load_detector(Path(args.model))), scenes, limit=args.limit
    )
    return detection_report(predicted)


def _keypoint_pictures(records: Records, predicted: Predictions) -> PictureWriters:
    """Return the plot of the scores' reliability and the sheet of the worst people."""
    from unihpe_ros.evaluation.keypoint_report import photo_reliability, worst_people

    worst = worst_people(predicted, _WORST)

    def sheet(path: Path) -> None:
        import cv2
        from unihpe_ros.evaluation.people_sheet import people_sheet

        labels = (predicted.truth_2d, predicted.keypoints, predicted.scores)
        picture = people_sheet(
            records, predicted.rows[worst].tolist(), *(values[worst] for values in labels)
        )
        path.write_bytes(cv2.imencode('.png', picture)[1].tobytes())

    def plot(path: Path) -> None:
        figure, axes = _figure()
        found = photo_reliability(predicted)
        axes.plot([0, 1], [0, 1], color='grey', linewidth=1)
        axes.plot(found.scores, found.right, marker='o')
        axes.set(xlabel='score of a keypoint', ylabel='share right within 0.2 torso')
        figure.savefig(path, dpi=120, format='png')

    return {'reliability': plot, f'worst-{len(worst)}': sheet}


def _plot_agreement(deciles: Mapping[str, Array], path: Path) -> None:
    """Draw the error of each tenth of the records, from least agreement to most."""
    figure, axes = _figure()
    agreement = deciles['agreement']
    for name, errors in deciles.items():
        if name != 'agreement':
            axes.plot(agreement, errors, marker='o', label=name)
    axes.set(xlabel='agreement of image and 2D', ylabel='mean error [mm]', ylim=(0, None))
    axes.legend()
    figure.savefig(path, dpi=120, format='png')


def _figure() -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure

    figure = Figure(figsize=(6, 4), layout='constrained')
    return figure, figure.add_subplot()


@contextmanager
def _load(model: str, backend: str, precision: str) -> Iterator[Predictor]:
    """Open a model to evaluate; closed at the end of the block."""
    if model.endswith('.pt'):
        from unihpe_ros.evaluation.predictor import TorchPredictor
        from unihpe_ros.training.checkpoint import load_network

        yield TorchPredictor(*load_network(Path(model)))
        return
    from unihpe_ros.cli.evaluate_engines import EnginePredictor, MOST_PEOPLE
    from unihpe_ros.engines.model_files import load_pair

    image, lifting = load_pair(model, backend=backend, max_people=MOST_PEOPLE, precision=precision)
    with closing(image), closing(lifting):
        yield EnginePredictor(image, lifting)
