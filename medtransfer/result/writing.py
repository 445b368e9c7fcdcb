"""Write a result into a folder: ``result.json``, the heat maps' values and pictures, the label map."""

from __future__ import annotations

import gzip
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from medtransfer.errors import UserError
from medtransfer.result.colour import inferno
from medtransfer.result.document import DOCUMENT, SEGMENTATION, Document, heatmap_stem, picture_name
from medtransfer.result.model import Finding, Heatmap, Result, Segmentation


def write(result: Result, folder: Path, affine: NDArray[np.float64] | None = None) -> None:
    """Write a result: the folder appears complete or not at all.

    Parameters
    ----------
    result
        What was found.
    folder
        Where to write; must not exist, or be empty.
    affine
        The analysed image's :attr:`Image.affine` (array indices ``(k, j, i)`` to LPS mm), which places the label map;
        None writes it without a place in space.

    Raises
    ------
    UserError
        When the folder holds something already.
    DataError
        When a heat map's label is not a label id.
    OSError
        When the disk is full or may not be written; nothing is left behind.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UserError(
            "the folder for the result is not empty",
            code="result.exists",
            hint="Results are never overwritten: choose another folder.",
            subject=str(folder),
        )
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    try:
        _write_files(result, partial, affine)
        if folder.exists():
            folder.rmdir()
        partial.chmod(0o755)
        partial.replace(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_files(result: Result, folder: Path, affine: NDArray[np.float64] | None) -> None:
    heatmaps = [_write_heatmap(heatmap, folder) for heatmap in result.heatmaps]
    _write_pictures(result.pictures, folder)
    if result.segmentation is not None:
        (folder / SEGMENTATION).write_bytes(_nifti(result.segmentation, affine))
    document = Document(
        findings=tuple(_with_pictures(finding, result.pictures) for finding in result.findings),
        structures=result.segmentation.structures if result.segmentation else (),
        notices=result.notices,
        source=result.source,
        passport=result.passport,
        heatmaps=tuple(heatmap.info for heatmap in heatmaps),
        segmentation=SEGMENTATION if result.segmentation else "",
    )
    (folder / DOCUMENT).write_text(document.model_dump_json(indent=2) + "\n", encoding="utf-8")


def _write_heatmap(heatmap: Heatmap, folder: Path) -> Heatmap:
    """Write the values, and for a picture's map the colours too; return the map with its files named."""
    stem = heatmap_stem(heatmap.info.label, heatmap.info.part)
    np.save(folder / f"{stem}.npy", heatmap.array.astype(np.float32), allow_pickle=False)
    picture = ""
    if heatmap.array.ndim == 2:
        from PIL import Image as Picture

        picture = f"{stem}.png"
        Picture.fromarray(inferno(heatmap.array)).save(folder / picture)
    return replace(heatmap, info=heatmap.info.model_copy(update={"file": f"{stem}.npy", "picture": picture}))


def _write_pictures(pictures: Mapping[str, NDArray[np.uint8]], folder: Path) -> None:
    from PIL import Image as Picture

    for case, pixels in pictures.items():
        Picture.fromarray(pixels).save(folder / picture_name(case))


def _with_pictures(finding: Finding, pictures: Mapping[str, NDArray[np.uint8]]) -> Finding:
    """Name the files of similar cases that have one."""
    similar = tuple(
        one.model_copy(update={"picture": picture_name(one.case) if one.case in pictures else ""})
        for one in finding.similar
    )
    return finding.model_copy(update={"similar": similar})


def _nifti(segmentation: Segmentation, affine: NDArray[np.float64] | None) -> bytes:
    """Return the label map as gzipped NIfTI-1, ``(i, j, k)`` and RAS as that format wants it, without a time stamp."""
    import nibabel

    placed = None if affine is None else np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine @ np.eye(4)[[2, 1, 0, 3]]
    image = nibabel.Nifti1Image(segmentation.array.T, placed)  # type: ignore[no-untyped-call]  # nibabel has no types
    image.header.set_xyzt_units("mm")  # type: ignore[no-untyped-call]  # nor here
    return gzip.compress(image.to_bytes(), mtime=0)
