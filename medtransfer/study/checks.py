"""What may be wrong with a series: one small function per question, each answering with checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medtransfer.study.counting import agreed
from medtransfer.study.distances import ALIKE, Pattern, distances
from medtransfer.study.model import Check, Level
from medtransfer.study.volume import Stack, is_orthonormal

if TYPE_CHECKING:
    from medtransfer.study.dicom import Header

EVEN = 0.01  # of the slice distance: positions in headers are rounded
SAME_PLACE = 1e-3  # mm
TILTED_DEGREES = 0.5
MOST_TILTED_DEGREES = 45.0  # gantries tilt by 30 degrees at most; what is sheared further was not made by one


TILT = "volume.gantry-tilt"
CHANGING = "volume.changing-spacing"
_WHOLE_SLIDE = "1.2.840.10008.5.1.4.1.1.77.1.6"


def for_volume(headers: Sequence[Header], stack: Stack | None) -> tuple[Check, ...]:
    """Return every check of a series of slices; ``stack`` is None when the slices cannot be placed in space."""
    found = [*placement(headers), *no_rescale(headers), *compression(headers), *single_slice(headers)]
    found += own_space(headers)
    if stack is not None:
        found += [*duplicate_positions(stack), *spacing(stack), *gantry_tilt(stack)]
    return tuple(found)


def for_picture(header: Header) -> tuple[Check, ...]:
    """Return every check of one DICOM picture."""
    return (
        *film(header),
        *tiles(header),
        *missing_laterality(header),
        *inverted(header),
        *reduced_colour(header),
        *compression([header]),
        *burned_in(header),
        *localizer(header),
    )


def placement(headers: Sequence[Header]) -> Iterable[Check]:
    """Position, orientation and pixel spacing must be there: without them a volume has no place in space."""
    if any(len(h.position) != 3 or len(h.orientation) != 6 for h in headers):
        yield Check(
            "volume.no-position",
            Level.ERROR,
            "A slice does not say where it lies in the patient, so the volume cannot be placed in space.",
            "Export the original images: position and orientation were lost in conversion.",
        )
    elif not all(map(is_orthonormal, {h.orientation for h in headers})):
        yield Check(
            "volume.bad-orientation",
            Level.ERROR,
            "The directions of rows and columns are not at a right angle, so the volume cannot be placed in space.",
            "Export the original images.",
        )
    if any(h.pixel_spacing is None for h in headers):
        yield Check(
            "volume.no-pixel-spacing",
            Level.ERROR,
            "The distance between pixels is not stated, so nothing can be measured in the volume.",
            "Export the original images.",
        )


def duplicate_positions(stack: Stack) -> Iterable[Check]:
    """Two different slices at one place: it is not clear which belongs to the volume."""
    repeated = int(np.count_nonzero(stack.gaps < SAME_PLACE))
    if repeated:
        yield Check(
            "volume.duplicate-positions",
            Level.ERROR,
            f"{agreed(repeated, 'slice lies', 'slices lie')} where another slice already lies.",
            "Separate the acquisitions or reconstructions that were stored as one series.",
        )


def spacing(stack: Stack) -> Iterable[Check]:
    """Missing slices are never closed silently, and distances without any order are refused."""
    if not stack.gaps.size or stack.gaps.min() < SAME_PLACE:
        return
    found = distances(stack.gaps)
    narrow, wide = float(stack.gaps.min()), float(stack.gaps.max())
    if found.pattern is Pattern.MISSING:
        yield Check(
            "volume.missing-slices",
            Level.ERROR,
            f"Missing slices: {found.missing[0]} (gaps: {found.missing[1]}); the usual distance is "
            f"{found.finest:.2f} mm, the largest gap {wide:.2f} mm.",
            "Send or export the series again, complete.",
        )
    elif found.pattern is Pattern.UNEVEN:
        yield Check(
            "volume.uneven-spacing",
            Level.ERROR,
            f"The distance between slices changes from {narrow:.2f} mm to {wide:.2f} mm without order, so they do not "
            "form one even volume.",
            "Choose a reconstruction with one slice distance, or open the parts separately.",
        )
    elif stack.sideways > ALIKE * found.finest:
        yield Check(
            "volume.out-of-line",
            Level.ERROR,
            f"Slices lie up to {stack.sideways:.2f} mm beside the line through the first and the last.",
            "Separate the acquisitions or reconstructions that were stored as one series.",
        )
    elif found.pattern is Pattern.CHANGING:
        yield Check(
            CHANGING,
            Level.WARNING,
            f"The distance between slices changes from part to part, between {narrow:.2f} mm and {wide:.2f} mm.",
            f"Resampled to an even distance of about {found.finest:.2f} mm by linear interpolation between slices.",
        )
    elif stack.deviation > EVEN * found.finest:
        yield Check(
            "volume.slightly-uneven",
            Level.WARNING,
            f"Slices lie up to {stack.deviation:.2f} mm from their place in an even volume.",
            "The mean distance is used.",
        )


def gantry_tilt(stack: Stack) -> Iterable[Check]:
    """Tell of a tilted gantry: each slice is shifted against the last."""
    if stack.tilt > MOST_TILTED_DEGREES:
        yield Check(
            "volume.sheared",
            Level.ERROR,
            f"The slices are stacked at {stack.tilt:.1f} degrees to their normal, more than any gantry tilts.",
            "Export the original images: position or orientation is wrong.",
        )
    elif stack.tilt > TILTED_DEGREES:
        yield Check(
            TILT,
            Level.WARNING,
            f"The slices are stacked at {stack.tilt:.1f} degrees to their normal (gantry tilt).",
            "Resampled to right angles: every slice was moved in its plane by linear interpolation.",
        )


def single_slice(headers: Sequence[Header]) -> Iterable[Check]:
    """One slice is no volume, and its thickness may be unknown."""
    if len(headers) > 1:
        return
    fix = "" if headers[0].thickness else "Its thickness is not stated and taken as 1 mm."
    yield Check("volume.single-slice", Level.INFO, "The series has a single slice.", fix)


def own_space(headers: Sequence[Header]) -> Iterable[Check]:
    """Tell of frames that know their distances and nothing of the patient."""
    if headers[0].frames > 1 and headers[0].position and not headers[0].frame_uid:
        yield Check(
            "volume.own-space",
            Level.WARNING,
            "The frames do not say where they lie in the patient: distances hold, directions mean nothing.",
            "They were stacked in the order of the file.",
        )


def no_rescale(headers: Sequence[Header]) -> Iterable[Check]:
    """CT values without rescale slope and intercept are not Hounsfield units."""
    if headers[0].modality == "CT" and any(h.slope is None or h.intercept is None for h in headers):
        yield Check(
            "ct.no-rescale",
            Level.WARNING,
            "Rescale slope or intercept is missing: the values are the scanner's own, not Hounsfield units.",
        )


def compression(headers: Sequence[Header]) -> Iterable[Check]:
    """Lossy compression changes fine texture."""
    if any(h.lossy for h in headers):
        yield Check("dicom.lossy", Level.INFO, "The image was compressed with loss.")


def film(header: Header) -> Iterable[Check]:
    """Tell of a film: its frames follow each other in time, and a plug-in sees one of them."""
    if header.frames > 1:
        yield Check(
            "dicom.film",
            Level.WARNING,
            f"The file is a film of {header.frames} frames; frame {header.frame + 1} stands for it.",
            "Export another frame as an image of its own to have it analysed.",
        )


def tiles(header: Header) -> Iterable[Check]:
    """Refuse a microscope slide: it is stored in tiles, none of which is a picture of it (PS3.3 C.8.12.4)."""
    if header.sop_class == _WHOLE_SLIDE:
        yield Check(
            "dicom.whole-slide",
            Level.ERROR,
            "The image is a microscope slide stored in tiles, which medtransfer does not put together.",
            "Export the region of interest as one picture.",
        )


def missing_laterality(header: Header) -> Iterable[Check]:
    """Ask of a photograph of an eye which eye it shows."""
    if header.modality in {"OP", "OPT"} and header.laterality is None:
        yield Check("picture.no-laterality", Level.WARNING, "The image does not say which eye it shows.")


def inverted(header: Header) -> Iterable[Check]:
    """MONOCHROME1 means that small values are bright."""
    if header.photometric == "MONOCHROME1":
        yield Check(
            "dicom.inverted",
            Level.INFO,
            "The image is stored with small values bright (MONOCHROME1).",
            "Inverted once, so that large values are bright.",
        )


def reduced_colour(header: Header) -> Iterable[Check]:
    """Tell of colour in more bits than an image of medtransfer holds."""
    if header.samples == 3 and header.bits_allocated > 16:
        yield Check(
            "picture.reduced-colour",
            Level.INFO,
            f"The colours are stored with {header.bits_allocated} bits each.",
            "Reduced to 16 bits.",
        )


def burned_in(header: Header) -> Iterable[Check]:
    """Text in the pixels may name the patient, and networks read it."""
    if header.burned_in:
        yield Check("dicom.burned-in", Level.WARNING, "Text is burned into the pixels; it may name the patient.")


def localizer(header: Header) -> Iterable[Check]:
    """Tell a scout from the slices planned on it."""
    if header.is_localizer:
        yield Check("dicom.localizer", Level.INFO, "The image is a localizer.", "Kept apart from the volume.")


def split(parts: int) -> Iterable[Check]:
    """Images that differ in kind, size or direction, or repeat places, cannot form one volume."""
    if parts > 1:
        yield Check(
            "series.split",
            Level.INFO,
            f"The images of this series form no one volume and were divided into {parts} parts.",
            "Choose the part to analyse.",
        )


def one_of_several(name: str) -> Iterable[Check]:
    """Tell what makes this volume one of several at the same place."""
    if name:
        yield Check(
            "volume.one-of-several",
            Level.INFO,
            f"The series holds several volumes at the same place; this one is: {name}.",
            "Choose the one to analyse.",
        )


def copied_slices(count: int) -> Iterable[Check]:
    """Tell of slices with the place and the pixels of another."""
    if count:
        yield Check(
            "volume.copied-slices",
            Level.WARNING,
            f"{agreed(count, 'slice has', 'slices have')} the place and the pixels of others.",
            "Each was used once.",
        )


def repeated_instances(count: int) -> Iterable[Check]:
    """Tell of copies of one image in a folder tree."""
    if count:
        yield Check(
            "series.repeated-files",
            Level.WARNING,
            f"{agreed(count, 'file is a copy', 'files are copies')} of others.",
            "Each was used once.",
        )
