"""Small cohorts on disk."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image as Picture

from medtransfer.cohort.identity import fingerprint
from medtransfer.cohort.model import Case, Cohort, Partition


def picture(path: Path, seed: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 10, 3), dtype=np.uint8)
    Picture.fromarray(pixels).save(path)
    return path


def table(folder: Path, rows: Sequence[str], headings: str = "image,patient,dr", name: str = "labels.csv") -> Path:
    """Write a table and an image for every ``imgN.png`` that it names."""
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        image = row.split(",")[0]
        if image.startswith("img"):
            picture(folder / image, int(image.removeprefix("img").removesuffix(".png")))
    path = folder / name
    path.write_text("\n".join([headings, *rows]) + "\n", encoding="utf-8")
    return path


def case(number: int, patient: str, labels: dict[str, int | None], split: Partition | None = None) -> Case:
    return Case(
        key=f"{number:016x}",
        image=Path(f"/none/{number}.png"),
        patient=patient,
        labels=labels,
        row=number + 2,
        split=split,
    )


def cohort(cases: Sequence[Case]) -> Cohort:
    labels = tuple(cases[0].labels)
    return Cohort(cases=tuple(cases), labels=labels, fingerprint=fingerprint(cases, labels, {}))
