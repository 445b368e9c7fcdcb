"""Volumes with known bodies in them, and DICOM objects that outline these bodies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from medtransfer.study.annotation import (
    LABEL_MAP_SEGMENTATION,
    SEGMENTATION,
    STRUCTURE_SET,
    Annotation,
    read_annotation,
)
from medtransfer.study.model import Image

SERIES, FRAME = "1.2.3.4", "1.2.3.5"
Vector = NDArray[np.float64]


def rotation(turn: Sequence[float]) -> Vector:
    """Return the rotation about x, y and z by angles in degrees."""
    made = np.eye(3)
    for axis, degrees in enumerate(turn):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        step = np.eye(3)
        a, b = [n for n in range(3) if n != axis]
        step[a, a], step[a, b], step[b, a], step[b, b] = c, -s, s, c
        made = step @ made
    return made


def affine_of(directions: Vector, spacing: Sequence[float], origin: Sequence[float] | Vector) -> Vector:
    """Return the affine whose axes ``(k, j, i)`` run along the columns of ``directions``."""
    made = np.eye(4)
    made[:3, :3] = directions * np.asarray(spacing)
    made[:3, 3] = origin
    return made


def volume(affine: Vector, shape: tuple[int, int, int], array: NDArray[Any] | None = None) -> Image:
    """Return a CT on the given grid; its values are zero unless given."""
    return Image(
        array=np.zeros(shape, np.int16) if array is None else array,
        axes="zyx",
        modality="CT",
        units="HU",
        affine=affine.copy(),
        uids={"study": "1.2.3", "series": SERIES, "frame_of_reference": FRAME},
    )


def inside(image: Image, body: Callable[[Vector], NDArray[Any]]) -> NDArray[Any]:
    """Return what a body answers at the voxel centres; it is asked with points ``(..., 3)`` in LPS mm."""
    assert image.affine is not None
    k, j, i = np.indices(image.array.shape)
    points = np.stack([k, j, i], axis=-1) @ image.affine[:3, :3].T + image.affine[:3, 3]
    return body(points)


def dice(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return the Dice coefficient of two masks."""
    return 2.0 * float(np.count_nonzero(one & other)) / float(np.count_nonzero(one) + np.count_nonzero(other))


def item(**elements: Any) -> Dataset:
    """Return a data set with these elements."""
    made = Dataset()
    for keyword, value in elements.items():
        setattr(made, keyword, Items(value) if isinstance(value, list) and _is_sequence(value) else value)
    return made


def _is_sequence(value: list[Any]) -> bool:
    return not value or isinstance(value[0], Dataset)


def written(path: Path, sop_class: str, modality: str, **elements: Any) -> Annotation:
    """Write a DICOM object and return it as a scan finds it."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset(str(path), {}, file_meta=meta, preamble=b"\0" * 128)
    made.update(
        item(
            SOPClassUID=sop_class,
            SOPInstanceUID=meta.MediaStorageSOPInstanceUID,
            Modality=modality,
            StudyInstanceUID="1.2.3",
            SeriesInstanceUID="1.2.3.9",
            SeriesDescription="Drawn",
            **elements,
        )
    )
    made.save_as(path, enforce_file_format=True)
    found = read_annotation(path)
    assert found is not None
    return found


def code(value: str, scheme: str, meaning: str) -> Dataset:
    """Return an item of a code sequence."""
    return item(CodeValue=value, CodingSchemeDesignator=scheme, CodeMeaning=meaning)


def segment(number: int, label: str, **more: Any) -> Dataset:
    """Return the description of a segment."""
    return item(SegmentNumber=number, SegmentLabel=label, SegmentAlgorithmType="MANUAL", **more)


def seg(
    path: Path,
    frames: Sequence[tuple[int, Vector, NDArray[Any]]],
    affine: Vector,
    segments: Sequence[Dataset],
    kind: str = "BINARY",
    series: str = SERIES,
    **more: Any,
) -> Annotation:
    """Write a segmentation.

    Parameters
    ----------
    frames
        Segment number, position in LPS mm and pixels of each.
    affine
        Gives the direction and the spacing of rows and columns, and the distance between slices.
    """
    spacing = np.linalg.norm(affine[:3, :3], axis=0)
    turned = affine[:3, :3] / spacing
    shared = item(
        PixelMeasuresSequence=[
            item(PixelSpacing=spacing[1:].tolist(), SliceThickness=spacing[0], SpacingBetweenSlices=spacing[0])
        ],
        PlaneOrientationSequence=[item(ImageOrientationPatient=[*turned[:, 2].tolist(), *turned[:, 1].tolist()])],
    )
    own = [
        item(
            PlanePositionSequence=[item(ImagePositionPatient=[f"{v:.9g}" for v in position])],
            SegmentIdentificationSequence=[item(ReferencedSegmentNumber=number)],
        )
        for number, position, _ in frames
    ]
    pixels = np.stack([mask for _, _, mask in frames])
    if kind == "BINARY":
        stored = np.packbits(pixels.astype(bool).ravel(), bitorder="little").tobytes()
    else:
        stored = pixels.astype(np.uint8).tobytes()
    bits = 1 if kind == "BINARY" else 8
    return written(
        path,
        LABEL_MAP_SEGMENTATION if kind == "LABELMAP" else SEGMENTATION,
        "SEG",
        FrameOfReferenceUID=FRAME,
        ReferencedSeriesSequence=[item(SeriesInstanceUID=series)],
        SegmentationType=kind,
        SegmentSequence=list(segments),
        SharedFunctionalGroupsSequence=[shared],
        PerFrameFunctionalGroupsSequence=own,
        SamplesPerPixel=1,
        PhotometricInterpretation="MONOCHROME2",
        NumberOfFrames=len(frames),
        Rows=pixels.shape[1],
        Columns=pixels.shape[2],
        BitsAllocated=bits,
        BitsStored=bits,
        HighBit=bits - 1,
        PixelRepresentation=0,
        PixelData=stored + b"\0" * (len(stored) % 2),
        **more,
    )


def whole_frames(number: int, labels: NDArray[Any], affine: Vector) -> list[tuple[int, Vector, NDArray[Any]]]:
    """Return a frame for each slice of ``labels`` that is not empty."""
    return [
        (number, affine[:3, :3] @ (k, 0.0, 0.0) + affine[:3, 3], part) for k, part in enumerate(labels) if part.any()
    ]


def roi(number: int, contours: Sequence[Vector], kind: str = "CLOSED_PLANAR", **more: Any) -> Dataset:
    """Return the contours of a region, each ``(n, 3)`` in LPS mm."""
    drawn = [
        item(
            ContourGeometricType=kind,
            NumberOfContourPoints=len(points),
            ContourData=[f"{v:.9g}"[:16] for v in points.ravel()],
        )
        for points in contours
    ]
    return item(ReferencedROINumber=number, ContourSequence=drawn, **more)


def rtstruct(path: Path, names: dict[int, str], regions: Sequence[Dataset], frame: str = FRAME) -> Annotation:
    """Write a structure set."""
    series = item(SeriesInstanceUID=SERIES)
    study = item(RTReferencedSeriesSequence=[series])
    return written(
        path,
        STRUCTURE_SET,
        "RTSTRUCT",
        StructureSetLabel="DRAWN",
        ReferencedFrameOfReferenceSequence=[item(FrameOfReferenceUID=frame, RTReferencedStudySequence=[study])],
        StructureSetROISequence=[
            item(ROINumber=number, ROIName=name, ReferencedFrameOfReferenceUID=frame) for number, name in names.items()
        ],
        ROIContourSequence=list(regions),
    )


def circle(centre: Vector, radius: float, directions: Vector, points: int = 90) -> Vector:
    """Return a circle in the plane of the second and third column of ``directions``."""
    angles = np.linspace(0.0, 2.0 * np.pi, points, endpoint=False)[:, np.newaxis]
    made: Vector = np.asarray(centre) + radius * (np.cos(angles) * directions[:, 1] + np.sin(angles) * directions[:, 2])
    return made
