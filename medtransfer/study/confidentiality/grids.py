"""An NRRD or MetaImage file written anew from its values and their place; nothing else of its header is carried over.

Values keep their type and are compressed; several volumes stay in one file, and what lay beside a header comes into it.
"""

from __future__ import annotations

import gzip
import zlib
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.study import metaimage, nrrd
from medtransfer.study.confidentiality.changes import Changes
from medtransfer.study.limits import Limits
from medtransfer.study.place import Place
from medtransfer.study.voxels import Voxels

_LEVEL = 6  # of the compression
_NRRD_FLOATS = {"float32": "float", "float64": "double"}
_META_TYPES = {
    "int8": "MET_CHAR", "uint8": "MET_UCHAR", "int16": "MET_SHORT", "uint16": "MET_USHORT", "int32": "MET_INT",
    "uint32": "MET_UINT", "int64": "MET_LONG_LONG", "uint64": "MET_ULONG_LONG", "float32": "MET_FLOAT",
    "float64": "MET_DOUBLE",
}  # fmt: skip


def clean_nrrd(source: Path, target: Path, limits: Limits, place: Place) -> Changes:
    """Write the volumes of an NRRD file as a new one.

    Raises
    ------
    DataError
        What :func:`medtransfer.study.nrrd.open_nrrd` raises: what cannot be read cannot be written anew.
    """
    voxels, affine, _ = nrrd.placed(source, limits, place)
    with target.open("wb") as out:
        out.write(_nrrd_header(voxels, affine).encode("ascii"))
        with gzip.GzipFile(filename="", mode="wb", fileobj=out, compresslevel=_LEVEL, mtime=0) as packed:
            _write(voxels, packed.write)
    return _anew("NRRD header")


def clean_metaimage(source: Path, target: Path, limits: Limits, place: Place) -> Changes:
    """Write the volumes of a MetaImage as a new one.

    Raises
    ------
    DataError
        What :func:`medtransfer.study.metaimage.open_metaimage` raises.
    """
    voxels, affine, _ = metaimage.placed(source, limits, place)
    packer = zlib.compressobj(_LEVEL)
    with target.open("wb") as out:
        begin = out.write(_meta_header(voxels, affine, 0).encode("ascii"))
        _write(voxels, lambda part: out.write(packer.compress(part)))
        out.write(packer.flush())
        size = out.tell() - begin
        out.seek(0)
        out.write(_meta_header(voxels, affine, size).encode("ascii"))
    return _anew("MetaImage header")


def _write(voxels: Voxels, write: Callable[[bytes], int]) -> None:
    for index in range(voxels.volumes):
        volume = voxels.stored(index)
        for plane in volume.astype(volume.dtype.newbyteorder("<"), copy=False):
            write(plane.tobytes())


def _nrrd_header(voxels: Voxels, affine: NDArray[np.float64]) -> str:
    several = voxels.volumes > 1
    name = voxels.dtype.newbyteorder("=").name
    directions = [f"({_listed(axis, ',')})" for axis in affine[:3, 2::-1].T]
    lines = [
        "NRRD0004",
        f"type: {_NRRD_FLOATS.get(name, name)}",
        f"dimension: {3 + several}",
        "space: left-posterior-superior",
        f"sizes: {_listed(_sizes(voxels))}",
        f"space directions: {' '.join([*directions, *(['none'] if several else [])])}",
        f"kinds: domain domain domain{' list' if several else ''}",
        "endian: little",
        "encoding: gzip",
        f"space origin: ({_listed(affine[:3, 3], ',')})",
    ]
    return "\n".join([*lines, "", ""])


def _meta_header(voxels: Voxels, affine: NDArray[np.float64], size: int) -> str:
    """Return the header, of the same length for every ``size`` in bytes of the packed values: ITK must know it."""
    count = 3 + (voxels.volumes > 1)
    axes, origin = np.eye(count), np.zeros(count)
    axes[:3, :3], origin[:3] = affine[:3, 2::-1].T, affine[:3, 3]
    spacing = np.linalg.norm(axes, axis=1)
    lines = [
        "ObjectType = Image",
        f"NDims = {count}",
        "BinaryData = True",
        "BinaryDataByteOrderMSB = False",
        "CompressedData = True",
        f"CompressedDataSize = {size:020d}",
        f"TransformMatrix = {_listed((axes / spacing[:, None]).ravel())}",
        f"Offset = {_listed(origin)}",
        f"ElementSpacing = {_listed(spacing)}",
        f"DimSize = {_listed(_sizes(voxels))}",
        f"ElementType = {_META_TYPES[voxels.dtype.newbyteorder('=').name]}",
        "ElementDataFile = LOCAL",
    ]
    return "\n".join([*lines, ""])


def _sizes(voxels: Voxels) -> list[int]:
    """Return how many values lie along each axis of the file, the fastest first."""
    return [*reversed(voxels.shape), *([voxels.volumes] if voxels.volumes > 1 else [])]


def _listed(numbers: Iterable[float], between: str = " ") -> str:
    return between.join(f"{float(number):.17g}" for number in numbers)


def _anew(what: str) -> Changes:
    changes: Changes = Counter()
    changes[(what, "written anew")] += 1
    return changes
