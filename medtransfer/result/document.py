"""``result.json`` and the files beside it, as scripts may rely on them."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field

from medtransfer.errors import DataError
from medtransfer.result.model import (
    RESEARCH_USE_ONLY,
    Finding,
    HeatmapInfo,
    Notice,
    Passport,
    Record,
    SourceInfo,
    Structure,
)

DOCUMENT = "result.json"
SEGMENTATION = "segmentation.nii.gz"
FORMAT = 1
_LABEL = re.compile(r"[a-z][a-z0-9_]{0,63}")
_PART = re.compile(r"[a-z]?")


class Document(Record):
    """The content of ``result.json``. ``segmentation`` is the file name of the label map, empty when there is none."""

    format: int = Field(default=FORMAT, ge=1)
    research_use_only: str = RESEARCH_USE_ONLY
    findings: tuple[Finding, ...]
    structures: tuple[Structure, ...] = ()
    notices: tuple[Notice, ...] = ()
    source: SourceInfo
    passport: Passport
    heatmaps: tuple[HeatmapInfo, ...] = ()
    segmentation: Literal["", "segmentation.nii.gz"] = ""


def picture_name(case: str) -> str:
    """Return ``similar-<case>.png``, the file that shows a case of that key (16 hexadecimal digits)."""
    return f"similar-{case}.png"


def heatmap_stem(label: str, part: str = "") -> str:
    """Return ``heatmap-<label>`` or ``heatmap-<label>-<part>``, the name of a heat map's files without their ending.

    Raises
    ------
    DataError
        When the label is not a label id, or the part no letter: a name out of a file never becomes a path.
    """
    if not _LABEL.fullmatch(label) or not _PART.fullmatch(part):
        raise DataError(
            "a heat map's label is not a label id (a lower-case letter, then letters, digits and underscores)",
            code="result.label",
            hint="Report it to the plug-in's author.",
        )
    return f"heatmap-{label}-{part}" if part else f"heatmap-{label}"
