"""RandAugment (Cubuk et al., CVPR Workshops 2020, arXiv 1909.13719) as timm draws it, with chance from a given seed.

timm's operations take their chance from Python's global generator: it is seeded for each picture and given back as it
was, so that a view is the same in every run, in any order and any batch.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as Pillow
from timm.data.auto_augment import rand_augment_transform
from timm.data.transforms import RandomResizedCropAndInterpolation
from torch import Tensor

POLICY = "rand-m6-mstd0.5-inc1"
"""Magnitude 6 of 10, with a spread of 0.5, of operations that change more the higher it is: Xiao et al., WACV 2023."""
SMALLEST_CROP = 0.08
"""Smallest area of a view relative to its picture: timm's, which that paper keeps."""
_TRANSLATION = 0.45  # of the side at most; timm's choice, like the grey around what was moved
_GREY = (128, 128, 128)


class RandAugment:
    """Views of square pictures: a part of each, mirrored or not, changed by two operations of the policy.

    Parameters
    ----------
    side
        Of the pictures and the views, in pixels.
    policy
        timm's description of the operations, such as :data:`POLICY`.
    smallest_crop
        Smallest area of the part shown, in (0, 1]; its width is 3/4 to 4/3 of its height.
    mirror
        Whether left and right may be exchanged.
    """

    def __init__(self, side: int, policy: str, smallest_crop: float, *, mirror: bool) -> None:
        settings = {
            "translate_const": int(side * _TRANSLATION),
            "img_mean": _GREY,
            "interpolation": Pillow.Resampling.BICUBIC,
        }
        self.policy: Any = rand_augment_transform(policy, settings)
        cropping: Any = RandomResizedCropAndInterpolation  # timm has no types for it
        self._crop = cropping(side, scale=(smallest_crop, 1.0), interpolation="bicubic")
        self._mirror = mirror

    def views(self, unit: Tensor, keys: Sequence[str], view: int) -> Tensor:
        """Return a view of each picture.

        Parameters
        ----------
        unit
            float32 (n, 3, side, side) in [0, 1].
        keys
            The cases' keys (hexadecimal), n of them.
        view
            Number of the view; another one is drawn anew.
        """
        pixels = (unit * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
        drawn = [
            self._view(one, np.random.default_rng([view, int(key, 16)])) for one, key in zip(pixels, keys, strict=True)
        ]
        return torch.from_numpy(np.stack(drawn)).permute(0, 3, 1, 2).float() / 255.0

    def _view(self, pixels: NDArray[np.uint8], generator: np.random.Generator) -> NDArray[np.uint8]:
        with _seeded(int(generator.integers(2**63))):
            picture = self._crop(Pillow.fromarray(pixels))
            if self._mirror and generator.random() < 0.5:
                picture = picture.transpose(Pillow.Transpose.FLIP_LEFT_RIGHT)
            for number in generator.integers(len(self.policy.ops), size=self.policy.num_layers):
                picture = self.policy.ops[number](picture)
        return np.asarray(picture)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    before = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(before)
