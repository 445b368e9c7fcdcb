"""Save the segmentation of a result as a file of its own, where a person wants it. The result stays as it is."""

from __future__ import annotations

import errno
import gzip
import shutil
import uuid
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from medtransfer.errors import DataError, EnvironmentFailure
from medtransfer.result.document import SEGMENTATION
from medtransfer.result.model import Passport, Segmentation
from medtransfer.study.model import Image
from medtransfer.work.delivery import structures_csv

SavedAs = Literal["seg", "nifti", "csv"]
SUFFIXES: dict[SavedAs, tuple[str, ...]] = {"seg": (".dcm",), "nifti": (".nii.gz", ".nii"), "csv": (".csv",)}
"""What the names of files end in, the usual one first."""
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_DAMAGED = (gzip.BadGzipFile, EOFError, zlib.error)
_REFUSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})


@dataclass(frozen=True, eq=False)
class Segmented:
    """A result's segmentation with all that its files need.

    ``folder`` is the result's, ``image`` what was analysed, ``files`` its own where it is DICOM.
    """

    folder: Path
    segmentation: Segmentation
    passport: Passport
    image: Image
    files: tuple[Path, ...] = ()


def save(found: Segmented, path: Path, saved_as: SavedAs, check: Callable[[], None] = lambda: None) -> Path:
    """Write the file, complete or not at all, in the place of one that is there, and return where it is.

    Parameters
    ----------
    found
        What to save.
    path
        Where to. A label map whose name ends in ``.nii`` is not compressed.
    saved_as
        DICOM SEG, the label map as NIfTI, or a table of the structures.
    check
        Raises when the person wishes to stop; asked before the file appears.

    Raises
    ------
    DataError
        When the DICOM files or the result folder were removed meanwhile, or their headers do not suffice.
    EnvironmentFailure
        When the disk is full, or the file may not or cannot be written.
    """
    if saved_as == "seg":
        _require(found.files)
    partial = path.with_name(f".{uuid.uuid4().hex[:12]}.partial")
    try:
        _write(found, partial, saved_as, compressed=path.suffix != ".nii")
        check()
        partial.replace(path)
    except OSError as error:
        raise _explained(error, path) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _write(found: Segmented, path: Path, saved_as: SavedAs, *, compressed: bool) -> None:
    match saved_as:
        case "seg":
            from medtransfer.result.dicom_seg_writing import write_seg  # highdicom: only where it is wanted

            write_seg(path, found.segmentation, found.image, found.files, found.passport)
        case "nifti":
            _copy_map(found.folder / SEGMENTATION, path, compressed=compressed)
        case "csv":
            path.write_text(structures_csv(found.segmentation.structures), encoding="utf-8", newline="\n")


def _copy_map(source: Path, path: Path, *, compressed: bool) -> None:
    if not source.is_file():
        raise _gone()
    opened = Path.open if compressed else gzip.open
    try:
        with opened(source, "rb") as stream, path.open("wb") as target:
            shutil.copyfileobj(stream, target)
    except _DAMAGED as error:
        raise _gone() from error


def _gone() -> DataError:
    return DataError(
        "the files of this result were removed or damaged meanwhile",
        code="result.gone",
        hint="Analyse the series again.",
    )


def _require(files: Sequence[Path]) -> None:
    if not files or not all(file.is_file() for file in files):
        raise DataError(
            "the DICOM files of this series are not where they were opened from any more",
            code="save.source",
            hint="Bring them back, or save as NIfTI, which needs none of them.",
        )


def _explained(error: OSError, path: Path) -> EnvironmentFailure:
    if error.errno in _FULL:
        message, code, hint = "the disk is full", "disk.full", "Free some space, or choose another disk."
    elif error.errno in _REFUSED:
        message, code = "files may not be written in this folder", "save.refused"
        hint = "Choose another folder, or close the program that holds the file open."
    elif error.errno == errno.ENOENT:
        message, code, hint = "the folder is not there any more", "save.folder", "Choose another folder."
    else:
        message, code = "the file could not be written", "save.write"
        hint = "Choose another folder, and see whether its disk is still connected."
    return EnvironmentFailure(message, code=code, hint=f"{hint} The result itself is kept.", subject=path.name)
