"""The CT that the starter learns from, as the network sees it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from medtransfer_stunet.network import PRETRAINED_POOLS
from medtransfer_stunet.structures import StructureClass, classes, renumbered, totalsegmentator_v2
from numpy.typing import NDArray

from medtransfer import study
from medtransfer.contract.plan import Intensities, VolumePlan
from medtransfer.study.model import Image
from medtransfer.transfer.volumes import prepare
from stunet_starter.views import Labelled

SPACING = (3.0, 3.0, 3.0)
PATCH = (64, 64, 64)


@dataclass(frozen=True, eq=False)
class StarterData:
    """The prepared CT, its plan, and the structures in the order of the network's outputs."""

    labelled: Labelled
    plan: VolumePlan
    structures: tuple[StructureClass, ...]


def read(folder: Path) -> StarterData:
    """Return ``ct_a`` of that folder: axes (z, y, x), 3 mm, Hounsfield units clipped and scaled by its own organs."""
    image, labels = _only(folder / "ct_a.nii.gz"), _only(folder / "ct_a_seg.nii.gz")
    numbers = renumbered(labels.array.astype(np.int64), totalsegmentator_v2())
    present = np.flatnonzero(np.bincount(numbers.ravel()))[1:]
    plan = _plan(image.array[numbers > 0].astype(np.float64))
    prepared = prepare(image, plan, ["CT"])
    outputs = renumbered(prepared.frame.to_network(numbers), {int(v): i for i, v in enumerate(present, start=1)})
    labelled = Labelled.of(torch.from_numpy(prepared.values[0]), torch.from_numpy(outputs.astype(np.int64)))
    listed = classes("totalsegmentator-104")
    return StarterData(labelled, plan, tuple(listed[int(value) - 1] for value in present))


def _plan(inside: NDArray[np.float64]) -> VolumePlan:
    low, high = (float(np.percentile(inside, share)) for share in (0.5, 99.5))
    intensities = Intensities(mean=float(inside.mean()), std=float(inside.std()), low=low, high=high)
    return VolumePlan(spacing=SPACING, patch=PATCH, pools=PRETRAINED_POOLS, normalisation="ct", intensities=intensities)


def _only(file: Path) -> Image:
    return study.open(file)[0].series[0].image()
