"""The CT that the starter learns from, as the network sees it."""

from __future__ import annotations

from collections.abc import Sequence
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

UPTAKE = {
    "aorta": 450.0,
    "iliac_artery_left": 450.0,
    "iliac_artery_right": 450.0,
    "inferior_vena_cava": 250.0,
    "portal_vein_and_splenic_vein": 250.0,
    "iliac_vena_left": 200.0,
    "iliac_vena_right": 200.0,
    "kidney_left": 250.0,
    "kidney_right": 250.0,
    "spleen": 150.0,
    "liver": 90.0,
    "pancreas": 100.0,
    "stomach": 60.0,
    "small_bowel": 90.0,
    "duodenum": 90.0,
    "adrenal_gland_left": 80.0,
    "adrenal_gland_right": 80.0,
}
"""About the largest rise in HU by intravenous contrast agent, arterial or venous phase, whichever raises it more."""
AROUND = 400.0
"""The same of what is not labelled here: above all the heart."""

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
    image, labels = only(folder / "ct_a.nii.gz"), only(folder / "ct_a_seg.nii.gz")
    numbers = renumbered(labels.array.astype(np.int64), totalsegmentator_v2())
    present = np.flatnonzero(np.bincount(numbers.ravel()))[1:]
    intensities = _intensities(image.array[numbers > 0].astype(np.float64))
    plan = VolumePlan(spacing=SPACING, patch=PATCH, pools=PRETRAINED_POOLS, normalisation="ct", intensities=intensities)
    prepared = prepare(image, plan, ["CT"])
    outputs = renumbered(prepared.frame.to_network(numbers), {int(v): i for i, v in enumerate(present, start=1)})
    listed = classes("totalsegmentator-104")
    structures = tuple(listed[int(value) - 1] for value in present)
    values, numbered = torch.from_numpy(prepared.values[0]), torch.from_numpy(outputs.astype(np.int64))
    return StarterData(Labelled.of(values, numbered, _uptake(structures, intensities)), plan, structures)


def _uptake(structures: Sequence[StructureClass], scale: Intensities) -> dict[int, float]:
    """Return the largest rise of each output, the background's first, in the units of the prepared values."""
    rises = [AROUND, *(UPTAKE.get(structure.id, 0.0) for structure in structures)]
    return {output: rise / scale.std for output, rise in enumerate(rises)}


def _intensities(inside: NDArray[np.float64]) -> Intensities:
    low, high = (float(np.percentile(inside, share)) for share in (0.5, 99.5))
    return Intensities(mean=float(inside.mean()), std=float(inside.std()), low=low, high=high)


def only(file: Path) -> Image:
    """Return the one image of that file."""
    return study.open(file)[0].series[0].image()
