"""DICOM objects that say where something lies in an image: found here by their headers, read by ``result``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from pydicom import Dataset, dcmread

from medtransfer.errors import DataError
from medtransfer.study import dicom_values as values
from medtransfer.study.dicom import READ_ERRORS, damaged
from medtransfer.study.model import Image
from medtransfer.study.quiet import quiet
from medtransfer.study.unpacked import Unpacked

Kind = Literal["segmentation", "structure set"]

SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
LABEL_MAP_SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.7"
STRUCTURE_SET = "1.2.840.10008.5.1.4.1.1.481.3"

_KINDS: dict[str, Kind] = {
    SEGMENTATION: "segmentation",
    LABEL_MAP_SEGMENTATION: "segmentation",
    STRUCTURE_SET: "structure set",
}
_TAGS = [
    "SpecificCharacterSet", "SOPClassUID", "SOPInstanceUID", "StudyInstanceUID", "FrameOfReferenceUID", "SeriesDate",
    "ContentDate", "StructureSetDate", "StudyDate", "SeriesDescription", "ContentDescription", "StructureSetLabel",
    "ReferencedSeriesSequence", "ReferencedFrameOfReferenceSequence",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Annotation:
    """A DICOM segmentation or RT structure set as its header describes it.

    Attributes
    ----------
    uid
        SOP Instance UID, or the file's name where it carries none.
    series
        Series Instance UIDs of the images on which it was drawn.
    frames
        Frame of Reference UIDs: images of the same frame share its coordinates.
    held
        The archive that the file was unpacked from, kept unpacked as long as the file is wanted; else None.
    """

    path: Path
    kind: Kind
    uid: str
    study_uid: str
    description: str
    date: str
    series: tuple[str, ...]
    frames: tuple[str, ...]
    held: Unpacked | None = field(default=None, repr=False, compare=False)

    @property
    def name(self) -> str:
        """The file's name without folders, as the person knows it."""
        return self.path.name if self.held is None else self.held.name_of(self.path)

    def drawn_on(self, image: Image) -> bool:
        """Whether the image's own series is named as the one on which it was drawn."""
        return image.uids.get("series", "") in self.series

    def fits(self, image: Image) -> bool:
        """Whether it can be placed on the image: drawn on its series, or in the same frame of reference."""
        return image.is_volume and (self.drawn_on(image) or image.uids.get("frame_of_reference", "") in self.frames)


def read_annotation(path: Path) -> Annotation | None:
    """Read the header of a DICOM file that :func:`medtransfer.study.dicom.read_header` found to be no image.

    Returns
    -------
    Annotation or None
        None when the object is neither a segmentation nor a structure set.

    Raises
    ------
    DataError
        ``study.damaged`` when the header cannot be read.
    """
    try:
        with quiet():
            dataset = dcmread(path, stop_before_pixels=True, specific_tags=list(_TAGS), force=True)
            kind = _KINDS.get(values.text(dataset, "SOPClassUID"))
            return None if kind is None else _annotation(path, kind, dataset)
    except (*READ_ERRORS, RecursionError) as error:
        raise damaged(path) from error


def without_image(annotation: Annotation) -> DataError:
    """Return the error for a segmentation or structure set whose image is not there."""
    return DataError(
        f"the {annotation.kind} lies on images that are not here",
        code="study.not-an-image",
        hint="Open it together with the images that it refers to.",
        subject=annotation.name,
    )


def _annotation(path: Path, kind: Kind, dataset: Dataset) -> Annotation:
    stated = [values.text(item, "FrameOfReferenceUID") for item in (dataset, *_frames(dataset))]
    series = [values.text(item, "SeriesInstanceUID") for item in _series(dataset)]
    words = [values.text(dataset, key) for key in ("SeriesDescription", "StructureSetLabel", "ContentDescription")]
    return Annotation(
        path=path,
        kind=kind,
        uid=values.text(dataset, "SOPInstanceUID") or path.name,
        study_uid=values.text(dataset, "StudyInstanceUID"),
        description=next(filter(None, words), ""),
        date=values.iso_date(dataset, "SeriesDate", "StructureSetDate", "ContentDate", "StudyDate"),
        series=tuple(dict.fromkeys(filter(None, series))),
        frames=tuple(dict.fromkeys(filter(None, stated))),
    )


def _frames(dataset: Dataset) -> list[Dataset]:
    return list(values.value(dataset, "ReferencedFrameOfReferenceSequence") or [])


def _series(dataset: Dataset) -> Iterator[Dataset]:
    """Yield the references to series: a segmentation's own, and a structure set's below frame and study (C.8.8.5)."""
    yield from values.value(dataset, "ReferencedSeriesSequence") or []
    for frame in _frames(dataset):
        for study in values.value(frame, "RTReferencedStudySequence") or []:
            yield from values.value(study, "RTReferencedSeriesSequence") or []
