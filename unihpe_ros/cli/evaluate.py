"""Score a model on held-out data: a checkpoint, or the exported branches a robot runs."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from unihpe_ros.engines import Engine
    from unihpe_ros.training.evaluate import Predictor


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Declare the command."""
    parser = subparsers.add_parser('evaluate', help='score a model on held-out data')
    parser.add_argument('model', help='checkpoint.pt, an .onnx pair by either file, or a name')
    parser.add_argument('--images', type=Path, help='data set written by `unihpe render`')
    parser.add_argument('--poses', type=Path, help='pose bank of `unihpe render --poses-only`')
    parser.add_argument('--limit', type=int, default=3000, help='records or poses to use')
    parser.add_argument('--out', type=Path, help='JSON file for the scores')


def run(args: argparse.Namespace) -> int:
    """Print the scores, and write them if asked to."""
    from unihpe_ros.training.config import ConfigError
    from unihpe_ros.training.evaluate import image_metrics, lifting_metrics, table

    if args.images is None and args.poses is None:
        raise ConfigError('evaluate: expected --images, --poses or both')
    predictor = _load(args.model)
    scores: dict[str, float] = {}
    if args.poses is not None:
        from unihpe_ros.datasets.poses import load_pose_bank

        scores |= lifting_metrics(predictor, load_pose_bank(args.poses), limit=args.limit)
    if args.images is not None:
        from unihpe_ros.datasets.synthetic import SyntheticShards

        scores |= image_metrics(predictor, SyntheticShards(args.images), limit=args.limit)
    print(table(scores))
    if args.out is not None:
        partial = args.out.with_name(f'{args.out.name}.partial')
        partial.write_text(json.dumps(scores, indent=1) + '\n', encoding='utf-8')
        partial.replace(args.out)
    print(f'scored {args.model}: {len(scores)} figures{f" in {args.out}" if args.out else ""}')
    return 0


def _load(model: str) -> Predictor:
    if model.endswith('.pt'):
        from unihpe_ros.models.unihpe import UniHPE
        from unihpe_ros.training.evaluate import TorchPredictor
        from unihpe_ros.training.run import load_checkpoint

        state = load_checkpoint(Path(model))
        network = UniHPE(state['preset'])
        network.load_state_dict(state['ema'])
        return TorchPredictor(network)
    from unihpe_ros.engines.pair import load_pair

    return EnginePredictor(*load_pair(model))


class EnginePredictor:
    """
    Exported branches, run by the engines that the node uses.

    Parameters
    ----------
    image, lifting : Engine
        The two branches.

    """

    def __init__(self, image: Engine, lifting: Engine) -> None:
        self.image, self.lifting = image, lifting
        self.size = image.spec.input_size
        self.simcc_ratio = image.spec.simcc_ratio
        self.width = lifting.inputs['image_feature'][-1] or 0

    def encode_image(self, images: NDArray[np.float32]) -> Mapping[str, NDArray[np.float32]]:
        """Run the image branch on ``(B, 3, H, W)`` normalised crops."""
        answer = self.image.infer({'image': images})
        return {name: value.copy() for name, value in answer.items()}

    def lift(
        self, keypoints: NDArray[np.float32], feature: NDArray[np.float32]
    ) -> Mapping[str, NDArray[np.float32]]:
        """Run the lifting branch."""
        answer = self.lifting.infer({'keypoints': keypoints, 'image_feature': feature})
        return {name: value.copy() for name, value in answer.items()}
