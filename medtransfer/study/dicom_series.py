"""DICOM headers grouped into studies and series, and the images that they load."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from functools import partial

from medtransfer.errors import DataError
from medtransfer.study import checks, dicom_voi
from medtransfer.study.dicom import Header
from medtransfer.study.dicom_frames import frames
from medtransfer.study.dicom_grouping import SECONDARY_CAPTURE, Part, is_slice, parts, unique, unnamed_key
from medtransfer.study.dicom_pixels import picture, rescaled, rescaled_padding
from medtransfer.study.dicom_slices import stored_volume
from medtransfer.study.distances import distances
from medtransfer.study.identity import content_id
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Check, Image, Level, Series, Source, Study, Units
from medtransfer.study.quiet import quiet
from medtransfer.study.regrid import Grid, grid, resample
from medtransfer.study.volume import Stack, stack


def studies(headers: Sequence[Header], limits: Limits) -> list[Study]:
    """Group headers into studies, each with its series; order follows the headers."""
    found: dict[Hashable, list[Header]] = defaultdict(list)
    for image in (frame for header in headers for frame in frames(header)):
        found[image.study_uid or ("unnamed", *unnamed_key(image))].append(image)
    return [_study(members, limits) for members in found.values()]


def _study(headers: list[Header], limits: Limits) -> Study:
    first = headers[0]
    grouped: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        grouped[header.series_uid or unnamed_key(header)].append(header)
    series = tuple(part for members in grouped.values() for part in _series(members, limits))
    return Study(
        uid=first.study_uid or series[0].uid,
        patient=first.patient,
        date=first.study_date,
        description=first.study_description,
        series=series,
    )


def _series(headers: list[Header], limits: Limits) -> list[Series]:
    different = unique(headers)
    divided = parts(different)
    common = (*checks.split(len(divided)), *checks.repeated_instances(len(headers) - len(different)))
    uid = headers[0].series_uid or content_id(min(headers, key=lambda h: h.path.name).path)
    uids = [uid] if len(divided) == 1 else [f"{uid}#{n}" for n in range(1, len(divided) + 1)]
    return [
        _volume(name, part, common, limits) if is_slice(part.headers[0]) else _picture(name, part.headers[0], common)
        for name, part in zip(uids, divided, strict=True)
    ]


def _volume(uid: str, part: Part, common: tuple[Check, ...], limits: Limits) -> Series:
    headers, first = part.headers, part.headers[0]
    placed = None if any(checks.placement(headers)) else _stack(headers)
    ordered = sorted(headers, key=lambda h: h.number) if placed is None else [headers[i] for i in placed.order]
    found = (
        *common,
        *checks.one_of_several(part.name),
        *checks.copied_slices(part.copies),
        *checks.for_volume(headers, placed),
    )
    onto = None if placed is None else _grid(placed, first, found)
    files = tuple(dict.fromkeys(h.path for h in ordered))
    return Series(
        uid=uid,
        modality=first.modality,
        description=", ".join(filter(None, (first.description, part.name))),
        shape=(len(headers), first.rows, first.columns) if onto is None else onto.shape,
        axes="zyx",
        source=Source("dicom", tuple(path.name for path in files)),
        load=partial(_load_volume, ordered, placed, onto, found, limits),
        date=first.date,
        laterality=first.laterality,
        checks=found,
        files=files,
    )


def _grid(placed: Stack, first: Header, found: Sequence[Check]) -> Grid | None:
    """Return what the slices have to be resampled onto, None when they form an even volume or none at all."""
    codes = {check.code for check in found}
    if any(check.level is Level.ERROR for check in found) or not codes & {checks.TILT, checks.CHANGING}:
        return None
    finest = distances(placed.gaps).finest if checks.CHANGING in codes else None
    return grid(placed, first.rows, first.columns, finest)


def _stack(headers: Sequence[Header]) -> Stack:
    first = headers[0]
    assert first.pixel_spacing is not None  # noqa: S101 (checks.placement saw to it)
    return stack([h.position for h in headers], first.orientation, first.pixel_spacing, first.thickness or 1.0)


def _picture(uid: str, header: Header, common: tuple[Check, ...]) -> Series:
    found = (*common, *checks.for_picture(header))
    in_colour = header.samples == 3 or header.photometric == "PALETTE COLOR"
    return Series(
        uid=uid,
        modality=header.modality,
        description=header.description,
        shape=(header.rows, header.columns, 3) if in_colour else (header.rows, header.columns),
        axes="yxc" if in_colour else "yx",
        source=Source("dicom", (header.path.name,)),
        load=partial(_load_picture, header, found),
        date=header.date,
        laterality=header.laterality,
        checks=found,
        files=(header.path,),
    )


def _require_usable(found: Sequence[Check], subject: str) -> None:
    for check in found:
        if check.level is Level.ERROR:
            raise DataError(check.message, code=check.code, hint=check.fix, subject=subject)


def _load_picture(header: Header, found: tuple[Check, ...]) -> Image:
    _require_usable(found, header.path.name)
    with quiet():
        shown = picture(header)
    in_colour = shown.pixels.ndim == 3
    return Image(
        array=shown.pixels,
        axes="yxc" if in_colour else "yx",
        modality=header.modality,
        units="display" if in_colour or header.sop_class.startswith(SECONDARY_CAPTURE) else "stored",
        meaning="rgb" if in_colour else "monochrome",
        pixel_spacing=header.pixel_spacing,
        bits=shown.bits,
        windows=shown.windows,
        padding=shown.padding,
        laterality=header.laterality,
        body_part=header.body_part,
        view=header.view,
        uids=_uids(header),
        instances=(header.sop_instance,) if header.sop_instance else (),
        checks=found,
    )


def _load_volume(
    headers: list[Header], placed: Stack | None, onto: Grid | None, found: tuple[Check, ...], limits: Limits
) -> Image:
    first = headers[0]
    _require_usable(found, first.path.name)
    if placed is None:
        raise ValueError("slices without a place must carry a check of level error")
    slices = len(headers) if onto is None else math.prod(onto.shape) // (first.rows * first.columns) + 1
    require_within(slices * first.frame_bytes, limits.image_bytes, first.path)
    with quiet():
        array = rescaled(stored_volume(headers), headers)
    if onto is not None:
        array = resample(array, onto)
    return Image(
        array=array,
        axes="zyx",
        modality=first.modality,
        units=_units(headers),
        affine=placed.affine.copy() if onto is None else onto.affine.copy(),
        bits=16 if array.dtype.kind in "iu" else 32,
        windows=dicom_voi.windows(first),
        padding=rescaled_padding(headers),
        laterality=first.laterality,
        body_part=first.body_part,
        view=first.view,
        uids=_uids(first),
        instances=tuple(dict.fromkeys(h.sop_instance for h in headers if h.sop_instance)),
        checks=found,
    )


def _units(headers: Sequence[Header]) -> Units:
    """Return what the rescaled values mean; what no header states stays the scanner's own."""
    first = headers[0]
    if any(header.slope is None or header.intercept is None for header in headers):
        return "stored"
    if first.modality == "CT" and first.rescale_type in {"", "HU"} and not first.has_modality_lut:
        return "HU"
    return "Bq/ml" if "BQML" in {first.units, first.rescale_type} else "stored"


def _uids(header: Header) -> dict[str, str]:
    named = {"study": header.study_uid, "series": header.series_uid, "frame_of_reference": header.frame_uid}
    return {name: uid for name, uid in named.items() if uid}
