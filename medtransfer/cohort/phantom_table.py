"""Synthetic photographs on disk: a table with its images, marked as synthetic."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image as Pillow

from medtransfer.cohort.phantom_camera import Camera
from medtransfer.cohort.table import SYNTHETIC_MARK

_MARKER_TEXT = (
    "The pictures in this folder are synthetic: medtransfer drew them from formulas.\n"
    "They show no patient and say nothing about patients. Research use only.\n"
)


class Drawn(NamedTuple):
    """One photograph, uint8 (y, x, 3), of a synthetic patient: ``name`` is unique, ``labels`` say 1 or 0."""

    name: str
    patient: str
    picture: NDArray[np.uint8]
    camera: Camera
    labels: Mapping[str, int]


def write(folder: Path, labels: Sequence[str], photographs: Iterable[Drawn]) -> Path:
    """Write ``images/``, ``labels.csv`` (image, patient, site, then the labels) and ``SYNTHETIC.txt``.

    The table appears last and complete: a folder without it was left unfinished.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / SYNTHETIC_MARK).write_text(_MARKER_TEXT, encoding="utf-8")
    table = folder / "labels.csv"
    unfinished = folder / "labels.csv.part"
    with unfinished.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "patient", "site", *labels])
        for drawn in photographs:
            image = f"images/{drawn.name}{drawn.camera.suffix}"
            Pillow.fromarray(drawn.picture).save(folder / image, quality=92)
            writer.writerow([image, drawn.patient, drawn.camera.name, *(drawn.labels[label] for label in labels)])
    unfinished.replace(table)
    return table
