"""Which part of a network learns under a recipe, and how the two parts are kept apart on disk and in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, cast

import torch
from torch import Tensor, nn

from medtransfer.contract.recipe import Recipe
from medtransfer.transfer import backbones
from medtransfer.transfer.blocks import Split


class _PooledFeatures(nn.Module):
    """Everything of a network but its last layer: pictures to the features (n, d) that the last layer reads."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self._network = (network,)
        self.body = nn.ModuleList(module for module in network.children() if module is not last_layer(network))
        for name, parameter in network.named_parameters(recurse=False):
            self.register_parameter(name, parameter)  # class tokens and position embeddings lie in no child

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised pictures (n, 3, y, x) to features (n, d)."""
        return pre_logits(self._network[0], x)


def pre_logits(network: nn.Module, x: Tensor) -> Tensor:
    """Return the features (n, d) that a timm network's last layer reads."""
    timm_network = cast("Any", network)
    features: Tensor = timm_network.forward_head(timm_network.forward_features(x), pre_logits=True)
    return features


def familiar_features(network: nn.Module, inputs: Tensor, recipe: Recipe) -> Tensor:
    """Return the features (n, d) by which pictures are recognised as like those of the training.

    Parameters
    ----------
    network
        The first label's.
    inputs
        What the part that learns reads under the recipe: cached features or maps, or pictures.
    """
    if recipe.tune == "all":
        return pre_logits(network, inputs)
    if inputs.ndim == 2:
        return inputs
    return inputs.mean(dim=(2, 3)) if inputs.ndim == 4 else inputs.mean(dim=1)


def last_layer(network: nn.Module) -> nn.Linear:
    """Return a timm network's last layer."""
    layer: nn.Linear = cast("Any", network).get_classifier()
    return layer


def shared_share(recipe: Recipe) -> float:
    """Return the share of the blocks that all labels of a bundle have in common."""
    return {"head": 1.0, "last-stages": recipe.frozen_share, "all": 0.0}[recipe.tune]


def divide(network: nn.Module, recipe: Recipe) -> Split:
    """Divide a network into what stays frozen and what learns, and freeze the former.

    For ``tune = "head"`` the lower part goes up to the features that the last layer reads, so that these, and not the
    much larger maps, are cached.
    """
    backbones.freeze(network)
    if recipe.tune == "head":
        layer = last_layer(network)
        split = Split(_PooledFeatures(network), nn.Sequential(nn.Dropout(recipe.dropout), layer))
    else:
        split = backbones.split_at(network, shared_share(recipe))
    split.upper.requires_grad_(requires_grad=True)
    return split


def separated(network: nn.Module, upper: nn.Module) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Return the network's tensors under its own names: those outside of ``upper`` (the trunk), and those inside."""
    inside = {id(value) for value in (*upper.parameters(), *upper.buffers())}
    own = dict((*network.named_parameters(), *network.named_buffers()))
    trunk = {name: value for name, value in own.items() if id(value) not in inside}
    label = {name: value for name, value in own.items() if id(value) in inside}
    return trunk, label


def address(tensors: Mapping[str, Tensor]) -> str:
    """Return the SHA-256 of tensors with their names: what tells one frozen part from another."""
    digest = hashlib.sha256()
    for name, value in sorted(tensors.items()):
        digest.update(f"{name} {tuple(value.shape)} {value.dtype}\n".encode())
        digest.update(value.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def start_from(network: nn.Module, weight: Tensor, bias: float) -> None:
    """Set the last layer of a network with one output."""
    layer = last_layer(network)
    with torch.no_grad():
        layer.weight.copy_(weight.view(1, -1).to(layer.weight))
        layer.bias.fill_(bias)
