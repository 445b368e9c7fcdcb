"""Whether a model's maps depend on what it learned: cascading randomisation of the weights.

Adebayo et al., "Sanity Checks for Saliency Maps", NeurIPS 2018 (https://arxiv.org/abs/1810.03292): re-initialise the
network from its last layer downwards. Maps that stay alike show the image's edges, not the network's knowledge.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer.inference.cam import gradcam
from medtransfer.inference.layers import layer_name, target_layer
from medtransfer.result.model import Record

_SHARES = (0.0, 0.25, 0.5, 1.0)
"""Shares of the layers with weights that are re-initialised, from the last one; 0 means the last layer alone."""


class WeightRandomisation(Record):
    """How alike a model's maps stay when its weights are replaced by random ones.

    ``similarity[i]`` is the mean Spearman rank correlation between the maps of the model and those after
    re-initialising the last ``layers[i]`` layers, in [-1, 1]; a map without contrast counts as 0. Maps that depend
    on what was learned fall towards 0; values that stay near 1 mean that the maps cannot be trusted.
    """

    layers: tuple[int, ...]
    similarity: tuple[float, ...]
    explained: str


def weight_randomisation(
    network: nn.Module, inputs: Tensor, targets: Sequence[int], *, layer: nn.Module | None = None, seed: int = 0
) -> WeightRandomisation:
    """Compare a network's Grad-CAM maps with those of the same network forgetting what it learned, step by step.

    Layers are re-initialised by their own ``reset_parameters``, as torch's layers have it; parameters that belong
    to no such layer (a class token, a position embedding) stay.

    Parameters
    ----------
    network
        As for :func:`medtransfer.inference.gradcam`; a copy is changed, the network is not.
    inputs
        float32, (N, C, *spatial): a few typical images.
    targets
        Positions in the logits.
    layer
        The layer to explain; None chooses it.
    seed
        Seeds the random weights; torch's generators are left as they were.
    """
    explained = layer_name(network, target_layer(network) if layer is None else layer)
    reference = gradcam(network, inputs, targets, network.get_submodule(explained)).raw
    forgetful = copy.deepcopy(network)
    resets = [reset for module in forgetful.modules() if callable(reset := getattr(module, "reset_parameters", None))]
    resets.reverse()
    counts = sorted({max(1, round(share * len(resets))) for share in _SHARES})
    similarity = []
    devices = [inputs.device] if inputs.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        for start, stop in zip([0, *counts], counts, strict=False):
            for reset in resets[start:stop]:
                reset()
            changed = gradcam(forgetful, inputs, targets, forgetful.get_submodule(explained)).raw
            similarity.append(_mean_rank_correlation(reference, changed))
    return WeightRandomisation(layers=tuple(counts), similarity=tuple(similarity), explained=explained)


def _mean_rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    maps, count = first.shape[0] * first.shape[1], first[0, 0].size
    pairs = zip(first.reshape(maps, count), second.reshape(maps, count), strict=True)
    return float(np.mean([_rank_correlation(one, other) for one, other in pairs]))


def _rank_correlation(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Spearman's rank correlation, ties sharing their mean rank; 0 when either is constant."""
    if np.ptp(first) == 0 or np.ptp(second) == 0:
        return 0.0
    return float(np.corrcoef(_mean_ranks(first), _mean_ranks(second))[0, 1])


def _mean_ranks(values: NDArray[np.float32]) -> NDArray[np.float64]:
    _, positions, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[positions])
