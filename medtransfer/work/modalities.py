"""DICOM's codes of modalities in words, for people who need not know them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

WORDS: Mapping[str, str] = {
    "CR": "radiographs",
    "DX": "radiographs",
    "CT": "CT",
    "MR": "MR",
    "MG": "mammograms",
    "US": "ultrasound",
    "OP": "ophthalmic photographs",
    "OPT": "optical coherence tomography",
    "XC": "photographs",
    "SC": "captured screens",
    "OT": "images of no named kind",
}
"""Of the defined terms of (0008,0060) Modality in DICOM PS3.3 C.7.3.1.1.1, those that plug-ins here may take."""


def in_words(codes: Iterable[str]) -> str:
    """Return codes as words, each once, in their order; a code without words stands for itself."""
    return ", ".join(dict.fromkeys(WORDS.get(code, code) for code in codes))
