"""What is settled before the first step of a training on volumes: the plan, and how many patches fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import EnvironmentFailure
from medtransfer.transfer import volume_memory
from medtransfer.transfer.volume_planning import SMALLEST_SIDE, CaseFacts, Kept, plan_for

_SHORTER = 0.8
"""Each smaller patch has half the voxels of the one before."""

Build = Callable[[VolumePlan], nn.Module]


@dataclass(frozen=True)
class Settled:
    """The plan and the batch of a training, and in sentences what differs from the recipe for want of memory."""

    plan: VolumePlan
    batch: int
    notes: tuple[str, ...]


def settle(
    cases: Sequence[CaseFacts],
    recipe: Recipe,
    kept: Kept | None,
    build: Build,
    available: int,
    *,
    ct: bool,
    further_ct: Sequence[bool] = (),
) -> Settled:
    """Plan a training that fits into memory: with a smaller batch where needed, and then with smaller patches.

    Parameters
    ----------
    cases
        The training cases.
    recipe
        How to train.
    kept
        What the weights to start from demand, None for random ones.
    build
        Makes the network of a plan.
    available
        Bytes of memory.
    ct, further_ct
        Whether values are Hounsfield units, of a case's volume and of each further one.

    Raises
    ------
    EnvironmentFailure
        ``training.memory`` when not even one small patch fits.
    """
    side, least = recipe.patch_side, 0
    while side >= SMALLEST_SIDE:
        plan = plan_for(cases, voxels=side**3, spacing=recipe.spacing, ct=ct, kept=kept, further_ct=further_ct)
        batch = recipe.batch_size
        while batch >= 1:
            with torch.device("meta"):
                network = build(plan)
            least = volume_memory.needed(network, batch, plan.patch, len(plan.scales))
            if least <= available:
                return Settled(plan, batch, tuple(_notes(recipe, side, batch, plan)))
            batch //= 2
        side = int(side * _SHORTER)
    raise EnvironmentFailure(
        f"training needs {least / 1e9:.1f} GB of memory even with the smallest patch, and {available / 1e9:.1f} GB are"
        " free",
        code="training.memory",
        hint="Close other programs, choose a smaller network (`--set backbone=...`), or train on another machine.",
    )


def _notes(recipe: Recipe, side: int, batch: int, plan: VolumePlan) -> list[str]:
    notes = []
    if side < recipe.patch_side:
        patch = " x ".join(map(str, plan.patch))
        notes.append(f"Trained on smaller patches than the recipe asks for, {patch} voxels: memory was short.")
    if batch < recipe.batch_size:
        notes.append(f"Trained with {batch} in place of {recipe.batch_size} patches at a time: memory was short.")
    return notes
