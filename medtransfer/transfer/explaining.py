"""A map for a network's answer, in the way that was asked for."""

from __future__ import annotations

from torch import Tensor, nn

from medtransfer.contract.explainers import Explainer
from medtransfer.inference.cam import gradcam
from medtransfer.inference.maps import Maps
from medtransfer.inference.rollout import rollout


def map_of(network: nn.Module, batch: Tensor, explainer: Explainer = "gradcam") -> Maps:
    """Return the map of a network's only answer for normalised pictures (n, 3, y, x), on whatever device it is.

    Raises
    ------
    PluginError
        When the network cannot be explained like that.
    """
    inputs = batch.to(next(network.parameters()).device)
    return rollout(network, inputs) if explainer == "rollout" else gradcam(network, inputs, [0])
