"""Reading RT structure sets (PS3.3 A.19): closed planar contours in any direction, filled on the image's grid."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from pydicom import Dataset, dcmread
from pydicom.dataelem import RawDataElement

from medtransfer.result.annotation_file import code_of, open_file, rgb_of
from medtransfer.result.composing import Part
from medtransfer.result.contours import Grid, Grids, Points, distance, planes_of
from medtransfer.result.model import Notice
from medtransfer.result.planes import Placed, place, union
from medtransfer.study import dicom_values as values
from medtransfer.study.annotation import Annotation
from medtransfer.study.limits import Limits
from medtransfer.study.model import Image

_CLOSED = frozenset({"CLOSED_PLANAR", "CLOSEDPLANAR_XOR"})


@dataclass(frozen=True, slots=True, eq=False)
class _Region:
    """One region of interest: what it is called, and its closed contours by the grid in whose planes they lie."""

    name: str
    code: str
    colour: str
    contours: dict[Grid, list[Points]]


def read_rois(annotation: Annotation, image: Image, limits: Limits) -> tuple[list[Part], list[Notice]]:
    """Read every region with closed contours and fill it on the image's grid, numbered in the file's order.

    Contours of one region in one plane are combined by exclusive or, so that inner ones are holes. Where contours lie
    further apart than the image's slices each speaks for half the distance to the next, as their slab thickness would
    have it (PS3.3 C.8.8.6).

    Raises
    ------
    DataError
        ``study.too-large``. What pydicom raises on damaged files is the caller's to translate.
    """
    dataset = open_file(annotation, limits)
    grids = Grids(image)
    heads = {values.whole(item, "ROINumber", -1): item for item in _items(dataset, "StructureSetROISequence")}
    codes = {
        values.whole(item, "ReferencedROINumber", -1): code_of(item, "RTROIIdentificationCodeSequence")
        for item in _items(dataset, "RTROIObservationsSequence")
    }
    regions, elsewhere, open_ones, bent = [], 0, 0, 0
    for item in _items(dataset, "ROIContourSequence"):
        number = values.whole(item, "ReferencedROINumber", -1)
        head = heads.get(number, Dataset())
        if not _in_frame(head, annotation, image):
            elsewhere += 1
            continue
        contours, unplanar = _contours(item, grids)
        bent += unplanar
        open_ones += not contours
        if contours:
            colour = rgb_of(values.numbers(item, "ROIDisplayColor"))
            regions.append(_Region(_name(number, head), codes.get(number, ""), colour, contours))
    return _parts(regions, grids, image), _notices(elsewhere, open_ones, bent)


def roi_names(annotation: Annotation) -> tuple[str, ...]:
    """Return the names of the regions that a structure set lists."""
    keywords = ["SpecificCharacterSet", "StructureSetROISequence"]
    dataset = dcmread(annotation.path, specific_tags=[*keywords], force=True)
    return tuple(
        _name(values.whole(item, "ROINumber", -1), item) for item in _items(dataset, "StructureSetROISequence")
    )


def _name(number: int, head: Dataset) -> str:
    return values.text(head, "ROIName") or f"Region {number}"


def _items(dataset: Dataset, keyword: str) -> list[Dataset]:
    return list(values.value(dataset, keyword) or [])


def _in_frame(head: Dataset, annotation: Annotation, image: Image) -> bool:
    stated = values.text(head, "ReferencedFrameOfReferenceUID")
    own = image.uids.get("frame_of_reference", "")
    return annotation.drawn_on(image) or stated in {"", own}


def _contours(item: Dataset, grids: Grids) -> tuple[dict[Grid, list[Points]], int]:
    """Return a region's closed contours by grid, and how many lie in no plane."""
    found: dict[Grid, list[Points]] = defaultdict(list)
    bent = 0
    for contour in _items(item, "ContourSequence"):
        points = _points(contour)
        if values.text(contour, "ContourGeometricType") in _CLOSED and len(points) > 2:
            grid = grids.grid_for(points)
            if grid is None:
                bent += 1
            else:
                found[grid].append(points)
    return dict(found), bent


def _points(contour: Dataset) -> Points:
    """Return a contour's points ``(n, 3)``, LPS mm; none when the numbers are not whole triplets of finite ones.

    The text is parsed as a whole: pydicom makes an object of each of what may be a million numbers.
    """
    element = contour.get_item("ContourData") if "ContourData" in contour else None
    if isinstance(element, RawDataElement) and element.value:
        text = element.value.strip(b" \0")
        numbers = np.array(text.split(b"\\")).astype(np.float64)
    else:
        numbers = np.array(values.numbers(contour, "ContourData"))
    whole = numbers.size % 3 == 0 and bool(np.isfinite(numbers).all())
    return numbers.reshape(-1, 3) if whole else np.empty((0, 3))


def _parts(regions: Sequence[_Region], grids: Grids, image: Image) -> list[Part]:
    heights: dict[Grid, list[float]] = defaultdict(list)
    for region in regions:
        for grid, contours in region.contours.items():
            heights[grid] += [float(grid.places(points)[:, 0].mean()) for points in contours]
    reach = {grid: (distance(found, grids.flat) or grid.step) / 2.0 for grid, found in heights.items()}
    return [
        Part(number, region.name, region.code, region.colour, union(list(_placed(region, reach, grids, image))))
        for number, region in enumerate(regions, start=1)
    ]


def _placed(region: _Region, reach: dict[Grid, float], grids: Grids, image: Image) -> Iterator[Placed]:
    for grid, contours in region.contours.items():
        planes = planes_of(contours, grid, reach[grid], grids.flat)
        if planes is not None:
            yield place(planes, image)


def _notices(elsewhere: int, open_ones: int, bent: int) -> list[Notice]:
    counted = (
        (elsewhere, "other-frame", "warning", "regions were drawn in another frame of reference and are left out"),
        (open_ones, "no-area", "info", "regions are points or open lines, which fill nothing, and are left out"),
        (bent, "not-planar", "warning", "contours do not lie in a plane and are left out"),
    )
    return [
        Notice(code=f"annotation.{code}", level="warning" if level == "warning" else "info", message=f"{count} {text}.")
        for count, code, level, text in counted
        if count
    ]
