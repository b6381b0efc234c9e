"""Weights of exported models, read back into the networks they came from, to be trained on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
import onnx
import torch
from torch import nn, Tensor
from torch.nn import functional
from unihpe_ros.models.decoders import interpolation, SOURCES

Weights = dict[str, NDArray[np.float32]]

# In the exported file, the traced module is the root.
_ROOT = 'model.'
_BIAS = '.bias'
# The exporter's name for the bias of a convolution with a folded normalisation.
_FOLDED = '.weight_bias'


def read_weights(path: Path) -> Weights:
    """
    Read the weights of a file that `unihpe export` wrote, by their names in the network.

    Parameters
    ----------
    path : Path
        NAME.image.onnx, NAME.lifting.onnx or a detector's NAME.onnx.

    Returns
    -------
    dict[str, NDArray[np.float32]]
        Weights by name; of a convolution whose batch normalisation was folded into it, 'NAME.bias'
        is the folded bias, though the network's convolution has none.

    Raises
    ------
    ValueError
        If the file is no model of this package.

    """
    try:
        graph = onnx.load(path).graph
    except Exception as error:
        raise ValueError(f'{path}: expected an ONNX file ({error})') from error
    stored = {
        tensor.name.removesuffix('.half'): np.asarray(
            onnx.numpy_helper.to_array(tensor), np.float32
        )
        for tensor in graph.initializer
        if tensor.data_type in (onnx.TensorProto.FLOAT, onnx.TensorProto.FLOAT16)
    }
    # The names of a detector, which is traced as it is, have no module above them.
    weights = {name: value for name, value in stored.items() if _is_named(name)}
    for name, value in _products(graph, stored):
        weights[name] = value
    weights |= _sources(graph, stored)
    if not weights:
        raise ValueError(
            f'{path}: expected a model that `unihpe export` wrote; no weight is named'
        )
    return {
        name.removeprefix(_ROOT).replace(_FOLDED, _BIAS): value for name, value in weights.items()
    }


def _is_named(name: str) -> bool:
    """Return whether a name is a parameter's, and not one that the exporter gave to a constant."""
    return '.' in name


def _products(
    graph: onnx.GraphProto, stored: Mapping[str, NDArray[np.float32]]
) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Find the transposed weights of linear layers by the bias that is added to their product."""
    readers = {name: node for node in graph.node for name in node.input}
    for node in graph.node:
        if node.op_type == 'MatMul' and node.input[1] in stored:
            added = readers.get(node.output[0])
            for name in added.input if added is not None else ():
                if name.startswith(_ROOT) and name.endswith(_BIAS):
                    yield name.removesuffix(_BIAS) + '.weight', stored[node.input[1]].T


def _sources(graph: onnx.GraphProto, stored: Mapping[str, NDArray[np.float32]]) -> Weights:
    """Find the 3D decoder's vector of each source that is exported: those of image and 2D."""
    vectors = {n: value for n, value in stored.items() if n.startswith('select') and value.ndim}
    if not vectors:
        return {}
    readers = {name: node for node in graph.node for name in node.input}
    source = np.zeros((len(SOURCES), *next(iter(vectors.values())).shape), np.float32)
    for name, value in vectors.items():
        source[SOURCES.index(_read_by(graph, readers[name]))] = value
    # The others start where the one of 2D poses is; older files have one of fused poses.
    for name in ('3d', 'fused'):
        row = source[SOURCES.index(name)]
        row[:] = row if row.any() else source[SOURCES.index('2d')]
    return {f'{_ROOT}decoder.source': source}


def _read_by(graph: onnx.GraphProto, node: onnx.NodeProto) -> str:
    """Return which source's pose hangs on a node: its output is NAME_pose3d."""
    names = {'image_pose3d': 'image', 'lifted_pose3d': '2d', 'fused_pose3d': 'fused'}
    reached = set(node.output)
    for later in graph.node:
        if reached & set(later.input):
            reached |= set(later.output)
    return next(source for output, source in names.items() if output in reached)


def load_exported(model: nn.Module, files: Mapping[str, Path]) -> list[str]:
    """
    Give a network the weights of its exported branches; batch normalisations are left to unfold.

    Parameters
    ----------
    model : nn.Module
        The network. A head whose crop has another size is resampled along its positions.
    files : Mapping[str, Path]
        Exported files by branch.

    Returns
    -------
    list[str]
        Names of weights that no file has, which stay as they are.

    """
    weights: Weights = {}
    for path in files.values():
        weights |= read_weights(path)
    state = model.state_dict()
    for name, value in weights.items():
        if name in state:
            state[name] = _fitted(torch.from_numpy(value.copy()), state[name], name)
    # A folded convolution: the normalisation behind it gives the bias, and changes nothing else.
    folded = [n for n in weights if n.endswith('.0.bias') and n not in state]
    given = set(weights)
    for name in folded:
        norm = name.replace('.0.bias', '.1')
        bias = torch.from_numpy(weights[name].copy())
        eps = model.get_submodule(norm).eps
        state[f'{norm}.bias'] = bias
        state[f'{norm}.weight'] = torch.ones_like(bias)
        state[f'{norm}.running_mean'] = torch.zeros_like(bias)
        state[f'{norm}.running_var'] = torch.full_like(bias, 1 - eps)
        given |= {f'{norm}.{part}' for part in ('bias', 'weight', 'running_mean', 'running_var')}
    model.load_state_dict(state)
    return [n for n in state if n not in given and not n.endswith('num_batches_tracked')]


def differing(model: nn.Module, path: Path) -> list[str]:
    """
    Return the names of weights in which a network is not the one of an exported file.

    Parameters
    ----------
    model : nn.Module
        The network.
    path : Path
        The file; convolutions that took up the normalisation behind them are passed over.

    """
    state, stored = model.state_dict(), read_weights(path)
    folded = {name.removesuffix('bias') + 'weight' for name in set(stored) - set(state)}
    return [
        name
        for name, value in stored.items()
        if name in set(state) - folded
        and not _is_stored_as(state[name], torch.from_numpy(value.copy()))
    ]


def _is_stored_as(value: Tensor, stored: Tensor) -> bool:
    """Return whether a weight is the same but for the rounding to half precision."""
    return value.shape == stored.shape and torch.allclose(value, stored, rtol=1e-3, atol=1e-6)


def _fitted(value: Tensor, wanted: Tensor, name: str) -> Tensor:
    """Resample a head's weights to a crop of another size: by map cells, or by SimCC bins."""
    if value.shape == wanted.shape:
        return value
    if name.endswith('head.embed.weight'):
        cells = [_map_shape(matrix.shape[1]) for matrix in (value, wanted)]
        maps = value.unflatten(1, cells[0])[None]
        resized = functional.interpolate(maps, cells[1], mode='bilinear', align_corners=False)
        return resized[0].flatten(1) * (value.shape[1] / wanted.shape[1])
    if '.head.fine.to_' in name and value.ndim == 2:
        # A new layer interpolates: what was learned is the difference to that.
        learned = (value - interpolation(value.shape[1], len(value)).weight.detach())[None, None]
        resized = functional.interpolate(learned, tuple(wanted.shape), mode='bilinear')
        return wanted + resized[0, 0] * (value.shape[1] / wanted.shape[1])
    if any(f'.head.{part}.' in name for part in ('x', 'y', 'fine.to_x', 'fine.to_y')):
        columns = value.reshape(len(value), -1).T[None]
        resized = functional.interpolate(columns, len(wanted), mode='linear', align_corners=False)
        return resized[0].T.reshape(wanted.shape)
    raise ValueError(f'{name}: expected {tuple(wanted.shape)}, got {tuple(value.shape)}')


def _map_shape(cells: int) -> tuple[int, int]:
    """Return (h, w) of a feature map of a crop that is three quarters as wide as high."""
    width = round((cells * 0.75) ** 0.5)
    return cells // width, width


@torch.no_grad()
def fold_batch_norms(model: nn.Module) -> None:
    """
    Move the scales of batch normalisations into the convolutions before them, as an export does.

    The network computes the same on running statistics; its weights can then be averaged with
    those that `load_exported` reads.
    """
    for name, norm in model.named_modules():
        if type(norm) is nn.BatchNorm2d:
            convolution = model.get_submodule(name.removesuffix('1') + '0')
            mean, variance = norm.running_mean, norm.running_var
            assert mean is not None
            assert variance is not None
            scale = norm.weight / (variance + norm.eps).sqrt()
            convolution.weight *= scale[:, None, None, None]
            norm.bias -= mean * scale
            norm.weight.fill_(1)
            mean.zero_()
            variance.fill_(1 - norm.eps)


@torch.no_grad()
def unfold_batch_norms(model: nn.Module, batches: Iterator[Tensor]) -> None:
    """
    Turn folded batch normalisations into ones with the statistics of some crops.

    The network computes the same function as before on running statistics, and training goes on
    from it on batch statistics, with scales that fit them.

    Parameters
    ----------
    model : nn.Module
        The network, from `load_exported`; its normalisations are identities but for a bias.
    batches : Iterator[Tensor]
        Inputs ``(B, 3, H, W)`` of `model.encode_image` or of a detector.

    """
    norms = {
        name: module for name, module in model.named_modules() if type(module) is nn.BatchNorm2d
    }
    sums = {
        name: [torch.zeros(module.num_features, dtype=torch.float64)] * 2
        for name, module in norms.items()
    }
    count = dict.fromkeys(norms, 0)

    def note(name: str) -> object:
        def hook(_: nn.Module, inputs: tuple[Tensor, ...], __: Tensor) -> None:
            x = inputs[0].double().transpose(0, 1).flatten(1)
            first, second = sums[name]
            sums[name] = [first + x.sum(1), second + x.square().sum(1)]
            count[name] += x.shape[1]

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in norms.items()]
    was_training = model.training
    model.eval()
    for batch in batches:
        model.encode_image(batch) if hasattr(model, 'encode_image') else model(batch)
    for hook in hooks:
        hook.remove()
    model.train(was_training)
    for name, module in norms.items():
        if not count[name]:
            continue
        mean = sums[name][0] / count[name]
        variance = (sums[name][1] / count[name] - mean.square()).clamp_min(1e-8)
        deviation = (variance + module.eps).sqrt()
        # y = x + bias becomes (x - mean) / deviation * deviation + (mean + bias).
        module.bias += mean.to(module.bias)
        module.weight.copy_(deviation)
        module.running_mean.copy_(mean)
        module.running_var.copy_(variance)
