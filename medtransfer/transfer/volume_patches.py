"""Cutting patches out of volumes: a third of them around a structure, so that rare and small ones are learnt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from medtransfer.transfer.volume_cases import LearntVolume
from medtransfer.transfer.volume_frame import Triple

STRUCTURE_SHARE = 1 / 3
"""Share of the patches that is put around a voxel of a structure (nnU-Net, Isensee et al. 2021)."""


@dataclass(frozen=True, eq=False)
class Patch:
    """What the network learns from at once: float32 ``(C, z, y, x)``, and int64 ``(z, y, x)`` of outputs."""

    values: Tensor
    classes: Tensor


def draw(volumes: Sequence[LearntVolume], side: Triple, random: np.random.Generator) -> Patch:
    """Cut a patch out of one of the volumes.

    A patch around a structure lies around any voxel of any structure that the volume shows, each structure alike;
    another one lies anywhere. Where the volume is smaller than the patch it is surrounded with zeros.

    Parameters
    ----------
    volumes
        To choose from, each alike.
    side
        ``(z, y, x)`` of the patch in voxels.
    random
        All chance comes from here.
    """
    volume = volumes[int(random.integers(len(volumes)))]
    shape = volume.classes.shape
    around = random.random() < STRUCTURE_SHARE and len(volume.places) > 0
    if around:
        outputs = np.unique(volume.places[:, 0])
        candidates = volume.places[volume.places[:, 0] == random.choice(outputs)]
        centre = candidates[int(random.integers(len(candidates))), 1:]
        wanted = [int(middle) - length // 2 for middle, length in zip(centre, side, strict=True)]
    else:
        wanted = [int(random.integers(max(0, size - length) + 1)) for size, length in zip(shape, side, strict=True)]
    corner = [_inside(start, size, length) for start, size, length in zip(wanted, shape, side, strict=True)]
    values = np.stack([_cut(channel, corner, side) for channel in volume.values]).astype(np.float32)
    classes = _cut(volume.classes, corner, side).astype(np.int64)
    return Patch(torch.from_numpy(values), torch.from_numpy(classes))


def _inside(start: int, size: int, length: int) -> int:
    """Return where the patch begins: within the volume, or as much before it as behind it where it is longer."""
    return -((length - size) // 2) if length > size else min(max(start, 0), size - length)


def _cut(array: NDArray[np.generic], corner: Sequence[int], side: Sequence[int]) -> NDArray[np.generic]:
    """Return a part of an array, zeros where it reaches beyond."""
    found = np.zeros(tuple(side), dtype=array.dtype)
    there = tuple(slice(max(0, c), min(n, c + s)) for c, n, s in zip(corner, array.shape, side, strict=True))
    here = tuple(slice(t.start - c, t.stop - c) for c, t in zip(corner, there, strict=True))
    found[here] = array[there]
    return found
