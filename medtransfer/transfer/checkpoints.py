"""What every training shares: checkpoints that are complete or not there, and a loss that must stay a number."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from medtransfer.errors import PluginError


def write(state: Mapping[str, Any], checkpoint: Path) -> None:
    """Write a checkpoint beside its place, then put it there: a kill leaves the one before."""
    partial = checkpoint.with_name(f"{checkpoint.name}.partial")
    torch.save(state, partial)
    partial.replace(checkpoint)


def require_finite(loss: float, setting: str = "learning_rate") -> float:
    """Return the mean loss of an epoch; ``setting`` is what a person makes smaller where it is none.

    Raises
    ------
    PluginError
        ``training.diverged`` when it is no longer a number.
    """
    if math.isfinite(loss):
        return loss
    raise PluginError(
        "training diverged: the loss is no longer a number",
        code="training.diverged",
        hint=f"Use a smaller learning rate (`--set {setting}=...`), or the recipe `quick`.",
    )
