"""What the readers of segmentations and structure sets share: opening the file, and codes and colours in it."""

from __future__ import annotations

from pydicom import Dataset, FileDataset, dcmread

from medtransfer.study import dicom_values as values
from medtransfer.study.annotation import Annotation
from medtransfer.study.limits import Limits, require_within

_SNOMED_CT = "SCT"


def open_file(annotation: Annotation, limits: Limits) -> FileDataset:
    """Read the whole file; its length is checked first.

    Raises
    ------
    DataError
        ``study.too-large``. What pydicom raises on damaged files is the caller's to translate.
    """
    require_within(annotation.path.stat().st_size, limits.image_bytes, annotation.path)
    return dcmread(annotation.path, force=True)


def code_of(item: Dataset, keyword: str) -> str:
    """Return the SNOMED CT code in a code sequence; empty when there is none, or one of another scheme."""
    for code in values.value(item, keyword) or []:
        if values.text(code, "CodingSchemeDesignator") == _SNOMED_CT:
            return values.text(code, "CodeValue")
    return ""


def colour_of(segment: Dataset) -> str:
    """Return the recommended display colour as ``#rrggbb``; empty when none is stated (PS3.3 C.10.7.1.1)."""
    stated = values.numbers(segment, "RecommendedDisplayCIELabValue")
    if len(stated) != 3:
        return ""
    from highdicom.color import CIELabColor

    lightness, a, b = (int(part) for part in stated)
    return rgb_of(CIELabColor.from_dicom_value((lightness, a, b)).to_rgb())


def rgb_of(stated: tuple[float, ...]) -> str:
    """Return red, green and blue in [0, 255] as ``#rrggbb``; empty when there are not three of them."""
    if len(stated) != 3:
        return ""
    return "#" + "".join(f"{min(max(int(part), 0), 255):02x}" for part in stated)
