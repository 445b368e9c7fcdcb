"""Augmentation of patches by MONAI, with the ranges and probabilities of nnU-Net's trainer as STU-Net used it.

Not elastic. Patches are turned and scaled as they are, and what is turned in from outside continues their rim.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from typing import Any, Literal

import torch

from medtransfer.errors import UserError
from medtransfer.transfer.volume_patches import Patch

Strength = Literal["none", "light", "strong", "randaugment"]

_SIDES = {"left", "right", "l", "r", "sin", "dex", "sinister", "dexter"}
_VALUES, _CLASSES = "values{}", "classes"


class VolumeAugmentation:
    """Changes patches at random.

    Parameters
    ----------
    strength
        ``none``: nothing; ``light``: noise, blur and contrast; ``strong``: also turned, scaled, mirrored and of a lower
        resolution, as the published networks were trained.
    mirror
        Whether patches may be mirrored: see :func:`may_mirror`.
    channels
        Of the patches. They are moved together; noise, blur and contrast are drawn for each by itself.

    Raises
    ------
    UserError
        ``recipe.setting`` for ``randaugment``, whose operations are those of pictures.
    """

    def __init__(self, strength: Strength, *, mirror: bool, channels: int = 1) -> None:
        if strength == "randaugment":
            raise UserError(
                "RandAugment changes pictures, not volumes",
                code="recipe.setting",
                hint="Set `augmentation` to none, light or strong.",
            )
        self._steps: Any = _composed(strength, channels, mirror=mirror)

    def __call__(self, patch: Patch, seed: int) -> Patch:
        """Return the patch changed; the same seed changes it in the same way."""
        if self._steps is None:
            return patch
        self._steps.set_random_state(seed)
        named = {_VALUES.format(channel): values[None] for channel, values in enumerate(patch.values)}
        changed = self._steps({**named, _CLASSES: patch.classes[None].float()})
        values = torch.cat([_plain(changed[name]) for name in named])
        return Patch(values.contiguous(), _plain(changed[_CLASSES])[0].round().long())


def may_mirror(structures: Sequence[str]) -> bool:
    """Return False when any id speaks of a side: along whatever axis, a mirrored body has left and right exchanged."""
    return not any(_SIDES & set(structure.split("_")) for structure in structures)


def _plain(tensor: Any) -> Any:
    return tensor.as_tensor() if hasattr(tensor, "as_tensor") else tensor


def _composed(strength: Strength, channels: int, *, mirror: bool) -> Any:
    monai: Any = importlib.import_module("monai.transforms")  # slow to import, and it exports no types
    if strength == "none":
        return None
    names = [_VALUES.format(channel) for channel in range(channels)]
    together, angle = [*names, _CLASSES], math.radians(30)
    modes = (*["bilinear"] * channels, "nearest")
    place = {"keys": together, "mode": modes, "padding_mode": "border", "prob": 0.2}
    moved = [
        monai.RandAffined(rotate_range=(angle,) * 3, **place),
        monai.RandAffined(scale_range=((-0.3, 0.4),) * 3, **place),
    ]
    lower = [monai.RandSimulateLowResolutiond(name, prob=0.25, zoom_range=(0.5, 1.0)) for name in names]
    mirrored = [monai.RandFlipd(together, prob=0.5, spatial_axis=axis) for axis in range(3)] if mirror else []
    noisy = [step for name in names for step in _noise(monai, name)]
    gamma = [step for name in names for step in _gamma(monai, name)]
    steps = [*noisy, *gamma] if strength == "light" else [*moved, *noisy, *lower, *gamma, *mirrored]
    return monai.Compose(steps)


def _noise(monai: Any, name: str) -> list[Any]:
    return [
        monai.RandGaussianNoised(name, prob=0.1, std=math.sqrt(0.1)),
        monai.RandGaussianSmoothd(name, prob=0.2, **{f"sigma_{axis}": (0.5, 1.0) for axis in "xyz"}),
        monai.RandScaleIntensityd(name, factors=0.25, prob=0.15),
        monai.RandScaleIntensityFixedMeand(name, factors=0.25, fixed_mean=True, preserve_range=True, prob=0.15),
    ]


def _gamma(monai: Any, name: str) -> list[Any]:
    return [
        monai.RandAdjustContrastd(name, prob=0.1, gamma=(0.7, 1.5), invert_image=True, retain_stats=True),
        monai.RandAdjustContrastd(name, prob=0.3, gamma=(0.7, 1.5), retain_stats=True),
    ]
