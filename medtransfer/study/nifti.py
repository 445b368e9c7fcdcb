"""NIfTI-1 and NIfTI-2 files, alone or as a pair of .hdr and .img: RAS turned into LPS, and their checks."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import product
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from nibabel import Nifti1Header, Nifti2Header
from nibabel.spatialimages import HeaderDataError
from nibabel.wrapstruct import WrapStructError
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.inflate import is_gzip, opened_inflated
from medtransfer.study.limits import Limits
from medtransfer.study.model import Check, Level, Source, Study
from medtransfer.study.place import Place, detached
from medtransfer.study.quiet import quiet
from medtransfer.study.volume import RAS_TO_LPS
from medtransfer.study.volumes import names, study_of
from medtransfer.study.voxels import READ_ERRORS, Voxels, damaged

_HEADERS: dict[int, Any] = {1: Nifti1Header, 2: Nifti2Header}  # nibabel carries no types
_HEADER_BYTES = {1: 348, 2: 540}
_MM_PER_UNIT = {"meter": 1000.0, "micron": 0.001}  # nibabel's names; anything else counts as mm
_SECONDS_PER_UNIT = {"sec": 1.0, "msec": 1e-3, "usec": 1e-6}
_HEADER_ERRORS = (*READ_ERRORS, HeaderDataError, WrapStructError)
_APART_MM = 0.1  # what rounding to float32 in two places may amount to in a large volume, and then some


def open_nifti(path: Path, limits: Limits, place: Place) -> Study:
    """Return the study of one NIfTI file, with a series for each volume; values are read when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.too-large``, ``study.detached``, or when the file does not hold
        numbers placed in space: ``nifti.dimensions``, ``nifti.values``, ``nifti.no-position``.
    """
    with quiet():
        header, is_pair = _read_header(path)
        values_path = _beside(path, place) if is_pair else path
        try:
            voxels = _voxels(header, path, values_path)
            affine = _affine(header, path)
            found = tuple(_checks(header, voxels.shape))
            moment = partial(_moment, _time_step(header))
        except _HEADER_ERRORS as error:
            raise damaged(path) from error
    voxels.require_sound(limits)
    return study_of(voxels, affine, Source("nifti", names(path, values_path)), found, moment)


def _read_header(path: Path) -> tuple[Any, bool]:
    try:
        with path.open("rb") as raw:
            block = opened_inflated(raw).read(_HEADER_BYTES[2])
        version = 2 if block[4:7] in {b"n+2", b"ni2"} else 1
        header = _HEADERS[version](block[: _HEADER_BYTES[version]])
        return header, bytes(header["magic"]).startswith(b"ni")
    except _HEADER_ERRORS as error:
        raise damaged(path) from error


def _beside(path: Path, place: Place) -> Path:
    """Return the .img of a .hdr."""
    stem = PurePath(place.name_of(path).removesuffix(".gz")).stem
    for suffix in (".img", ".IMG"):
        if found := place.beside(path, stem + suffix):
            return found
    return detached(path, f"{stem}.img.gz", place)


def _voxels(header: Any, path: Path, values_path: Path) -> Voxels:
    shape = tuple(int(n) for n in header.get_data_shape())
    dtype = header.get_data_dtype()
    if not 2 <= len(shape) <= 7 or any(n < 1 for n in shape) or any(n != 1 for n in shape[4:]):
        raise _refused("nifti.dimensions", f"has the dimensions {shape} and not those of volumes", path)
    if dtype.kind not in "iuf" or dtype.itemsize > 8:
        raise _refused("nifti.values", "holds colours or complex numbers and not one number per voxel", path)
    slope, intercept = header.get_slope_inter()
    columns, rows, slices, volumes = (*shape, 1, 1)[:4]
    return Voxels(
        header=path,
        path=values_path,
        start=0,
        offset=int(header["vox_offset"]) if values_path != path else int(header.get_data_offset()),
        shape=(slices, rows, columns),
        dtype=dtype,
        packing="gzip" if is_gzip(values_path) else "plain",
        volumes=volumes,
        slope=1.0 if slope is None else float(slope),
        intercept=0.0 if intercept is None else float(intercept),
    )


def _affine(header: Any, path: Path) -> NDArray[np.float64]:
    if int(header["sform_code"]) == 0 and int(header["qform_code"]) == 0:
        raise _refused("nifti.no-position", "does not say where the volume lies in the patient", path)
    to_mm = _MM_PER_UNIT.get(header.get_xyzt_units()[0], 1.0)
    ras = np.asarray(header.get_best_affine(), dtype=np.float64)
    in_lps = RAS_TO_LPS @ np.diag([to_mm, to_mm, to_mm, 1.0]) @ ras
    if not np.isfinite(in_lps).all() or abs(np.linalg.det(in_lps)) < 1e-12:
        raise _refused("nifti.no-position", "holds an affine that places the volume nowhere", path)
    return np.ascontiguousarray(in_lps[:, [2, 1, 0, 3]])


def _refused(code: str, what: str, path: Path) -> DataError:
    return DataError(f"the NIfTI file {what}", code=code, hint="Convert the original images again.", subject=path.name)


def _checks(header: Any, shape: tuple[int, int, int]) -> Iterable[Check]:
    yield Check("nifti.no-modality", Level.INFO, "NIfTI does not say which machine the values come from or their unit.")
    if header.get_xyzt_units()[0] == "unknown":
        yield Check(
            "nifti.no-unit", Level.INFO, "The file does not state the unit of its distances.", "Taken as millimetres."
        )
    if int(header["sform_code"]) and int(header["qform_code"]):
        yield from _two_positions(header, shape)


def _two_positions(header: Any, shape: tuple[int, int, int]) -> Iterable[Check]:
    """Compare where the two affines put the corners of the volume."""
    try:
        apart = (header.get_sform() - header.get_qform()) @ _corners(shape)
    except (ValueError, HeaderDataError):
        yield Check("nifti.bad-qform", Level.WARNING, "The file's qform is no rotation.", "The sform is used.")
        return
    distance = float(np.linalg.norm(apart[:3], axis=0).max())
    if not distance <= _APART_MM:
        yield Check(
            "nifti.two-positions",
            Level.WARNING,
            f"The file's two affines disagree by up to {distance:.1f} mm.",
            "The sform is used.",
        )


def _corners(shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """Return the voxel indices ``(i, j, k, 1)`` of the eight corners, shape (4, 8)."""
    slices, rows, columns = shape
    return np.array([(*ends, 1) for ends in product((0, columns - 1), (0, rows - 1), (0, slices - 1))], np.float64).T


def _time_step(header: Any) -> float | None:
    """Return the seconds between volumes; None when the fourth axis is not time."""
    unit = _SECONDS_PER_UNIT.get(header.get_xyzt_units()[1])
    step = float(header["pixdim"][4])
    return unit * step if unit is not None and np.isfinite(step) and step > 0 else None


def _moment(step: float | None, index: int) -> str:
    return "" if step is None else f", {step * index:g} s"
