"""A segmentation network divided before its last layer.

Networks for segmentation end in a 1x1x1 convolution, which is linear: the weighted mean of its outputs over overlapping
tiles is its output for the weighted mean of its *inputs*. A network of 105 classes with 16 channels below them needs so
a sixth of the memory and of the traffic, computes its last layer once for each voxel instead of eight times, and the
answer is the same up to rounding.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.errors import PluginError


@dataclass(frozen=True, eq=False)
class Divided:
    """A network in two parts.

    Attributes
    ----------
    trunk
        Maps (n, C, z, y, x) to features (n, F, z, y, x). Shares its parameters with the network.
    weight
        float32 (classes, F).
    bias
        float32 (classes,).
    """

    trunk: nn.Module
    weight: NDArray[np.float32]
    bias: NDArray[np.float32]


def divide(network: nn.Module, example: Tensor) -> Divided:
    """Divide a network before its last 1x1x1 convolution; without one, all of it is trunk and the head is the identity.

    Parameters
    ----------
    network
        Maps (n, C, z, y, x) to logits (n, classes, z, y, x) in evaluation mode, into which it is put.
    example
        A small batch that the network accepts; it is run once.

    Raises
    ------
    PluginError
        When the network answers with anything but logits on the grid of its input.
    """
    network.eval()
    seen: dict[int, str] = {}
    hooks = [
        layer.register_forward_hook(lambda _layer, _inputs, output, name=name: seen.__setitem__(id(output), name))
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Conv3d) and _is_linear(layer)
    ]
    try:
        with torch.inference_mode():
            logits = network(example)
    finally:
        for hook in hooks:
            hook.remove()
    _require_logits(logits, example)
    name = seen.get(id(logits), "")
    if not name:
        classes = logits.shape[1]
        return Divided(network, np.eye(classes, dtype=np.float32), np.zeros(classes, dtype=np.float32))
    layer = network.get_submodule(name)
    assert isinstance(layer, nn.Conv3d)  # noqa: S101 (only such layers were hooked)
    weight = layer.weight.detach().flatten(1).float().cpu().numpy()
    bias = np.zeros(len(weight), np.float32) if layer.bias is None else layer.bias.detach().float().cpu().numpy()
    return Divided(_without(network, name), weight, bias)


def _is_linear(layer: nn.Conv3d) -> bool:
    """Whether the layer looks at one voxel at a time and at all channels."""
    return (
        set(layer.kernel_size) == {1} and set(layer.stride) == {1} and layer.groups == 1 and set(layer.padding) == {0}
    )


def _require_logits(logits: object, example: Tensor) -> None:
    fits = isinstance(logits, Tensor) and logits.ndim == 5 and logits.shape[2:] == example.shape[2:]
    if not fits:
        raise PluginError(
            "The network does not answer with one map for each class on the grid of its input.",
            code="segment.not-logits",
            hint="In evaluation mode, return only the output of full resolution, before any softmax.",
        )


def _without(network: nn.Module, name: str) -> nn.Module:
    """Return a twin of the network, with the same tensors, whose named layer hands on what it gets."""
    shared: dict[int, object] = {id(tensor): tensor for tensor in (*network.parameters(), *network.buffers())}
    twin = copy.deepcopy(network, shared)
    twin.set_submodule(name, nn.Identity())
    return twin
