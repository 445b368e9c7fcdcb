"""The networks of a trio while it learns: each tuned to a label, or shared by all labels but for a last layer."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.transfer import bundles, fit
from medtransfer.transfer.blocks import Split
from medtransfer.transfer.division import start_from
from medtransfer.transfer.prepared import Inputs
from medtransfer.transfer.probe import Probe

Features = Mapping[str, NDArray[np.float32]]
"""What a network's last layer reads of each case, (d,), by case key."""


def rows_of(features: Features, keys: Sequence[str]) -> NDArray[np.float32]:
    """Return the features of these cases, (n, d)."""
    return np.stack([features[key] for key in keys])


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features as the inputs of a last layer: those of the pictures as they are, whatever the view."""

    features: Features

    def batch(self, keys: Sequence[str], view: int) -> Tensor:  # noqa: ARG002 - as Inputs has it
        """Return the features of these cases, float32 (n, d)."""
        return torch.from_numpy(rows_of(self.features, keys))


@dataclass(frozen=True, eq=False)
class Network:
    """A network of one label, with the part of it that reads the cached inputs."""

    network: nn.Module
    split: Split
    inputs: Inputs
    device: torch.device

    def logits(self, keys: Sequence[str]) -> NDArray[np.float64]:
        """Return the logits of these cases, (n,)."""
        return fit.predict(self.split.upper, self.inputs, keys, self.device)

    def kept(self, fresh: Callable[[], Network]) -> tuple[Network, Network]:  # noqa: ARG002 - as LastLayer has it
        """Round the weights to what is stored, and return the network twice: what answers, and what is stored."""
        bundles.rounded(self.network)
        return self, self


@dataclass(frozen=True, eq=False)
class LastLayer:
    """A last layer on features that other labels read as well."""

    features: Features
    probe: Probe

    def logits(self, keys: Sequence[str]) -> NDArray[np.float64]:
        """Return the logits of these cases, (n,)."""
        return self.probe.logits(rows_of(self.features, keys))

    def kept(self, fresh: Callable[[], Network]) -> tuple[LastLayer, Network]:
        """Return what answers, with weights as they are stored, and the whole network that is stored.

        Parameters
        ----------
        fresh
            Makes the network whose last layer this is.
        """
        part = fresh()
        weight = bundles.halved(torch.from_numpy(self.probe.weight)).double()
        start_from(part.network, weight, self.probe.bias)
        return replace(self, probe=replace(self.probe, weight=weight.numpy())), part


def filled(network: nn.Module, tensors: Mapping[str, Tensor]) -> None:
    """Fill some of a network's parameters, in place."""
    with torch.no_grad():
        for name, value in tensors.items():
            network.get_parameter(name).copy_(value.float())


def unlike(network: nn.Module, shared: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a network's tensors as they are stored, without those that are the same in ``shared``."""
    tensors = bundles.stored(dict((*network.named_parameters(), *network.named_buffers())))
    return {name: value for name, value in tensors.items() if name not in shared or not _same(value, shared[name])}


def _same(one: Tensor, other: Tensor) -> bool:
    return one.dtype == other.dtype and torch.equal(one, other)
