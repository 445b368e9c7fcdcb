"""NIfTI-1 and NIfTI-2 files: RAS turned into LPS, arrays into ``(z, y, x)``, here and nowhere else."""

from __future__ import annotations

import gzip
import struct
import zlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from nibabel import Nifti1Header, Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.identity import content_id
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.modality import suspicion
from medtransfer.study.model import Check, Image, Level, Patient, Series, Source, Study
from medtransfer.study.quiet import quiet
from medtransfer.study.volume import RAS_TO_LPS

_HEADERS: dict[int, Any] = {1: Nifti1Header, 2: Nifti2Header}  # nibabel carries no types
_HEADER_BYTES = {1: 348, 2: 540}
_DEFLATE_RATIO = 1032  # no deflate stream is denser: a length and a distance of one bit each give 258 bytes
_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}  # nibabel's names; anything else counts as mm
_TRAILER = 1 << 20  # what may follow the values: more is left unread
_INT16 = np.iinfo(np.int16)
_READ_ERRORS = (OSError, EOFError, ValueError, TypeError, KeyError, OverflowError, struct.error, zlib.error)


@dataclass(frozen=True, slots=True, eq=False)
class _Layout:
    """Where the values lie in the (inflated) file and what they mean."""

    path: Path
    shape: tuple[int, int, int]
    dtype: np.dtype[np.generic]
    offset: int
    slope: float
    intercept: float
    affine: NDArray[np.float64]

    @property
    def value_bytes(self) -> int:
        return int(np.prod(self.shape, dtype=object)) * self.dtype.itemsize


def open_nifti(path: Path, limits: Limits) -> Study:
    """Return the study of one NIfTI file; its values are read when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.too-large``, or when the file is not one volume of numbers
        placed in space: ``nifti.dimensions``, ``nifti.values``, ``nifti.no-position``.
    """
    with quiet():
        header = _read_header(path)
        layout = _layout(header, path)
        found = tuple(_checks(header))
    require_within(layout.value_bytes, limits.image_bytes, path)
    _require_length(layout)
    uid = content_id(path)
    series = Series(
        uid=uid,
        modality="OT",
        description="",
        shape=layout.shape,
        axes="zyx",
        source=Source("nifti", (path.name,)),
        load=partial(_load, layout, found),
        checks=found,
    )
    return Study(uid=uid, patient=Patient(), date="", description="", series=(series,))


def _opened(path: Path) -> BinaryIO:
    with path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    return gzip.open(path, "rb") if zipped else path.open("rb")  # type: ignore[return-value] # GzipFile reads alike


def _read_header(path: Path) -> Any:
    try:
        with _opened(path) as file:
            block = file.read(_HEADER_BYTES[2])
        version = 2 if block[4:7] == b"n+2" else 1
        return _HEADERS[version](block[: _HEADER_BYTES[version]])
    except (*_READ_ERRORS, HeaderDataError, WrapStructError) as error:
        raise _damaged(path) from error


def _damaged(path: Path) -> DataError:
    return DataError(
        "the NIfTI file is damaged", code="study.damaged", hint="Copy or export it again.", subject=path.name
    )


def _layout(header: Any, path: Path) -> _Layout:
    try:
        shape = tuple(int(n) for n in header.get_data_shape())
        dtype = header.get_data_dtype()
        offset = int(header.get_data_offset())
        slope, intercept = header.get_slope_inter()
        affine = header.get_best_affine()
    except (*_READ_ERRORS, HeaderDataError) as error:
        raise _damaged(path) from error
    _require_volume(shape, dtype, path)
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise _refused("nifti.no-position", "does not say where the volume lies in the patient", path)
    to_mm = _MM_PER_UNIT.get(header.get_xyzt_units()[0], 1.0)
    in_lps = RAS_TO_LPS @ np.diag([to_mm, to_mm, to_mm, 1.0]) @ np.asarray(affine, dtype=np.float64)
    if not np.isfinite(in_lps).all() or abs(np.linalg.det(in_lps)) < 1e-12:
        raise _refused("nifti.no-position", "holds an affine that places the volume nowhere", path)
    columns, rows, slices = (*shape, 1)[:3]
    return _Layout(
        path=path,
        shape=(slices, rows, columns),
        dtype=dtype,
        offset=offset,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
        affine=np.ascontiguousarray(in_lps[:, [2, 1, 0, 3]]),
    )


def _require_volume(shape: tuple[int, ...], dtype: np.dtype[np.generic], path: Path) -> None:
    if len(shape) < 2 or any(n < 1 for n in shape) or any(n != 1 for n in shape[3:]):
        raise _refused("nifti.dimensions", f"has the dimensions {shape} and not those of one volume", path)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise _refused("nifti.values", "holds colours or complex numbers and not one number per voxel", path)


def _refused(code: str, what: str, path: Path) -> DataError:
    return DataError(f"the NIfTI file {what}", code=code, hint="Convert the original images again.", subject=path.name)


def _require_length(layout: _Layout) -> None:
    """Compare the announced length with the file's; a zipped file cannot hold more than deflate can express."""
    length = layout.path.stat().st_size
    with layout.path.open("rb") as file:
        zipped = file.read(2) == b"\x1f\x8b"
    if layout.offset + layout.value_bytes > length * (_DEFLATE_RATIO if zipped else 1):
        raise _truncated(layout.path)


def _truncated(path: Path) -> DataError:
    return DataError(
        "the file ends before its values do",
        code="study.truncated",
        hint="Copy or export it again: the transfer was cut short.",
        subject=path.name,
    )


def _checks(header: Any) -> list[Check]:
    found = [
        Check("nifti.no-modality", Level.INFO, "NIfTI does not say which machine the values come from or their unit.")
    ]
    sform, sform_code = header.get_sform(coded=True)
    qform, qform_code = header.get_qform(coded=True)
    if sform_code and qform_code and not np.allclose(sform, qform, atol=1e-2):
        found.append(
            Check("nifti.two-positions", Level.WARNING, "The file's two affines disagree.", "The sform is used.")
        )
    return found


def _load(layout: _Layout, found: tuple[Check, ...]) -> Image:
    values = np.empty(layout.shape, dtype=layout.dtype)  # i runs fastest in the file: (z, y, x) in C order
    try:
        with _opened(layout.path) as file:
            file.seek(layout.offset)
            complete = _fill(values.data.cast("B"), file)
            file.read(_TRAILER)  # at the end of a zipped file its checksum is compared
    except EOFError as error:
        raise _truncated(layout.path) from error
    except _READ_ERRORS as error:
        raise _damaged(layout.path) from error
    if not complete:
        raise _truncated(layout.path)
    array = _compact(values, layout)
    image = Image(
        array=array,
        axes="zyx",
        modality="OT",
        units="stored",
        affine=layout.affine.copy(),
        bits=array.dtype.itemsize * 8,
        checks=found,
    )
    return image.with_checks(*suspicion(image))


def _fill(target: memoryview, file: BinaryIO) -> bool:
    """Read exactly as many bytes as the target holds: a zipped bomb is never inflated further."""
    done = 0
    while done < len(target):
        part = file.readinto(target[done : done + (1 << 24)])  # type: ignore[attr-defined] # both readers have it
        if not part:
            return False
        done += part
    return True


def _compact(values: NDArray[np.generic], layout: _Layout) -> NDArray[np.generic]:
    """Return float32 when scaled or floating, int16 when whole numbers fit, else the stored type; native byte order."""
    if (layout.slope, layout.intercept) != (1.0, 0.0):
        scaled = values.astype(np.float64) * layout.slope + layout.intercept
        return scaled.astype(np.float32)
    if values.dtype.kind == "f":
        return values.astype(np.float32)
    if values.dtype.itemsize > 2 and values.min() >= _INT16.min and values.max() <= _INT16.max:
        return values.astype(np.int16)
    return values.astype(values.dtype.newbyteorder("="), copy=False)
