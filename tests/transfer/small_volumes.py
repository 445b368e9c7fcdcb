"""A training on volumes small enough for a test: a network of a few layers, and patients with a ball and a box."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import nibabel
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from medtransfer import cohort
from medtransfer.cohort import checks, masks
from medtransfer.cohort.model import Cohort
from medtransfer.contract.bundle import BundleCard, ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import LearnRequest
from medtransfer.sdk import SegmenterPlugin
from tests.transfer.small import MANIFEST, PlainContext

SHAPE = (30, 26, 28)  # (x, y, z), as nibabel has it
SPACING = (2.0, 2.0, 2.0)
PARTS = ("train", "train", "train", "validation", "test", "test")
SEGMENTS: Manifest = MANIFEST.model_copy(
    update={"task": MANIFEST.task.model_copy(update={"kind": "segmentation", "open_labels": True})}
)
RECIPE = Recipe(
    epochs=4,
    iterations=60,
    batch_size=2,
    patch_side=32,
    patience=10,
    learning_rate=1e-2,
    head_learning_rate=1e-2,
    augmentation="none",
    bootstrap=100,
)


class Small(nn.Module):
    """Answers at two resolutions while it learns, as a U-Net does."""

    def __init__(self, outputs: int, channels: int = 1) -> None:
        super().__init__()
        first = nn.Conv3d(channels, 16, 3, padding=1)
        self.body = nn.Sequential(first, nn.InstanceNorm3d(16, affine=True), nn.LeakyReLU())
        self.heads = nn.ModuleList([nn.Conv3d(16, outputs, 1), nn.Conv3d(16, outputs, 1)])

    def forward(self, volume: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        features = self.body(volume)
        finest: Tensor = self.heads[1](features)
        if not self.training:
            return finest
        return finest, self.heads[0](nn.functional.avg_pool3d(features, 2))


class SmallSegmenter(SegmenterPlugin):
    backbone = "small"
    head = "heads"

    def network(self, card: BundleCard) -> nn.Module:
        assert card.backbone == "small"
        return Small(1 + len(card.labels), len(card.for_volumes.scales))


def drawn(seed: int) -> tuple[NDArray[np.int16], NDArray[np.uint8]]:
    """Return an image and its mask: a ball (5) brighter and a box (2) darker than what surrounds them."""
    random = np.random.default_rng(seed)
    places = np.indices(SHAPE)
    centre = np.array([8, 8, 8]) + random.integers(0, 3, 3)
    mask = np.zeros(SHAPE, np.uint8)
    mask[((places - centre[:, None, None, None]) ** 2).sum(axis=0) <= 25] = 5
    corner = np.array([17, 14, 15]) + random.integers(0, 3, 3)
    mask[tuple(slice(begin, begin + 7) for begin in corner)] = 2
    values = random.normal(0, 20, SHAPE) + 150 * (mask == 5) - 150 * (mask == 2)
    return values.astype(np.int16), mask


def write_volumes(folder: Path) -> Path:
    """Write the patients, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for number, part in enumerate(PARTS):
        save(folder, number, *drawn(number))
        rows.append([f"{number}.nii", f"{number}_seg.nii", f"p{number}", part])
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["image", "mask", "patient", "split"], *rows])
    (folder / "structures.csv").write_text("value,structure\n5,ball\n2,box\n", encoding="utf-8")
    return folder


def save(
    folder: Path,
    number: int,
    values: NDArray[np.generic],
    mask: NDArray[np.generic],
    spacing: tuple[float, float, float] = SPACING,
) -> None:
    """Write one patient's image and mask, both ``(x, y, z)`` with that spacing in mm."""
    _write(folder / f"{number}.nii", values, spacing)
    _write(folder / f"{number}_seg.nii", mask, spacing)


def _write(path: Path, array: NDArray[np.generic], spacing: tuple[float, float, float] = SPACING) -> None:
    nibabel.save(nibabel.Nifti1Image(array, np.diag([*spacing, 1.0])), path)  # type: ignore[no-untyped-call]


def write_pairs(folder: Path) -> Path:
    """Write patients of two volumes each: the first shows their ball alone, the second their box alone."""
    write_volumes(folder)
    for number in range(len(PARTS)):
        _, mask = drawn(number)
        for name, signal in ((f"{number}.nii", 150 * (mask == 5)), (f"{number}_second.nii", -150 * (mask == 2))):
            noise = np.random.default_rng([number, len(name)]).normal(0, 20, SHAPE)
            _write(folder / name, (noise + signal).astype(np.int16))
    rows = [[f"{n}.nii", f"{n}_second.nii", f"{n}_seg.nii", f"p{n}", part] for n, part in enumerate(PARTS)]
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([["image", "image_2", "mask", "patient", "split"], *rows])
    return folder


def read(folder: Path) -> Cohort:
    """Return the cohort with what its masks show, as the host hands it to a worker."""
    found = cohort.read(folder)
    return masks.with_presence(found, {key: look.values for key, look in checks.look(found).items()})


def learn(
    folder: Path,
    ctx: PlainContext,
    parent: ModelBundle | None = None,
    labels: tuple[str, ...] = (),
    plugin: SegmenterPlugin | None = None,
    **changes: Any,
) -> ModelBundle:
    """Train in this process."""
    cases = read(folder)
    request = LearnRequest(
        name="small",
        recipe=RECIPE.changed(changes),
        labels=list(labels or cases.labels),
        parent=str(parent.folder) if parent else "",
    )
    split = {case.key: case.split for case in cases.cases if case.split}
    torch.manual_seed(99)  # what happened before must make no difference
    return (plugin or SmallSegmenter()).learn(cases, split, request, ctx)
