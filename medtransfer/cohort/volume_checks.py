"""What a look at the volumes of a cohort showed, said before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from medtransfer.cohort import words
from medtransfer.cohort.model import Case, Problem
from medtransfer.study.finite import finite_range
from medtransfer.study.modality import UNSTATED
from medtransfer.study.model import Image


@dataclass(frozen=True, slots=True)
class VolumeLook:
    """What opening a case's volumes showed.

    Attributes
    ----------
    modality
        DICOM modality of the first, empty where its file does not say it.
    missing
        How many voxels hold no number.
    """

    modality: str = ""
    missing: int = 0


def look(image: Image) -> VolumeLook:
    """Look at the values of a case's volume and its companions.

    Raises
    ------
    DataError
        ``volume.not-finite`` or ``volume.constant`` when there is nothing to see in one of them.
    """
    missing = sum(finite_range(one.array).missing for one in (image, *image.companions))
    return VolumeLook("" if image.modality == UNSTATED else image.modality, missing)


def judge(cases: Sequence[Case], looks: Mapping[str, VolumeLook]) -> list[Problem]:
    """Say which volumes lack values, and whether they are of several kinds; ``looks`` are by the cases' keys."""
    opened = [case for case in cases if case.key in looks]
    return [*_gaps(opened, looks), *_kinds(opened, looks)]


def _gaps(cases: Sequence[Case], looks: Mapping[str, VolumeLook]) -> list[Problem]:
    rows = tuple(case.row for case in cases if looks[case.key].missing)
    if not rows:
        return []
    message = (
        f"{words.counted(len(rows), 'volume')} with voxels that are no numbers: they are taken for the smallest value"
    )
    return [Problem("volume.not-finite", "warning", message, "Export the original images if that is not wanted.", rows)]


def _kinds(cases: Sequence[Case], looks: Mapping[str, VolumeLook]) -> list[Problem]:
    counts = Counter(looks[case.key].modality for case in cases if looks[case.key].modality)
    if len(counts) < 2:
        return []
    named = ", ".join(f"{count} {modality}" for modality, count in sorted(counts.items()))
    hint = "Train on one modality, unless the network is to know several: one that it rarely sees it learns badly."
    return [Problem("volume.modalities", "warning", f"the volumes are of several modalities: {named}", hint)]
