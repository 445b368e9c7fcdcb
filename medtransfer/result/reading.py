"""Read a result folder back, believing nothing in it."""

from __future__ import annotations

import gzip
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError

from medtransfer.errors import DataError
from medtransfer.result.document import DOCUMENT, FORMAT, SEGMENTATION, Document, heatmap_stem, picture_name
from medtransfer.result.model import Heatmap, HeatmapInfo, Result, Segmentation

if TYPE_CHECKING:
    from nibabel.arrayproxy import ArrayProxy

MAXIMUM_LABEL_MAP = 4 * 1024**3
"""Unpacked bytes of a label map: 2048 slices of 1024 x 1024 in 16 bits."""

MAXIMUM_PICTURE = 1024
"""Side of a similar case's picture, in pixels."""


def read(folder: Path) -> Result:
    """Read what :func:`medtransfer.result.writing.write` wrote.

    Raises
    ------
    DataError
        When the folder holds no result, or one that is incomplete, damaged or of a newer format.
    """
    document = read_document(folder)
    heatmaps = tuple(Heatmap(info, _heatmap(folder, info)) for info in document.heatmaps)
    if len({heatmap.array.shape for heatmap in heatmaps}) > 1:
        raise _damaged(DOCUMENT, "its heat maps are not on one grid")
    segmentation = None
    if document.segmentation:
        segmentation = Segmentation(_label_map(folder), document.structures)
    return Result(
        findings=document.findings,
        source=document.source,
        passport=document.passport,
        heatmaps=heatmaps,
        segmentation=segmentation,
        notices=document.notices,
        pictures=_pictures(folder, document),
    )


def read_document(folder: Path) -> Document:
    """Read ``result.json`` alone, without heat maps and label maps.

    Raises
    ------
    DataError
        When the folder holds no result, or one that is damaged or of a newer format.
    """
    try:
        document = Document.model_validate_json((folder / DOCUMENT).read_bytes())
    except OSError as error:
        raise DataError(
            "this folder holds no result: it has no readable result.json",
            code="result.missing",
            hint="Choose the folder that an analysis wrote.",
            subject=folder.name,
        ) from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its beginning"
        raise _damaged(DOCUMENT, f"it is not valid at {where}: {first['msg'].lower()}") from error
    if document.format > FORMAT:
        raise DataError(
            f"the result has format {document.format}, this medtransfer reads up to {FORMAT}",
            code="result.newer",
            hint="Update medtransfer.",
            subject=folder.name,
        )
    return document


def _heatmap(folder: Path, info: HeatmapInfo) -> NDArray[np.float32]:
    name = f"{heatmap_stem(info.label, info.part)}.npy"
    try:
        # Mapped first: a header that promises more than the file holds is refused before anything is allocated.
        array = np.array(np.load(folder / name, mmap_mode="r", allow_pickle=False))
    except (OSError, ValueError, EOFError) as error:
        raise _damaged(name, "it is missing or cut short") from error
    if array.dtype != np.float32 or array.ndim not in {2, 3} or not np.isfinite(array).all():
        raise _damaged(name, "it is not a map of finite 32-bit numbers")
    return array


def _pictures(folder: Path, document: Document) -> dict[str, NDArray[np.uint8]]:
    """Read the pictures of similar cases that the findings name; their names follow from the cases' keys."""
    from PIL import Image as Picture

    found = {}
    for one in [similar for finding in document.findings for similar in finding.similar if similar.picture]:
        name = picture_name(one.case)
        try:
            with Picture.open(folder / name, formats=("PNG",)) as picture:
                if max(picture.size) > MAXIMUM_PICTURE:
                    raise _damaged(name, "it is larger than such pictures are")
                found[one.case] = np.asarray(picture.convert("RGB"))
        except (OSError, ValueError, SyntaxError, Picture.DecompressionBombError) as error:
            raise _damaged(name, "it is missing or no picture") from error
    return found


def _label_map(folder: Path) -> NDArray[np.unsignedinteger]:
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from nibabel.spatialimages import HeaderDataError
    from nibabel.wrapstruct import WrapStructError

    try:
        with gzip.open(folder / SEGMENTATION) as stream:
            raw = stream.read(MAXIMUM_LABEL_MAP + 1)
        if len(raw) > MAXIMUM_LABEL_MAP:
            raise _damaged(SEGMENTATION, "it unpacks to more than 4 GiB")
        stored = cast("ArrayProxy", nibabel.Nifti1Image.from_bytes(raw).dataobj)
        # Looked at where it lies: nibabel would copy it, and all other threads would wait for that.
        flat: NDArray[Any] = np.frombuffer(raw, stored.dtype, math.prod(stored.shape), stored.offset)
        array = flat.reshape(stored.shape, order="F").T
    except (OSError, EOFError, zlib.error, ValueError, ImageFileError, HeaderDataError, WrapStructError) as error:
        raise _damaged(SEGMENTATION, "it is missing or cut short") from error
    scaled = (stored.slope, stored.inter) != (1.0, 0.0)
    if scaled or array.dtype not in {np.dtype(np.uint8), np.dtype(np.uint16)}:
        raise _damaged(SEGMENTATION, "it is not a map of label numbers")
    labels: NDArray[np.unsignedinteger] = array
    return labels


def _damaged(name: str, what: str) -> DataError:
    return DataError(
        f"the result is damaged: {name}: {what}",
        code="result.damaged",
        hint="Analyse the image again; results are never repaired.",
        subject=name,
    )
