"""The loss that networks for volumes learn with: cross-entropy and soft Dice at every resolution.

As nnU-Net trains (Isensee et al., Nature Methods 18, 2021), which STU-Net was trained with: Dice over the whole batch,
without the background, plus cross-entropy; weights halve from one resolution to the next coarser one. Structures that a
batch does not show are left out of its Dice: a small patch shows few of a hundred, and the rest would drown them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

SMOOTHING = 1.0  # voxels; a structure that fills a handful of them must not make the gradient jump


def level_weights(levels: int) -> list[float]:
    """Return the weights of the outputs, the finest first: each half of the one before, the coarsest 0, together 1.

    Five outputs get 8/15, 4/15, 2/15, 1/15 and 0; a single output gets 1.
    """
    halves = [0.5**level for level in range(max(levels - 1, 1))]
    return [half / sum(halves) for half in halves] + [0.0] * (levels - len(halves))


def deep_supervision(answers: Sequence[Tensor], classes: Tensor) -> Tensor:
    """Return cross-entropy plus one minus the mean soft Dice of the structures in the batch, over the resolutions.

    Parameters
    ----------
    answers
        Logits (n, classes, z, y, x), finest first, in any precision; each grid is that of ``classes`` or a coarser one.
    classes
        int64 (n, z, y, x) on the finest grid; coarser grids take the nearest voxel.

    Returns
    -------
    Tensor
        Scalar in float32, 0 for a perfect answer.
    """
    total = torch.zeros((), device=classes.device)
    for weight, logits in zip(level_weights(len(answers)), answers, strict=True):
        if weight > 0:
            wanted = functional.interpolate(classes[:, None].float(), logits.shape[2:], mode="nearest")[:, 0].long()
            total = total + weight * _dice_and_cross_entropy(logits.float(), wanted)
    return total


def _dice_and_cross_entropy(logits: Tensor, wanted: Tensor) -> Tensor:
    logs = logits.log_softmax(dim=1)
    truth = functional.one_hot(wanted, logits.shape[1]).movedim(-1, 1).to(logs.dtype)
    likely = logs.exp()
    axes = (0, 2, 3, 4)
    together = (likely * truth).sum(axes)
    sizes, found = truth.sum(axes), likely.sum(axes)
    dice = (2 * together + SMOOTHING) / (sizes + found + SMOOTHING)
    present = sizes > 0
    present[0] = False
    missed = 1 - dice[present].mean() if bool(present.any()) else logs.sum() * 0
    return functional.nll_loss(logs, wanted) + missed
