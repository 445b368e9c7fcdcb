"""DICOM headers grouped into studies and series, and the images that they load."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np

from medtransfer.errors import DataError
from medtransfer.study import checks
from medtransfer.study.dicom import NATIVE, Header
from medtransfer.study.dicom_pixels import Pixels, picture_values, rescaled, stored_pixels
from medtransfer.study.identity import content_id
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Check, Image, Level, Series, Source, Study
from medtransfer.study.quiet import quiet
from medtransfer.study.volume import Stack, stack

_SLICED = frozenset({"CT", "MR", "PT"})
_SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
_THREADS = 4


def studies(headers: Sequence[Header], limits: Limits) -> list[Study]:
    """Group headers into studies, each with its series; order follows the headers."""
    found: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        found[header.study_uid or ("unnamed", *_unnamed_key(header))].append(header)
    return [_study(members, limits) for members in found.values()]


def _study(headers: list[Header], limits: Limits) -> Study:
    first = headers[0]
    grouped: dict[Hashable, list[Header]] = defaultdict(list)
    for header in headers:
        grouped[header.series_uid or _unnamed_key(header)].append(header)
    series = tuple(part for members in grouped.values() for part in _series(members, limits))
    return Study(
        uid=first.study_uid or series[0].uid,
        patient=first.patient,
        date=first.study_date,
        description=first.study_description,
        series=series,
    )


def _unnamed_key(header: Header) -> tuple[str, ...]:
    """Tell series apart whose UIDs were blanked: slices share a frame of reference, pictures share nothing."""
    if not _is_slice(header):
        return (str(header.path),)
    return (header.frame_uid or str(header.path.parent), header.modality, header.description)


def _is_slice(header: Header) -> bool:
    """Whether the image can be part of a volume; MONOCHROME1 says how to show a CT, not what its values mean."""
    return (
        (header.photometric == "MONOCHROME2" or header.modality == "CT")
        and header.modality in _SLICED
        and header.frames == 1
        and header.samples == 1
        and not header.is_localizer
        and not header.sop_class.startswith(_SECONDARY_CAPTURE)
    )


def _series(headers: list[Header], limits: Limits) -> list[Series]:
    """Divide one series into volumes and pictures: what differs in kind, size or direction cannot be one volume."""
    unique = list({_instance_key(h): h for h in headers}.values())
    grouped: list[list[Header]] = []
    for header in unique:
        home = next((group for group in grouped if _fit_together(group[0], header)), None)
        if home is None:
            grouped.append([header])
        else:
            home.append(header)
    parts = [part for members in grouped for part in _by_acquisition(members)]
    common = (*checks.split(len(parts)), *checks.repeated_instances(len(headers) - len(unique)))
    uid = headers[0].series_uid or content_id(min(headers, key=lambda h: h.path.name).path)
    return [
        _volume(uid if len(parts) == 1 else f"{uid}#{n}", part, common, limits)
        if _is_slice(part[0])
        else _picture(uid if len(parts) == 1 else f"{uid}#{n}", part[0], common)
        for n, part in enumerate(parts, start=1)
    ]


def _instance_key(header: Header) -> Hashable:
    """Two files are copies when they carry one UID; some converters keep it although they changed the picture."""
    return (header.sop_instance or str(header.path), header.photometric, header.position)


def _fit_together(one: Header, other: Header) -> bool:
    return (
        _is_slice(one)
        and _is_slice(other)
        and (one.rows, one.columns) == (other.rows, other.columns)
        and len(one.orientation) == len(other.orientation)
        and np.allclose(one.orientation, other.orientation, atol=5e-3)
        and np.allclose(one.pixel_spacing or (0.0, 0.0), other.pixel_spacing or (0.0, 0.0), rtol=1e-3)
    )


def _by_acquisition(headers: list[Header]) -> list[list[Header]]:
    """Divide slices that repeat positions, when their acquisition, time point or echo tells them apart."""
    if not _is_slice(headers[0]) or not _repeats(headers):
        return [headers]
    for index in range(len(headers[0].acquisition)):
        grouped: dict[str, list[Header]] = defaultdict(list)
        for header in headers:
            grouped[header.acquisition[index]].append(header)
        if not any(_repeats(part) for part in grouped.values()):
            return list(grouped.values())
    return [headers]


def _repeats(headers: Sequence[Header]) -> bool:
    return len({h.position for h in headers}) < len(headers)


def _volume(uid: str, headers: list[Header], common: tuple[Check, ...], limits: Limits) -> Series:
    first = headers[0]
    placed = None if any(checks.placement(headers)) else _stack(headers)
    ordered = sorted(headers, key=lambda h: h.number) if placed is None else [headers[i] for i in placed.order]
    found = (*common, *checks.for_volume(headers, placed))
    return Series(
        uid=uid,
        modality=first.modality,
        description=first.description,
        shape=(len(headers), first.rows, first.columns),
        axes="zyx",
        source=Source("dicom", tuple(h.path.name for h in ordered)),
        load=partial(_load_volume, ordered, placed, found, limits),
        date=first.date,
        laterality=first.laterality,
        checks=found,
        files=tuple(h.path for h in ordered),
    )


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
        pixels, bits, windows = picture_values(header)
    in_colour = pixels.ndim == 3
    return Image(
        array=pixels,
        axes="yxc" if in_colour else "yx",
        modality=header.modality,
        units="display" if in_colour or header.sop_class.startswith(_SECONDARY_CAPTURE) else "stored",
        meaning="rgb" if in_colour else "monochrome",
        pixel_spacing=header.pixel_spacing,
        bits=bits,
        windows=windows,
        laterality=header.laterality,
        body_part=header.body_part,
        view=header.view,
        uids=_uids(header),
        instances=(header.sop_instance,) if header.sop_instance else (),
        checks=found,
    )


def _load_volume(headers: list[Header], placed: Stack | None, found: tuple[Check, ...], limits: Limits) -> Image:
    first = headers[0]
    _require_usable(found, first.path.name)
    if placed is None:
        raise ValueError("slices without a place must carry a check of level error")
    require_within(sum(h.announced_bytes for h in headers), limits.image_bytes, first.path)
    with quiet():
        array = rescaled(_decoded(headers), headers)
    in_hu = first.modality == "CT" and first.rescale_type in {"", "HU"} and not any(checks.no_rescale(headers))
    return Image(
        array=array,
        axes="zyx",
        modality=first.modality,
        units="HU" if in_hu else "stored",
        affine=placed.affine.copy(),
        bits=16 if array.dtype.kind in "iu" else 32,
        windows=first.windows,
        laterality=first.laterality,
        body_part=first.body_part,
        view=first.view,
        uids=_uids(first),
        instances=tuple(h.sop_instance for h in headers if h.sop_instance),
        checks=found,
    )


def _decoded(headers: Sequence[Header]) -> Pixels:
    """Return all slices' stored pixels in one array ``(z, y, x)``, decoding several at a time when compressed."""
    first = stored_pixels(headers[0])
    volume = np.empty((len(headers), *first.shape), dtype=np.result_type(*{_stored_type(h, first) for h in headers}))
    volume[0] = first

    def fill(index: int) -> None:
        volume[index] = stored_pixels(headers[index])

    rest = range(1, len(headers))
    if first.ndim != 2 or headers[0].transfer_syntax in NATIVE:
        for index in rest:
            fill(index)
    else:
        with ThreadPoolExecutor(min(_THREADS, os.cpu_count() or 1)) as pool:
            list(pool.map(fill, rest))
    return volume


def _stored_type(header: Header, first: Pixels) -> np.dtype[np.generic]:
    return np.dtype(f"{'i' if header.signed else 'u'}{first.dtype.itemsize}")


def _uids(header: Header) -> dict[str, str]:
    named = {"study": header.study_uid, "series": header.series_uid, "frame_of_reference": header.frame_uid}
    return {name: uid for name, uid in named.items() if uid}
