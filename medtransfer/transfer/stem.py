"""Weights of a network that takes one volume, for one that takes several.

STU-Net's authors repeat the first layer's weights for each channel (``repeat``). Its shortcut has no normalisation, so
that similar channels then add up; divided by their number (``repeat/n``) equal channels give what one gave.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor, nn

from medtransfer.contract.recipe import Stem
from medtransfer.contract.weights import ShapePair


def repeated(
    tensors: Mapping[str, Tensor], network: nn.Module, stem: Stem
) -> tuple[dict[str, Tensor], list[ShapePair]]:
    """Return tensors that fit the network's input channels, and which were repeated.

    Parameters
    ----------
    tensors
        Weights by the network's names.
    network
        The network to fill; its convolutions have weights ``(out, in, z, y, x)``.
    stem
        Whether repeated weights are divided by their number.
    """
    fitted, pairs = dict(tensors), []
    for name, own in network.state_dict().items():
        there = tensors.get(name)
        if there is None or not _by_channels(there, own):
            continue
        fitted[name] = there.expand(own.shape) / (own.shape[1] if stem == "repeat/n" else 1)
        pairs.append(ShapePair(name=name, file_shape=tuple(there.shape), network_shape=tuple(own.shape)))
    return fitted, pairs


def _by_channels(there: Tensor, own: Tensor) -> bool:
    """Whether two convolutions differ in nothing but that one reads a single channel and the other several."""
    return there.ndim == own.ndim == 5 and there.shape[1] == 1 < own.shape[1] and there[:, 0].shape == own[:, 0].shape
