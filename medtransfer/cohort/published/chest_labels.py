"""Findings in chest radiographs under one id, whatever a data set calls them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from medtransfer.cohort import identity
from medtransfer.cohort.model import Problem
from medtransfer.cohort.published.listing import remark

NO_FINDING = "no_finding"
CHESTXRAY14 = (
    "Atelectasis",
    "Cardiomegaly",
    "Effusion",
    "Infiltration",
    "Mass",
    "Nodule",
    "Pneumonia",
    "Pneumothorax",
    "Consolidation",
    "Edema",
    "Emphysema",
    "Fibrosis",
    "Pleural_Thickening",
    "Hernia",
)
"""The findings of ChestX-ray14 (Wang et al., CVPR 2017) in the order of its authors' lists of 14 columns."""
_SAME = {
    "infiltrate": "infiltration",  # so in the boxes of ChestX-ray14
    "pleural_effusion": "effusion",
    "pulmonary_fibrosis": "fibrosis",
}
_VIEWS = ("AP", "PA")


def chest_label(heading: str) -> str:
    """Return the id of a finding: ``Pleural Effusion`` and ``Effusion`` are both ``effusion``."""
    label = identity.label_id(heading)
    return _SAME.get(label, label)


def names(headings: Sequence[str]) -> dict[str, str]:
    """Return what people call each finding, by its id."""
    return {chest_label(heading): heading.replace("_", " ") for heading in headings}


def view(text: str) -> Mapping[str, str]:
    """Return the view as an attribute of a case; nothing where it is not said."""
    return {"view": text.upper()} if text.upper() in _VIEWS else {}


def laterals_left_out(number: int) -> tuple[Problem, ...]:
    """Say how many radiographs are left out because they are not frontal."""
    if not number:
        return ()
    return (
        remark(
            "lateral",
            f"{number:,} radiographs are left out: they are lateral, or do not say that they are frontal",
            "The plug-ins here look at frontal radiographs.",
        ),
    )
