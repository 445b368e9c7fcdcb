"""The structures that the published networks find: stable ids, names, SNOMED CT codes and colours.

``structures.csv`` lists the 104 classes in the alphabetical order of the STU-Net weights, which is not that of
TotalSegmentator. Codes and colours are those of TotalSegmentator's mapping (Apache-2.0).
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Literal

import numpy as np
from numpy.typing import NDArray

ClassList = Literal["totalsegmentator-104", "abdomenatlas-9"]

CODE_SOURCE = "SNOMED CT as in TotalSegmentator's mapping"

_ABDOMEN_ATLAS = (
    "aorta",
    "gallbladder",
    "inferior_vena_cava",
    "kidney_left",
    "liver",
    "pancreas",
    "kidney_right",
    "spleen",
    "stomach",
)
"""AbdomenAtlasMini's order (label_orders.json of the authors' repository)."""


@dataclass(frozen=True, slots=True)
class StructureClass:
    """One class of a network.

    Attributes
    ----------
    value
        Its number in the network's output; the background is 0 and not listed.
    id
        Stable, the same in every list of classes.
    name
        For people.
    code, code_meaning
        SNOMED CT code of the structure without its side, and what the code means.
    side_code, side_meaning
        SNOMED CT code of the side, "Left" or "Right"; empty where the code itself says it or there is none.
    colour
        ``#rrggbb``.
    """

    value: int
    id: str
    name: str
    code: str
    code_meaning: str
    side_code: str
    side_meaning: str
    colour: str


@cache
def classes(name: ClassList) -> tuple[StructureClass, ...]:
    """Return the classes of a published network in the order of its outputs, without the background.

    Parameters
    ----------
    name
        The list that the weights' entry in the catalogue names (``VolumeEntry.classes``).
    """
    published = tuple(_without_published_name(row) for row in _rows("structures.csv"))
    if name == "totalsegmentator-104":
        return published
    by_id = {structure.id: structure for structure in published}
    return tuple(replace(by_id[one], value=value) for value, one in enumerate(_ABDOMEN_ATLAS, start=1))


@cache
def totalsegmentator_v2() -> Mapping[int, int]:
    """Return for each of TotalSegmentator v2's 117 class numbers that of the class of the same name here.

    Numbers without one (20 of them: ``heart``, ``skull``, ``prostate`` and others) are absent.
    """
    own = {row["published_name"]: int(row["value"]) for row in _rows("structures.csv")}
    theirs = {row["published_name"]: int(row["value"]) for row in _rows("totalsegmentator_v2.csv")}
    return {value: own[name] for name, value in theirs.items() if name in own}


def renumbered(labels: NDArray[np.integer], numbers: Mapping[int, int]) -> NDArray[np.uint8]:
    """Return a label map with other numbers; what is in no pair becomes background.

    Parameters
    ----------
    labels
        Any shape, values from 0 to 65,535.
    numbers
        New number, at most 255, for each old one.
    """
    table = np.zeros(1 + max(int(labels.max(initial=0)), *numbers, 0), dtype=np.uint8)
    for old, new in numbers.items():
        table[old] = new
    return np.asarray(table[labels])


def _without_published_name(row: Mapping[str, str]) -> StructureClass:
    kept = {key: text for key, text in row.items() if key not in {"published_name", "value"}}
    return StructureClass(value=int(row["value"]), **kept)


def _rows(file: str) -> list[dict[str, str]]:
    text = (resources.files(__package__) / file).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))
