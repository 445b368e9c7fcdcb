"""Reading DICOM segmentations (PS3.3 A.51): binary, fractional and label map, placed by where their frames lie."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pydicom import Dataset, dcmread
from pydicom.pixels.utils import iter_pixels

from medtransfer.errors import DataError
from medtransfer.result.annotation_file import code_of, colour_of, open_file
from medtransfer.result.composing import Part
from medtransfer.result.model import Notice
from medtransfer.result.planes import Crop, Planes, crop, place
from medtransfer.study import dicom_values as values
from medtransfer.study.annotation import Annotation
from medtransfer.study.frame_decoding import register
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Image
from medtransfer.study.volume import is_orthonormal, normal

_OFF_THE_LINE = 0.5  # pixels: frames further from one line than this do not form a stack
_APART_MM = 0.01  # planes closer than this are one: positions are written with few digits


@dataclass(frozen=True, slots=True, eq=False)
class _Stack:
    """Where the frames lie: the affine of :class:`Planes`, each frame's height, and the distance between planes."""

    affine: NDArray[np.float64]
    heights: NDArray[np.float64]
    distance: float


def read_segments(annotation: Annotation, image: Image, limits: Limits) -> tuple[list[Part], list[Notice]]:
    """Read every segment and place it on the image's grid.

    Frames may be missing, lie anywhere along the normal and in any order; a segment without any is empty. Fractional
    segments reach as far as their value is at least one half.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.too-large``, or ``annotation.no-position`` when the frames do not form a stack.
    """
    dataset = open_file(annotation, limits)
    pixels = math.prod(values.whole(dataset, key, 1) for key in ("Rows", "Columns", "NumberOfFrames"))
    require_within(pixels * values.whole(dataset, "BitsAllocated", 8) // 8, limits.image_bytes, annotation.path)
    frames = _groups(dataset)
    if len(frames) != max(1, values.whole(dataset, "NumberOfFrames", 1)):
        raise _unplaced(annotation)
    stack = _stack(frames, annotation)
    found = _crops(dataset, frames)
    described = {number: item for number, item in _segments(dataset) if number > 0}
    parts = [
        _part(number, described.get(number, Dataset()), found.get(number, []), stack, image)
        for number in sorted(described.keys() | found.keys())
    ]
    fractional = values.text(dataset, "SegmentationType") == "FRACTIONAL"
    return parts, [_halved(dataset)] if fractional else []


def segment_names(annotation: Annotation) -> tuple[str, ...]:
    """Return the names of the segments that have frames; of a label map, which does not say it, those of all."""
    keywords = ["SpecificCharacterSet", "SegmentationType", "SegmentSequence", "PerFrameFunctionalGroupsSequence"]
    dataset = dcmread(annotation.path, stop_before_pixels=True, specific_tags=[*keywords], force=True)
    used = {
        values.whole(_group([frame], "SegmentIdentificationSequence"), "ReferencedSegmentNumber", 1)
        for frame in values.value(dataset, "PerFrameFunctionalGroupsSequence") or []
    }
    every = values.text(dataset, "SegmentationType") == "LABELMAP"
    described = {number: item for number, item in _segments(dataset) if number > 0 and (every or number in used)}
    return tuple(_name(number, item) for number, item in described.items())


def _groups(dataset: Dataset) -> list[list[Dataset]]:
    """Return for each frame where its functional groups are looked for: its own first, then the shared ones."""
    shared = list(values.value(dataset, "SharedFunctionalGroupsSequence") or [])
    own = list(values.value(dataset, "PerFrameFunctionalGroupsSequence") or [])
    return [[item, *shared] for item in own] or [shared]


def _group(places: Sequence[Dataset], keyword: str) -> Dataset:
    """Return a functional group's only item, or an empty data set (PS3.3 C.7.6.16)."""
    found = (values.value(place, keyword) for place in places)
    return next((items[0] for items in found if items), Dataset())


def _segments(dataset: Dataset) -> Iterator[tuple[int, Dataset]]:
    for item in values.value(dataset, "SegmentSequence") or []:
        yield values.whole(item, "SegmentNumber"), item


def _stack(frames: Sequence[Sequence[Dataset]], annotation: Annotation) -> _Stack:
    """Find the direction along which the frames are stacked; that of a tilted gantry is not their normal."""
    measures = _group(frames[0], "PixelMeasuresSequence")
    orientation = values.numbers(_group(frames[0], "PlaneOrientationSequence"), "ImageOrientationPatient")
    spacing = values.numbers(measures, "PixelSpacing")
    positions = [values.numbers(_group(f, "PlanePositionSequence"), "ImagePositionPatient") for f in frames]
    turned = any(
        values.numbers(_group(f, "PlaneOrientationSequence"), "ImageOrientationPatient") != orientation for f in frames
    )
    placed = len(orientation) == 6 and len(spacing) == 2 and min(spacing) > 0 and all(len(p) == 3 for p in positions)
    if not placed or turned or not is_orthonormal(orientation):
        raise _unplaced(annotation)
    points, across = np.asarray(positions, dtype=np.float64), normal(orientation)
    heights = (points - points[0]) @ across
    low, high = int(heights.argmin()), int(heights.argmax())
    rise = heights[high] - heights[low]
    step = across if rise < _APART_MM else (points[high] - points[low]) / rise
    off = np.linalg.norm(points - points[0] - heights[:, np.newaxis] * step, axis=1)
    if off.max() > _OFF_THE_LINE * min(spacing):
        raise _unplaced(annotation)
    affine = np.eye(4)
    affine[:3, 0] = step
    affine[:3, 1] = np.asarray(orientation[3:]) * spacing[0]
    affine[:3, 2] = np.asarray(orientation[:3]) * spacing[1]
    affine[:3, 3] = points[0]
    return _Stack(affine, heights, _distance(heights, measures))


def _distance(heights: NDArray[np.float64], measures: Dataset) -> float:
    """Return mm between neighbouring planes: as stated, unless the frames lie closer; frames may be missing."""
    gaps = np.diff(np.unique(heights))
    gaps = gaps[gaps > _APART_MM]
    stated = values.number(measures, "SpacingBetweenSlices") or 0.0
    if gaps.size:
        return min(stated, float(gaps.min())) if stated > _APART_MM else float(gaps.min())
    return max(stated, values.number(measures, "SliceThickness") or 0.0) or 1.0


def _crops(dataset: Dataset, frames: Sequence[Sequence[Dataset]]) -> dict[int, list[tuple[int, Crop]]]:
    """Decode the frames one by one and keep, by segment, the number of each frame and its mask."""
    kind = values.text(dataset, "SegmentationType")
    half = (values.number(dataset, "MaximumFractionalValue") or 255.0) / 2.0 if kind == "FRACTIONAL" else 0.5
    padding = values.whole(dataset, "PixelPaddingValue") if kind == "LABELMAP" else 0
    found: dict[int, list[tuple[int, Crop]]] = defaultdict(list)
    for number, (pixels, groups) in enumerate(zip(_decoded(dataset, len(frames)), frames, strict=True)):
        for segment, mask in _masks(pixels, groups, kind, half, padding):
            cropped = crop(mask)
            if cropped is not None:
                found[segment].append((number, cropped))
    return found


def _decoded(dataset: Dataset, count: int) -> Iterator[NDArray[np.integer]]:
    """Yield the frames one by one, each ``(row, column)``; those of bits follow without a gap (PS3.5 8.1.1).

    Bits are unpacked here because pydicom loses its place where a frame does not end with a byte.
    """
    if values.whole(dataset, "BitsAllocated") != 1 or dataset.file_meta.TransferSyntaxUID.is_encapsulated:
        register()
        yield from iter_pixels(dataset, raw=True)
        return
    shape = (values.whole(dataset, "Rows"), values.whole(dataset, "Columns"))
    size = shape[0] * shape[1]
    packed = np.frombuffer(dataset.PixelData, np.uint8)
    for first in range(0, count * size, size):
        part = np.unpackbits(packed[first // 8 : (first + size + 7) // 8], bitorder="little")
        yield part[first % 8 : first % 8 + size].reshape(shape)


def _masks(
    pixels: NDArray[np.integer], groups: Sequence[Dataset], kind: str, half: float, padding: int
) -> Iterator[tuple[int, NDArray[np.bool_]]]:
    if kind == "LABELMAP":
        for segment in set(np.unique(pixels).tolist()) - {0, padding}:
            yield int(segment), pixels == segment
    else:
        item = _group(groups, "SegmentIdentificationSequence")
        yield values.whole(item, "ReferencedSegmentNumber", 1), pixels >= half


def _part(number: int, item: Dataset, found: Sequence[tuple[int, Crop]], stack: _Stack, image: Image) -> Part:
    ordered = sorted(found, key=lambda frame: stack.heights[frame[0]])
    planes = Planes(
        stack.affine,
        np.array([stack.heights[frame] for frame, _ in ordered]),
        [mask for _, mask in ordered],
        stack.distance / 2.0,
    )
    return Part(
        value=number,
        name=_name(number, item),
        code=code_of(item, "SegmentedPropertyTypeCodeSequence"),
        colour=colour_of(item),
        placed=place(planes, image),
    )


def _name(number: int, item: Dataset) -> str:
    return values.text(item, "SegmentLabel") or f"Segment {number}"


def _halved(dataset: Dataset) -> Notice:
    meaning = "the probability" if values.text(dataset, "SegmentationFractionalType") == "PROBABILITY" else "the part"
    return Notice(
        code="annotation.fractional",
        level="info",
        message=f"The segmentation states {meaning} of each structure in each voxel: structures are drawn where it is "
        "at least one half.",
    )


def _unplaced(annotation: Annotation) -> DataError:
    return DataError(
        "the frames of the segmentation do not say where they lie, or do not form a stack of parallel planes",
        code="annotation.no-position",
        hint="Export it again as a volume: such a segmentation cannot be laid over a volume.",
        subject=annotation.name,
    )
