"""Random changes to training pictures that leave their labels true.

Each picture's change is drawn from a generator seeded by the picture's key and the number of the view, so a view is the
same in every run, in any order and any batch: frozen features of views can be cached, for trainings with other seeds
too, and training resumed exactly.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.transfer import randaugment


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How far pictures of a kind may be changed.

    Attributes
    ----------
    mirror
        Whether left and right may be exchanged. Wrong where the side carries meaning (a heart on the left).
    rotation
        Largest rotation in degrees, both ways.
    scale
        Largest relative change of size; 0.1 is 90 to 110 %.
    brightness
        Largest relative change of all channels together.
    colour
        Largest further relative change of each channel on its own.
    policy
        timm's description of a RandAugment policy, which takes the place of all the ranges above; empty for none.
    smallest_crop
        With a policy: smallest area of a view relative to its picture, in (0, 1].
    """

    mirror: bool = False
    rotation: float = 10.0
    scale: float = 0.1
    brightness: float = 0.15
    colour: float = 0.0
    policy: str = ""
    smallest_crop: float = 1.0

    def at(self, strength: Literal["none", "light", "strong", "randaugment"]) -> Augmentation:
        """Return what a recipe asks for: no change, these ranges, half as much again, or the published random one."""
        if strength == "randaugment":
            return Augmentation(mirror=self.mirror, policy=randaugment.POLICY, smallest_crop=randaugment.SMALLEST_CROP)
        if strength == "none":
            return Augmentation(mirror=False, rotation=0.0, scale=0.0, brightness=0.0, colour=0.0)
        factor = {"light": 1.0, "strong": 1.5}[strength]
        return Augmentation(
            mirror=self.mirror,
            rotation=self.rotation * factor,
            scale=min(self.scale * factor, 0.5),
            brightness=min(self.brightness * factor, 0.5),
            colour=min(self.colour * factor, 0.5),
        )


def views(unit: Tensor, keys: Sequence[str], view: int, augmentation: Augmentation) -> Tensor:
    """Return one augmented view of each picture; view 0 is the picture itself.

    Parameters
    ----------
    unit
        float32 (n, 3, size, size) in [0, 1].
    keys
        The cases' keys (hexadecimal), n of them.

    Returns
    -------
    Tensor
        Same shape and range; what comes in from outside the picture is black, with a policy grey.
    """
    if view == 0:
        return unit
    if augmentation.policy:
        drawing = randaugment.RandAugment(
            unit.shape[-1], augmentation.policy, augmentation.smallest_crop, mirror=augmentation.mirror
        )
        return drawing.views(unit, keys, view)
    drawn = [_draw(np.random.default_rng([view, int(key, 16)]), augmentation) for key in keys]
    grids = torch.nn.functional.affine_grid(
        torch.from_numpy(np.stack([matrix for matrix, _ in drawn])), list(unit.shape), align_corners=False
    )
    moved = torch.nn.functional.grid_sample(unit, grids, mode="bilinear", align_corners=False)
    gains = torch.from_numpy(np.stack([gain for _, gain in drawn]))[:, :, None, None]
    return (moved * gains).clamp(0.0, 1.0)


def _draw(
    generator: np.random.Generator, augmentation: Augmentation
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the 2x3 matrix from output to input coordinates, and the gain of each channel."""
    angle = math.radians(generator.uniform(-augmentation.rotation, augmentation.rotation))
    size = 1.0 + generator.uniform(-augmentation.scale, augmentation.scale)
    side = -1.0 if augmentation.mirror and generator.random() < 0.5 else 1.0
    cos, sin = math.cos(angle) * size, math.sin(angle) * size
    matrix = np.array([[cos * side, -sin, 0.0], [sin * side, cos, 0.0]], dtype=np.float32)
    brightness = 1.0 + generator.uniform(-augmentation.brightness, augmentation.brightness)
    colour = 1.0 + generator.uniform(-augmentation.colour, augmentation.colour, size=3)
    return matrix, (brightness * colour).astype(np.float32)
