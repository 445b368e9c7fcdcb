"""Small pictures of confirmed cases that go with a model, where the person who trained it said so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.contract.bundle import PICTURES
from medtransfer.transfer.fit import LabelledKeys
from medtransfer.transfer.prepared import PictureFolder

SIDE = 128
"""Of the pictures, in pixels: enough to compare by eye, too little to measure on."""


def pictures_file(label: str) -> str:
    """Return the name of the file with the pictures of a label's cases."""
    return f"{PICTURES}{label}.safetensors"


def pictures(train: LabelledKeys, folder: PictureFolder) -> dict[str, Tensor]:
    """Return small pictures of a label's positive training cases.

    They are made of the prepared pictures, the part that the network sees: nothing else of the file goes along.
    """
    shown = [key for key, value in zip(train.keys, train.truth, strict=True) if value > 0.5]
    found = [_small(folder.unit([key])) for key in shown]
    keys = torch.tensor([int(key, 16) - 2**63 for key in shown], dtype=torch.int64)
    return {"keys": keys, "pictures": torch.cat(found) if found else torch.empty((0, SIDE, SIDE, 3), dtype=torch.uint8)}


@dataclass(frozen=True, eq=False)
class Pictures:
    """The pictures of a model by case key: uint8 (side, side, 3)."""

    by_key: Mapping[str, NDArray[np.uint8]]

    @classmethod
    def of(cls, files: Iterable[Mapping[str, Tensor]]) -> Pictures:
        """Return what :func:`pictures` made for each label."""
        by_key: dict[str, NDArray[np.uint8]] = {}
        for tensors in files:
            keys = [f"{number + 2**63:016x}" for number in tensors["keys"].tolist()]
            by_key.update(zip(keys, tensors["pictures"].numpy(), strict=True))
        return cls(by_key)

    def of_cases(self, keys: Sequence[str]) -> dict[str, NDArray[np.uint8]]:
        """Return the pictures that there are of these cases."""
        return {key: self.by_key[key] for key in keys if key in self.by_key}


def _small(unit: Tensor) -> Tensor:
    small = torch.nn.functional.interpolate(unit, (SIDE, SIDE), mode="bicubic", antialias=True).clamp(0.0, 1.0)
    return (small * 255.0).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous()
