"""NRRD files, with their values attached or beside them: the header through pynrrd, every space turned into LPS."""

from __future__ import annotations

import io
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import nrrd
import numpy as np
from nrrd.errors import NRRDError
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.limits import Limits
from medtransfer.study.model import Check, Level, Source, Study
from medtransfer.study.place import Place, detached
from medtransfer.study.quiet import quiet
from medtransfer.study.volumes import names, study_of
from medtransfer.study.voxels import READ_ERRORS, Packing, Voxels, damaged

_HEADER_BYTES = 1 << 20
_HEADER_ERRORS = (*READ_ERRORS, NRRDError, AttributeError, IndexError)
# The spaces of patients (teem.sourceforge.net/nrrd/format.html, "space"): what turns each axis into LPS.
_TO_LPS = {
    "left-posterior-superior": (1.0, 1.0, 1.0),
    "lps": (1.0, 1.0, 1.0),
    "right-anterior-superior": (-1.0, -1.0, 1.0),
    "ras": (-1.0, -1.0, 1.0),
    "left-anterior-superior": (1.0, -1.0, 1.0),
    "las": (1.0, -1.0, 1.0),
}
_MM_PER_UNIT = {"m": 1000.0, "cm": 10.0, "mm": 1.0, "um": 0.001}
_TYPES = {
    **dict.fromkeys(("signed char", "int8", "int8_t"), "i1"),
    **dict.fromkeys(("uchar", "unsigned char", "uint8", "uint8_t"), "u1"),
    **dict.fromkeys(("short", "short int", "signed short", "signed short int", "int16", "int16_t"), "i2"),
    **dict.fromkeys(("ushort", "unsigned short", "unsigned short int", "uint16", "uint16_t"), "u2"),
    **dict.fromkeys(("int", "signed int", "int32", "int32_t"), "i4"),
    **dict.fromkeys(("uint", "unsigned int", "uint32", "uint32_t"), "u4"),
    **dict.fromkeys(("longlong", "long long", "long long int", "signed long long", "int64", "int64_t"), "i8"),
    **dict.fromkeys(("ulonglong", "unsigned long long", "unsigned long long int", "uint64", "uint64_t"), "u8"),
    "float": "f4",
    "double": "f8",
}
_PACKINGS: dict[str, Packing] = {"raw": "plain", "gzip": "gzip", "gz": "gzip"}


def open_nrrd(path: Path, limits: Limits, place: Place) -> Study:
    """Return the study of one NRRD file, with a series for each volume; values are read when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.too-large``, ``study.detached``, or when the file does not hold
        numbers placed in space: ``nrrd.dimensions``, ``nrrd.values``, ``nrrd.encoding``, ``nrrd.no-position``.
    """
    voxels, affine, checks = placed(path, limits, place)
    return study_of(voxels, affine, Source("nrrd", names(path, voxels.path)), checks)


def placed(path: Path, limits: Limits, place: Place) -> tuple[Voxels, NDArray[np.float64], tuple[Check, ...]]:
    """Return where the values lie, their affine as an image has it, and what the header gave away.

    Raises
    ------
    DataError
        See :func:`open_nrrd`.
    """
    try:
        with quiet():
            header, length = _read_header(path)
            affine = _affine(header, path)
            voxels = _voxels(header, length, path, place)
    except _HEADER_ERRORS as error:
        raise damaged(path) from error
    voxels.require_sound(limits)
    return voxels, affine, tuple(_checks(header))


def _read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Return the fields, and the length of the header with the empty line that ends it."""
    with path.open("rb") as file:
        block = file.read(_HEADER_BYTES)
    ends = [(at + len(mark)) for mark in (b"\n\n", b"\r\n\r\n") if (at := block.find(mark)) >= 0]
    length = min(ends, default=len(block))
    if length == _HEADER_BYTES:
        raise damaged(path)
    return dict(nrrd.read_header(io.BytesIO(block[:length]))), length


def _voxels(header: dict[str, Any], length: int, path: Path, place: Place) -> Voxels:
    sizes = [int(size) for size in header["sizes"]]
    spatial = _spatial_axes(header, path)
    others = [axis for axis in range(len(sizes)) if axis not in spatial]
    if any(sizes[axis] != 1 for axis in others if axis != len(sizes) - 1) or min(sizes) < 1:
        raise _refused(
            "nrrd.dimensions", "interleaves several values at each voxel, as of vectors, colours or directions", path
        )
    packing = _PACKINGS.get(str(header["encoding"]).lower())
    kind = _TYPES.get(str(header["type"]))
    if packing is None or int(header.get("line skip", 0)):
        raise _refused("nrrd.encoding", "stores its values as text or packed in a way that is not supported", path)
    if kind is None:
        raise _refused("nrrd.values", "does not hold one number per voxel", path)
    dtype = np.dtype(kind).newbyteorder(">" if str(header.get("endian", "little")).lower() == "big" else "<")
    slices, rows, columns = (sizes[axis] for axis in reversed(spatial))
    volumes = int(np.prod([sizes[axis] for axis in others], dtype=object)) if others else 1
    values_path, start = _data_file(header, length, path, place)
    skipped = int(header.get("byte skip", 0))
    if skipped == -1 and packing == "plain":  # the values are at the end of the file, whatever precedes them
        total = slices * rows * columns * volumes * dtype.itemsize
        start, skipped = values_path.stat().st_size - total, 0
    return Voxels(
        header=path,
        path=values_path,
        start=start,
        offset=skipped,
        shape=(slices, rows, columns),
        dtype=dtype,
        packing=packing,
        volumes=volumes,
    )


def _data_file(header: dict[str, Any], length: int, path: Path, place: Place) -> tuple[Path, int]:
    """Return the file with the values and where they begin."""
    stated = header.get("data file") or header.get("datafile")
    if stated is None:
        return path, length
    if not isinstance(stated, str) or "%" in stated or stated.upper().startswith("LIST"):
        raise _refused("nrrd.encoding", "divides its values among several files", path)
    return detached(path, stated.removeprefix("./"), place), 0


def _spatial_axes(header: dict[str, Any], path: Path) -> list[int]:
    """Return the three axes that have a direction in space, the fastest first."""
    directions = np.asarray(_directions(header), dtype=np.float64)
    axes = [axis for axis, direction in enumerate(directions) if np.isfinite(direction).all()]
    if directions.shape != (len(header["sizes"]), 3) or len(axes) != 3 or len(directions) > 4:
        raise _refused("nrrd.dimensions", "does not hold volumes of three dimensions", path)
    return axes


def _directions(header: dict[str, Any]) -> list[Any]:
    """Return a direction for each axis, not-a-number for one that has none."""
    return [np.full(3, np.nan) if row is None else row for row in header["space directions"]]


def _affine(header: dict[str, Any], path: Path) -> NDArray[np.float64]:
    turned = _TO_LPS.get(str(header.get("space", "")).lower())
    if turned is None or "space directions" not in header or "space origin" not in header:
        raise _refused("nrrd.no-position", "does not say where the volume lies in the patient", path)
    directions = np.asarray(_directions(header), dtype=np.float64)[_spatial_axes(header, path)]
    to_lps = np.diag(turned) @ np.diag(_millimetres(header, path))
    affine = np.eye(4)
    affine[:3, :3] = to_lps @ directions[::-1].T
    affine[:3, 3] = to_lps @ np.asarray(header["space origin"], dtype=np.float64)
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
        raise _refused("nrrd.no-position", "holds directions that place the volume nowhere", path)
    return affine


def _millimetres(header: dict[str, Any], path: Path) -> list[float]:
    units = [str(unit).strip() for unit in header.get("space units", ["mm"] * 3)]
    if len(units) != 3 or any(unit not in _MM_PER_UNIT for unit in units if unit):
        raise _refused("nrrd.no-position", "states distances in a unit that is not known", path)
    return [_MM_PER_UNIT.get(unit, 1.0) for unit in units]


def _refused(code: str, what: str, path: Path) -> DataError:
    return DataError(f"the NRRD file {what}", code=code, hint="Convert the original images again.", subject=path.name)


def _checks(header: dict[str, Any]) -> Iterable[Check]:
    yield Check("nrrd.no-modality", Level.INFO, "NRRD does not say which machine the values come from or their unit.")
    if "space units" not in header:
        yield Check("nrrd.no-unit", Level.INFO, "The file does not state the unit of its distances.", "Taken as mm.")
