"""Whether two results are the same, bit for bit, and if not, where they differ."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from medtransfer.result.model import Finding, Heatmap, Notice, Passport, Result, Segmentation, SourceInfo

_INCIDENTAL = {"created", "duration_s"}


def differences(a: Result, b: Result) -> list[str]:
    """Compare findings, heat maps, label maps, notices, source and passport, exactly.

    When a result was made and how long it took does not count.

    Returns
    -------
    list of str
        One line per difference, free of patient data; empty when the results are the same.
    """
    return [
        *_findings(a.findings, b.findings),
        *_heatmaps(a.heatmaps, b.heatmaps),
        *_segmentations(a.segmentation, b.segmentation),
        *_notices(a.notices, b.notices),
        *_sources(a.source, b.source),
        *_passports(a.passport, b.passport),
    ]


def _fields(what: str, a: Mapping[str, object], b: Mapping[str, object]) -> list[str]:
    return [f"{what}: {key} was {a.get(key)!r}, is {b.get(key)!r}" for key in {**a, **b} if a.get(key) != b.get(key)]


def _only_in_one(what: str, a: Sequence[str], b: Sequence[str]) -> list[str]:
    return [
        *(f"{what} {name!r} is missing now" for name in a if name not in b),
        *(f"{what} {name!r} is new" for name in b if name not in a),
    ]


def _findings(a: Sequence[Finding], b: Sequence[Finding]) -> list[str]:
    before, now = ({finding.label: finding for finding in findings} for findings in (a, b))
    lines = _only_in_one("finding", list(before), list(now))
    for label in (label for label in before if label in now):
        lines += _fields(f"finding {label!r}", before[label].model_dump(), now[label].model_dump())
    return lines


def _heatmaps(a: Sequence[Heatmap], b: Sequence[Heatmap]) -> list[str]:
    before, now = ({_named(heatmap): heatmap for heatmap in heatmaps} for heatmaps in (a, b))
    lines = _only_in_one("heat map", list(before), list(now))
    for name in (name for name in before if name in now):
        files = {"file", "picture"}
        lines += _fields(
            f"heat map {name!r}",
            before[name].info.model_dump(exclude=files),
            now[name].info.model_dump(exclude=files),
        )
        lines += _arrays(f"heat map {name!r}", before[name].array, now[name].array)
    return lines


def _named(heatmap: Heatmap) -> str:
    """Return the label, and which part of the model the map is of."""
    return f"{heatmap.info.label} {heatmap.info.part}".rstrip()


def _arrays(what: str, a: NDArray[np.generic], b: NDArray[np.generic]) -> list[str]:
    if a.shape != b.shape or a.dtype != b.dtype:
        return [f"{what}: was {a.dtype} of shape {a.shape}, is {b.dtype} of shape {b.shape}"]
    different = int(np.count_nonzero(a != b))
    return [f"{what}: {different} of {a.size} values differ"] if different else []


def _segmentations(a: Segmentation | None, b: Segmentation | None) -> list[str]:
    if a is None or b is None:
        return [] if a is b else [f"the label map is {'missing now' if b is None else 'new'}"]
    before, now = ({structure.label: structure for structure in entry.structures} for entry in (a, b))
    lines = _only_in_one("structure", list(before), list(now))
    for label in (label for label in before if label in now):
        lines += _fields(f"structure {label!r}", before[label].model_dump(), now[label].model_dump())
    return [*lines, *_arrays("label map", a.array, b.array)]


def _notices(a: Sequence[Notice], b: Sequence[Notice]) -> list[str]:
    lines = _only_in_one("notice", [notice.code for notice in a], [notice.code for notice in b])
    if not lines and list(a) != list(b):
        lines = ["the notices differ in their wording, level or order"]
    return lines


def _sources(a: SourceInfo, b: SourceInfo) -> list[str]:
    """Name what differs without showing it: file names and UIDs may name a patient."""
    before, now = a.model_dump(), b.model_dump()
    return [f"source: {key} differs" for key in before if before[key] != now[key]]


def _passports(a: Passport, b: Passport) -> list[str]:
    return _fields("passport", a.model_dump(exclude=_INCIDENTAL), b.model_dump(exclude=_INCIDENTAL))
