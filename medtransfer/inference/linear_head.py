"""A segmentation network divided before its last layer.

Networks for segmentation end in a 1x1x1 convolution, which is linear: the weighted mean of its outputs over overlapping
tiles is its output for the weighted mean of its *inputs*. A network of 105 classes with 16 channels below them needs so
a sixth of the memory and of the traffic, computes its last layer once for each voxel instead of eight times, and the
answer is the same up to rounding.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
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


def divide(network: nn.Module, shape: Sequence[int]) -> Divided:
    """Divide a network before its last 1x1x1 convolution; without one, all of it is trunk and the head is the identity.

    Parameters
    ----------
    network
        Maps (n, C, z, y, x) to logits (n, classes, z, y, x) in evaluation mode, into which it is put.
    shape
        ``(n, C, z, y, x)`` of a batch that the network accepts; nothing is computed with it.

    Raises
    ------
    PluginError
        When the network answers with anything but logits on the grid of its input.
    """
    network.eval()
    logits, answers = _followed(network, shape)
    _require_logits(logits, shape)
    name = next((name for name, output in answers.items() if output is logits), None)
    if name is None:
        classes = logits.shape[1]
        return Divided(network, np.eye(classes, dtype=np.float32), np.zeros(classes, dtype=np.float32))
    trunk = _twin(network, lambda tensor: tensor)
    trunk.set_submodule(name, nn.Identity())
    weight, bias = network.get_parameter(f"{name}.weight"), getattr(network.get_submodule(name), "bias", None)
    return Divided(
        trunk,
        weight.detach().flatten(1).float().cpu().numpy(),
        np.zeros(len(weight), np.float32) if bias is None else bias.detach().float().cpu().numpy(),
    )


def _followed(network: nn.Module, shape: Sequence[int]) -> tuple[Tensor, dict[str, Tensor]]:
    """Run a twin of shapes without values; return its answer and, by name, those of its linear layers."""
    twin, answers = _twin(network, lambda tensor: tensor.to("meta")), {}
    for name, layer in twin.named_modules():
        if isinstance(layer, nn.Conv3d) and _is_linear(layer):
            layer.register_forward_hook(lambda _layer, _inputs, output, name=name: answers.update({name: output}))
    with torch.inference_mode():
        return twin(torch.empty(*shape, device="meta")), answers


def _twin(network: nn.Module, change: Callable[[Tensor], Tensor]) -> nn.Module:
    """Return a copy of the network's modules whose tensors are what ``change`` makes of the network's."""
    parameters = {id(value): nn.Parameter(change(value), requires_grad=False) for value in network.parameters()}
    return copy.deepcopy(network, parameters | {id(value): change(value) for value in network.buffers()})


def _is_linear(layer: nn.Conv3d) -> bool:
    """Whether the layer looks at one voxel at a time and at all channels."""
    return (
        set(layer.kernel_size) == {1} and set(layer.stride) == {1} and layer.groups == 1 and set(layer.padding) == {0}
    )


def _require_logits(logits: object, shape: Sequence[int]) -> None:
    fits = isinstance(logits, Tensor) and logits.ndim == 5 and logits.shape[2:] == tuple(shape[2:])
    if not fits:
        raise PluginError(
            "The network does not answer with one map for each class on the grid of its input.",
            code="segment.not-logits",
            hint="In evaluation mode, return only the output of full resolution, before any softmax.",
        )
