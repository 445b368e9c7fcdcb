"""Files that may show a patient's name in their pixels, or hold text instead of pixels, are held back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydicom import Dataset

from medtransfer.study import dicom_values as values

Kind = Literal["burned-in", "unstated", "overlay-in-pixels", "no-pixels"]

_PIXELS = ("PixelData", "FloatPixelData", "DoubleFloatPixelData")
# Secondary capture and ultrasound: the SOP classes themselves and those below them, such as their multi-frame kinds.
_WRITTEN_ON_CLASSES = tuple(f"1.2.840.10008.5.1.4.1.1.{number}" for number in ("7", "3", "6"))
# Whose pixels often carry text: ultrasound, angiography and fluoroscopy, endoscopy, pictures, captured screens.
_OFTEN_WRITTEN_ON = frozenset({"US", "IVUS", "BDUS", "XA", "RF", "ES", "XC", "GM", "OT", "DOC", "SC"})
_CAPTURED = ("SCREEN", "CAPTURE")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a file is held back; ``releasable`` when a person may let it pass after looking at it."""

    kind: Kind
    sentence: str
    releasable: bool


BURNED_IN = Reason("burned-in", "it says that text is burned into its pixels", releasable=True)
UNSTATED = Reason(
    "unstated", "images of its kind often show text, and it does not say that this one shows none", releasable=True
)
OVERLAY = Reason("overlay-in-pixels", "an overlay is stored within its pixel values", releasable=False)
NO_PIXELS = Reason("no-pixels", "it holds text, a document or drawings instead of pixels", releasable=False)


def reason_to_hold(dataset: Dataset) -> Reason | None:
    """Return why a DICOM object needs a person's look before it may be given away; None when nothing speaks for it.

    Only the header is asked. An image that says Burned In Annotation NO passes, rightly or not.
    """
    if not any(keyword in dataset for keyword in _PIXELS):
        return NO_PIXELS
    if _has_overlay_in_pixels(dataset):
        return OVERLAY
    stated = values.text(dataset, "BurnedInAnnotation").upper()
    if stated == "YES":
        return BURNED_IN
    return UNSTATED if stated != "NO" and _often_written_on(dataset) else None


def _often_written_on(dataset: Dataset) -> bool:
    kind = values.text(dataset, "SOPClassUID")
    return (
        values.text(dataset, "Modality").upper() in _OFTEN_WRITTEN_ON
        or any(kind == family or kind.startswith(f"{family}.") for family in _WRITTEN_ON_CLASSES)
        or bool(values.text(dataset, "ConversionType"))
        or "SequenceOfUltrasoundRegions" in dataset
        or any(word in part.upper() for part in values.texts(dataset, "ImageType") for word in _CAPTURED)
    )


def _has_overlay_in_pixels(dataset: Dataset) -> bool:
    """Whether an overlay lies in unused bits of the pixels: Overlay Bit Position is not 0 (PS3.3 C.9.2, retired)."""
    positions = [tag for tag in dataset.keys() if tag.group & 0xFF00 == 0x6000 and tag.element == 0x0102]  # noqa: SIM118 - a data set yields its elements
    return any(dataset.get_item(tag).value not in {b"\0\0", b"", None, 0} for tag in positions)
