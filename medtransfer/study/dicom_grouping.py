"""Which images of a DICOM series belong together: slices of one volume, or pictures each on its own."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field

from medtransfer.study.dicom import Header
from medtransfer.study.dicom_repeats import divide, without_copies

SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_SLICED = frozenset({"CT", "MR", "PT"})
_SAME_DIRECTION = 5e-3
_SAME_SPACING = 1e-3  # of the spacing


@dataclass(frozen=True, slots=True)
class Part:
    """What becomes one series: the slices of a volume, or the only header of a picture.

    Attributes
    ----------
    name
        What tells a volume from others at the same place (``"echo 2"``), else empty.
    copies
        How many slices were left out because another has their place and their pixels.
    """

    headers: Sequence[Header]
    name: str = ""
    copies: int = 0


def is_slice(header: Header) -> bool:
    """Whether the image can be part of a volume; MONOCHROME1 says how to show a CT, not what its values mean."""
    if header.frames > 1 and header.position:  # what dicom_frames divided
        return header.samples == 1
    return (
        (header.photometric == "MONOCHROME2" or header.modality == "CT")
        and header.modality in _SLICED
        and header.samples == 1
        and not header.is_localizer
        and not header.sop_class.startswith(SECONDARY_CAPTURE)
    )


def unnamed_key(header: Header) -> tuple[str, ...]:
    """Tell series apart whose UIDs were blanked: slices share a frame of reference, pictures share nothing."""
    if not is_slice(header):
        return (str(header.path),)
    return (header.frame_uid or str(header.path.parent), header.modality, header.description)


def unique(headers: Sequence[Header]) -> list[Header]:
    """Leave out copies of files: they carry one UID; some converters keep it although they changed the picture."""
    return list({_instance_key(header): header for header in headers}.values())


def parts(headers: Sequence[Header]) -> list[Part]:
    """Divide the images of a series: what differs in kind, size or direction, or repeats places, is no one volume."""
    found: list[_Parallel | Header] = []
    for header in headers:
        if not is_slice(header):
            found.append(header)
            continue
        home = next((group for group in found if isinstance(group, _Parallel) and group.takes(header)), None)
        if home is None:
            found.append(_Parallel([header]))
        else:
            home.headers.append(header)
    return [
        part for group in found for part in ([Part([group])] if isinstance(group, Header) else _volumes(group.headers))
    ]


def _volumes(headers: list[Header]) -> list[Part]:
    divided = []
    for repeat in divide(headers):
        kept = without_copies(repeat.headers)
        divided.append(Part(kept, repeat.name, len(repeat.headers) - len(kept)))
    return divided


def _instance_key(header: Header) -> Hashable:
    return (header.sop_instance or str(header.path), header.frame, header.photometric, header.position)


@dataclass(frozen=True, slots=True)
class _Parallel:
    """Slices of one size, spacing and direction."""

    headers: list[Header] = field(default_factory=list)

    def takes(self, header: Header) -> bool:
        first = self.headers[0]
        return (
            (first.rows, first.columns) == (header.rows, header.columns)
            and _alike(first.orientation, header.orientation, _SAME_DIRECTION)
            and _alike(first.pixel_spacing, header.pixel_spacing, _SAME_SPACING * max(first.pixel_spacing or (0.0,)))
        )


def _alike(one: Sequence[float] | None, other: Sequence[float] | None, tolerance: float) -> bool:
    if one is None or other is None:
        return one is other
    return len(one) == len(other) and all(abs(a - b) <= tolerance for a, b in zip(one, other, strict=True))
