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
    "OP": "photographs of the eye",
    "OPT": "optical coherence tomography",
    "XC": "other photographs",
}
"""Of the defined terms of (0008,0060) Modality in DICOM PS3.3 C.7.3.1.1.1, those that plug-ins here may take."""
_TELLS_NOTHING = frozenset({"OT", "SC"})


def in_words(codes: Iterable[str]) -> str:
    """Return codes as words, each once, in their order; a code without words stands for itself.

    ``OT`` (other) and ``SC`` (secondary capture) tell nothing of the picture: they are said where nothing else is.
    """
    known = list(codes)
    telling = [code for code in known if code not in _TELLS_NOTHING] or known
    return ", ".join(dict.fromkeys(WORDS.get(code, code) for code in telling))
