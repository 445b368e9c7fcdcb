"""What may be wrong with a series: one small function per question, each answering with checks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from medtransfer.study.model import Check, Level
from medtransfer.study.volume import Stack, is_orthonormal

if TYPE_CHECKING:
    from medtransfer.study.dicom import Header

MISSING_GAP = 1.5  # a gap of this many usual gaps means that a slice is missing
EVEN = 0.01  # of the slice distance: positions in headers are rounded
UNEVEN = 0.10  # of the slice distance: beyond, a distance measured in the volume would be wrong
TILTED_DEGREES = 0.5


def for_volume(headers: Sequence[Header], stack: Stack | None) -> tuple[Check, ...]:
    """Return every check of a series of slices; ``stack`` is None when the slices cannot be placed in space."""
    found = [*placement(headers), *no_rescale(headers), *compression(headers), *single_slice(headers)]
    if stack is not None:
        found += [*duplicate_positions(stack), *spacing(stack), *gantry_tilt(stack)]
    return tuple(found)


def for_picture(header: Header) -> tuple[Check, ...]:
    """Return every check of one DICOM picture."""
    return (
        *multi_frame(header),
        *missing_laterality(header),
        *inverted(header),
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
    elif not all(is_orthonormal(h.orientation) for h in headers):
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
    repeated = int(np.count_nonzero(stack.gaps < 1e-3))
    if repeated:
        yield Check(
            "volume.duplicate-positions",
            Level.ERROR,
            f"{repeated} slices lie where another slice already lies.",
            "Separate the acquisitions or reconstructions that were stored as one series.",
        )


def spacing(stack: Stack) -> Iterable[Check]:
    """Missing slices are never closed silently, and uneven spacing is refused beyond a tenth of the distance."""
    usual = float(np.median(stack.gaps)) if stack.gaps.size else 0.0
    if usual < 1e-3:
        return
    deviation = stack.deviation / usual
    wide = np.rint(stack.gaps[stack.gaps > MISSING_GAP * usual] / usual)
    in_steps = bool(np.all(np.abs(stack.gaps / usual - np.rint(stack.gaps / usual)) < UNEVEN))
    if wide.size and in_steps:
        yield Check(
            "volume.missing-slices",
            Level.ERROR,
            f"{int(wide.sum() - wide.size)} slices are missing in {wide.size} places; the usual distance is "
            f"{usual:.2f} mm, the largest gap {float(stack.gaps.max()):.2f} mm.",
            "Send or export the series again, complete.",
        )
    elif deviation > UNEVEN:
        yield Check(
            "volume.uneven-spacing",
            Level.ERROR,
            f"The distance between slices changes from {float(stack.gaps.min()):.2f} mm to "
            f"{float(stack.gaps.max()):.2f} mm, so they do not form one even volume.",
            "Choose a reconstruction with one slice distance, or open the parts separately.",
        )
    elif deviation > EVEN:
        yield Check(
            "volume.slightly-uneven",
            Level.WARNING,
            f"Slices lie up to {stack.deviation:.2f} mm from their place in an even volume.",
            "The mean distance is used.",
        )


def gantry_tilt(stack: Stack) -> Iterable[Check]:
    """Tell of a tilted gantry: each slice is shifted against the last and the volume is sheared."""
    if stack.tilt > TILTED_DEGREES:
        yield Check(
            "volume.gantry-tilt",
            Level.WARNING,
            f"The slices are stacked at {stack.tilt:.1f} degrees to their normal (gantry tilt).",
            "The affine carries the shear; a reader that assumes right angles will be wrong.",
        )


def single_slice(headers: Sequence[Header]) -> Iterable[Check]:
    """One slice is no volume, and its thickness may be unknown."""
    if len(headers) > 1:
        return
    fix = "" if headers[0].thickness else "Its thickness is not stated and taken as 1 mm."
    yield Check("volume.single-slice", Level.INFO, "The series has a single slice.", fix)


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


def multi_frame(header: Header) -> Iterable[Check]:
    """Films and enhanced images hold many frames in one file."""
    if header.frames > 1:
        yield Check(
            "dicom.multi-frame",
            Level.ERROR,
            f"The file holds {header.frames} frames; medtransfer reads files with one frame.",
            "Export the series as single-frame images.",
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


def burned_in(header: Header) -> Iterable[Check]:
    """Text in the pixels may name the patient, and networks read it."""
    if header.burned_in:
        yield Check("dicom.burned-in", Level.WARNING, "Text is burned into the pixels; it may name the patient.")


def localizer(header: Header) -> Iterable[Check]:
    """Tell a scout from the slices planned on it."""
    if header.is_localizer:
        yield Check("dicom.localizer", Level.INFO, "The image is a localizer.", "Kept apart from the volume.")


def split(parts: int) -> Iterable[Check]:
    """Images that differ in kind, size, direction or acquisition cannot form one volume."""
    if parts > 1:
        yield Check(
            "series.split",
            Level.INFO,
            f"The files of this series do not fit together and were divided into {parts}.",
            "Choose the part to analyse.",
        )


def repeated_instances(count: int) -> Iterable[Check]:
    """Tell of copies of one image in a folder tree."""
    if count:
        yield Check(
            "series.repeated-files", Level.WARNING, f"{count} files are copies of others.", "Each was used once."
        )
