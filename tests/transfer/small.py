"""A training small enough for a test: a tiny network, 48 made-up pictures of two labels, and a context that listens."""

from __future__ import annotations

import csv
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from PIL import Image as Pillow

from medtransfer import cohort
from medtransfer.cohort.model import Cohort, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.manifest import Manifest
from medtransfer.contract.recipe import Recipe
from medtransfer.contract.requests import AnalyseRequest, LearnRequest
from medtransfer.result.model import SourceInfo
from medtransfer.sdk import Augmentation, ClassifierPlugin, Image, Region

LABELS = ("bright", "red")
BACKBONE = "test_efficientnet"
RECIPE = Recipe(
    backbone=BACKBONE,
    weights="none",
    input_size=64,
    views=2,
    epochs=4,
    warmup_epochs=0,
    patience=4,
    batch_size=8,
    learning_rate=1e-3,
    head_learning_rate=2e-2,
    bootstrap=100,
    validation_share=0.25,
    test_share=0.25,
)
TRIO: Mapping[str, Any] = {"ensemble": "trio", "folds": 2, "tune": "head", "epochs": 2}
MANIFEST = Manifest.model_validate(
    {
        "manifest": 1,
        "id": "test.small",
        "name": "Small",
        "version": "1.0",
        "api": {"minimum": 1, "maximum": 1},
        "entry": "small:Small",
        "task": {"kind": "multilabel", "labels": [{"id": label, "name": label.title()} for label in LABELS]},
        "input": {"modalities": ["OT"], "dimensions": 2, "channels": 3, "meaning": "rgb"},
        "can": {"analyse": True, "learn": True},
        "memory": {"analyse_mib": 500},
        "card": {
            "summary": "A test.",
            "intended_use": "Tests.",
            "not_for": "Anything else.",
            "population": "None.",
            "licence": "Apache-2.0",
        },
    }
)


class Small(ClassifierPlugin):
    """Sees the pictures but for their two leftmost columns."""

    augmentation = Augmentation(mirror=True, rotation=10.0)
    crop = "without-left-edge"

    def region(self, image: Image) -> Region:
        height, width = image.spatial_shape
        return Region(0, 2, height, width - 2)


@dataclass(eq=False)
class PlainContext:
    """A context without a worker; ``interrupt`` is called wherever a plug-in asks whether to stop."""

    folder: Path
    manifest: Manifest = MANIFEST
    device: Literal["cpu", "cuda"] = "cpu"
    runtime: Literal["torch", "openvino"] = "torch"
    threads: int = 1
    weights: Mapping[str, Path] = field(default_factory=dict)
    interrupt: Callable[[], None] = lambda: None
    told: list[tuple[float, str, dict[str, float]]] = field(default_factory=list)
    lines: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.scratch, self.checkpoints, self.output, self.cache = (
            self.folder / name for name in ("scratch", "checkpoints", "output", "cache")
        )
        for needed in (self.scratch, self.checkpoints, self.output, self.cache):
            needed.mkdir(parents=True, exist_ok=True)

    def progress(self, fraction: float, stage: str, **values: float) -> None:
        self.told.append((fraction, stage, values))

    def check(self) -> None:
        self.interrupt()

    def log(self, level: Literal["debug", "info", "warning", "error"], text: str) -> None:
        self.lines.append((level, text))


def write_pictures(folder: Path, patients: int = 24) -> Path:
    """Write two pictures per patient, labelled bright and red with some doubt, and return their table."""
    folder.mkdir(parents=True, exist_ok=True)
    generator = np.random.default_rng(7)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", *LABELS])
        for patient in range(patients):
            for side in "LR":
                bright, red = patient % 2, patient // 2 % 2
                pixels = generator.normal(70 + generator.normal(12 * bright, 10), 25, (48, 50, 3))
                pixels[12:36, 12:36, 0] += generator.normal(30 * red, 20)
                name = f"{patient}{side}.png"
                Pillow.fromarray(pixels.clip(0, 255).astype(np.uint8)).save(folder / name)
                known = red if patient % 7 else ""
                writer.writerow([name, f"p{patient}", bright, known])
    return folder / "labels.csv"


def read(table: Path, recipe: Recipe = RECIPE) -> tuple[Cohort, Mapping[str, Partition]]:
    """Return the cohort and its split by patient."""
    found = cohort.read(table)
    split = FrozenSplit.make(found, recipe.validation_share, recipe.test_share, seed=1)
    return found, split.partitions


def learn(
    table: Path, ctx: PlainContext, labels: tuple[str, ...] = LABELS, parent: ModelBundle | None = None, **changes: Any
) -> ModelBundle:
    """Train the small plug-in in this process."""
    cases, split = read(table)
    request = LearnRequest(
        name="small",
        recipe=RECIPE.changed(changes),
        labels=list(labels),
        parent=str(parent.folder) if parent else "",
    )
    return Small().learn(cases, split, request, ctx)


def request(bundle: ModelBundle, **changes: Any) -> AnalyseRequest:
    """Return a request to analyse one picture by a bundle."""
    return AnalyseRequest.model_validate({"bundle": str(bundle.folder), "source": SourceInfo(), **changes})
