"""MetaImage files (.mha, or .mhd with the values beside it), the format of ITK.

The header is a list of ``Key = Value`` and is read here: the libraries that read it wrap ITK, whose C++ would run on a
stranger's file within the application. The tests compare with SimpleITK. Keys as in the MetaIO documentation
(itk.org/Wiki/ITK/MetaIO/Documentation); positions are LPS millimetres.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import DataError
from medtransfer.study.limits import Limits
from medtransfer.study.model import Check, Level, Source, Study
from medtransfer.study.place import Place, detached
from medtransfer.study.volumes import names, study_of
from medtransfer.study.voxels import READ_ERRORS, Packing, Voxels, damaged

_HEADER_BYTES = 1 << 16
_TYPES = {
    "MET_CHAR": "i1", "MET_UCHAR": "u1", "MET_SHORT": "i2", "MET_USHORT": "u2", "MET_INT": "i4", "MET_UINT": "u4",
    "MET_LONG": "i4", "MET_ULONG": "u4", "MET_LONG_LONG": "i8", "MET_ULONG_LONG": "u8", "MET_FLOAT": "f4",
    "MET_DOUBLE": "f8",
}  # fmt: skip
_DATA_FILE = "ElementDataFile"  # the last key of a header
_CHECKS = (
    Check(
        "metaimage.no-modality", Level.INFO, "MetaImage does not say which machine the values come from or their unit."
    ),
)


def open_metaimage(path: Path, limits: Limits, place: Place) -> Study:
    """Return the study of one MetaImage, with a series for each volume; values are read when they are asked for.

    Raises
    ------
    DataError
        ``study.damaged``, ``study.truncated``, ``study.too-large``, ``study.detached``, or when the file does not hold
        numbers placed in space: ``metaimage.dimensions``, ``metaimage.values``, ``metaimage.encoding``,
        ``metaimage.no-position``.
    """
    voxels, affine, checks = placed(path, limits, place)
    return study_of(voxels, affine, Source("metaimage", names(path, voxels.path)), checks)


def placed(path: Path, limits: Limits, place: Place) -> tuple[Voxels, NDArray[np.float64], tuple[Check, ...]]:
    """Return where the values lie, their affine as an image has it, and what the header gave away.

    Raises
    ------
    DataError
        See :func:`open_metaimage`.
    """
    try:
        header, length = _read_header(path)
        voxels = _voxels(header, length, path, place)
        affine = _affine(header, path)
    except READ_ERRORS as error:
        raise damaged(path) from error
    voxels.require_sound(limits)
    return voxels, affine, _CHECKS


def _read_header(path: Path) -> tuple[dict[str, str], int]:
    """Return the fields and the length of the header."""
    with path.open("rb") as file:
        block = file.read(_HEADER_BYTES)
    header: dict[str, str] = {}
    at = 0
    while _DATA_FILE not in header:
        end = block.find(b"\n", at)
        key, equals, value = block[at : end if end >= 0 else len(block)].decode("latin-1").partition("=")
        if not equals or (end < 0 and key.strip() != _DATA_FILE):
            raise damaged(path)
        header[key.strip()] = value.strip()
        at = end + 1 if end >= 0 else len(block)
    return header, at


def _voxels(header: Mapping[str, str], length: int, path: Path, place: Place) -> Voxels:
    sizes = [int(size) for size in header["DimSize"].split()]
    if len(sizes) != int(header["NDims"]) or len(sizes) not in {3, 4} or min(sizes) < 1:
        raise _refused("metaimage.dimensions", "does not hold volumes of three dimensions", path)
    kind = _TYPES.get(header["ElementType"])
    if kind is None or int(header.get("ElementNumberOfChannels", 1)) != 1:
        raise _refused("metaimage.values", "does not hold one number per voxel", path)
    if not _is_true(header.get("BinaryData", "True")):
        raise _refused("metaimage.encoding", "stores its values as text", path)
    order = header.get("BinaryDataByteOrderMSB", header.get("ElementByteOrderMSB", "False"))
    dtype = np.dtype(kind).newbyteorder(">" if _is_true(order) else "<")
    packing: Packing = "zlib" if _is_true(header.get("CompressedData", "False")) else "plain"
    values_path, start = _data_file(header, length, path, place)
    columns, rows, slices, volumes = (*sizes, 1)[:4]
    skipped = int(header.get("HeaderSize", 0))
    if skipped == -1:  # the values are at the end of the file, whatever precedes them
        start = values_path.stat().st_size - columns * rows * slices * volumes * dtype.itemsize
    return Voxels(
        header=path,
        path=values_path,
        start=start + max(0, skipped),
        offset=0,
        shape=(slices, rows, columns),
        dtype=dtype,
        packing=packing,
        volumes=volumes,
    )


def _data_file(header: Mapping[str, str], length: int, path: Path, place: Place) -> tuple[Path, int]:
    """Return the file with the values and where they begin."""
    stated = header[_DATA_FILE]
    if stated.upper() == "LOCAL":
        return path, length
    if stated.upper().startswith("LIST") or "%" in stated:
        raise _refused("metaimage.encoding", "divides its values among several files", path)
    return detached(path, stated.removeprefix("./"), place), 0


def _is_true(text: str) -> bool:
    return text[:1].upper() in {"T", "1"}


def _affine(header: Mapping[str, str], path: Path) -> NDArray[np.float64]:
    count = int(header["NDims"])
    directions = _numbers(header, ("TransformMatrix", "Rotation", "Orientation"))
    origin = _numbers(header, ("Offset", "Position", "Origin"))
    spacing = _numbers(header, ("ElementSpacing", "ElementSize"))
    if directions is None or origin is None or spacing is None:
        raise _refused("metaimage.no-position", "does not say where the volume lies in the patient", path)
    columns = (directions.reshape(count, count) * spacing.reshape(count, 1))[:3, :3].T
    affine = np.eye(4)
    affine[:3, :3] = columns[:, ::-1]
    affine[:3, 3] = origin[:3]
    if not np.isfinite(affine).all() or abs(np.linalg.det(affine)) < 1e-12:
        raise _refused("metaimage.no-position", "holds directions that place the volume nowhere", path)
    return affine


def _numbers(header: Mapping[str, str], keys: tuple[str, ...]) -> NDArray[np.float64] | None:
    found = next((header[key] for key in keys if key in header), None)
    return None if found is None else np.array([float(number) for number in found.split()])


def _refused(code: str, what: str, path: Path) -> DataError:
    return DataError(
        f"the MetaImage file {what}", code=code, hint="Convert the original images again.", subject=path.name
    )
