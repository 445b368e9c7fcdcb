"""Labelled cases: what a plug-in learns from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Partition = Literal["train", "validation", "test"]
PARTITIONS: tuple[Partition, ...] = ("train", "validation", "test")


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One labelled image.

    Attributes
    ----------
    key
        First 16 hexadecimal digits of the SHA-256 of the image file, or of what its folder holds: the case's identity
        in splits and reports. It says nothing about the patient and survives renaming.
    image
        The file, or folder of DICOM slices, to open with :func:`medtransfer.study.open`.
    further
        Where a case consists of several volumes on one grid: the others, in the order of the network's channels.
    patient
        Whatever the table says; cases of one patient never end up in different partitions. Never logged.
    labels
        Label id to 1 (present), 0 (absent) or None (unknown: neither trained on nor counted).
    row
        Line of the table (1-based, counting the header) or position in the folder: for messages.
    split
        The partition that the table asked for, if it did.
    mask
        The label map or DICOM segmentation of the image, where structures are learnt: see
        :mod:`medtransfer.cohort.masks`.
    attributes
        What else the test cases are divided by in the report, as the site is: view, sex, age, camera, eye.
    """

    key: str
    image: Path
    patient: str
    labels: Mapping[str, int | None]
    row: int
    site: str = ""
    split: Partition | None = None
    mask: Path | None = None
    attributes: Mapping[str, str] = field(default_factory=dict)
    further: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class MaskStructure:
    """A structure that the masks of a cohort show: its id, its name for people, and its number in the label maps."""

    id: str
    name: str
    value: int


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle that somebody drew around a finding.

    ``left``, ``top``, ``width`` and ``height`` are in pixels of the image as :func:`medtransfer.study.open` returns it,
    from the outer corner of its first pixel, columns to the right and rows downwards; width and height are above 0.
    """

    label: str
    left: float
    top: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a cohort, shown before training.

    ``error`` problems stop the training, ``warning`` problems are the person's to judge. ``rows`` are the lines
    concerned (1-based, counting the header); ``subject`` may name a file and is for the screen only; ``label`` is the
    id of the label that the problem would go away with.
    """

    code: str
    level: Literal["info", "warning", "error"]
    message: str
    hint: str = ""
    rows: tuple[int, ...] = ()
    subject: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Cohort:
    """Cases with the labels that they carry.

    ``fingerprint`` is the SHA-256 over every case's key, labels and grouping: two cohorts with the same fingerprint
    train the same model. ``synthetic`` is true for generated phantoms and is repeated on every result. ``structures``
    are all that the masks may show, of which ``labels`` are to be learnt; empty where answers of yes or no are.
    ``boxes`` are the rectangles drawn in a case's image, by the case's key: no network learns from them, they are what
    heat maps are measured against. They say nothing about cases and labels that have none. ``source`` names the
    published data set that this is, empty for everything else.
    """

    cases: tuple[Case, ...]
    labels: tuple[str, ...]
    fingerprint: str
    problems: tuple[Problem, ...] = ()
    synthetic: bool = False
    names: Mapping[str, str] = field(default_factory=dict)
    structures: tuple[MaskStructure, ...] = ()
    boxes: Mapping[str, tuple[Box, ...]] = field(default_factory=dict)
    source: str = ""
