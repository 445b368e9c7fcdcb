"""Values that say nothing, one for each value representation (PS3.5 6.2): valid where a value must not be empty."""

from __future__ import annotations

from typing import Any

from pydicom.dataelem import DataElement
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag, Tag

_TEXT = "ANONYMIZED"
_DUMMIES: dict[str, Any] = {
    **dict.fromkeys(("AE", "CS", "LO", "LT", "PN", "SH", "ST", "UC", "UT"), _TEXT),
    **dict.fromkeys(("US", "SS", "UL", "SL", "UV", "SV"), 0),
    **dict.fromkeys(("FL", "FD"), 0.0),
    **dict.fromkeys(("DS", "IS"), "0"),
    **dict.fromkeys(("OB", "OW", "OF", "OD", "OL", "OV", "UN"), bytes(8)),
    "AS": "000Y",
    "AT": Tag(0, 0),
    "DA": "19000101",
    "DT": "19000101000000",
    "TM": "000000",
    "UR": "https://anonymized.invalid",
}


def dummy(tag: BaseTag, vr: str) -> DataElement:
    """Return an element with a value that says nothing; sequences and UIDs have none."""
    return DataElement(tag, vr, _DUMMIES[vr])


def empty(tag: BaseTag, vr: str) -> DataElement:
    """Return an element without a value."""
    return DataElement(tag, vr, Sequence() if vr == "SQ" else None)
