"""An image on disk between processes: ``image.npy`` and ``image.json``, without patient data.

Its companions lie in the folders ``companion-1``, ``companion-2``, ... beside them.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict, ValidationError

from medtransfer.errors import DataError
from medtransfer.study.model import Axes, Check, Image, Laterality, Meaning, Units, Window

ARRAY_FILE = "image.npy"
RECORD_FILE = "image.json"

Row = tuple[float, float, float, float]


class _Record(BaseModel):
    """All of an :class:`Image` but its pixels."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    axes: Axes
    modality: str
    units: Units
    meaning: Meaning
    affine: tuple[Row, Row, Row, Row] | None
    pixel_spacing: tuple[float, float] | None
    bits: int
    windows: tuple[Window, ...]
    padding: tuple[float, float] | None
    laterality: Laterality | None
    body_part: str
    view: str
    uids: dict[str, str]
    instances: tuple[str, ...]
    checks: tuple[Check, ...]
    companions: int = 0


def save(image: Image, folder: Path) -> None:
    """Write an image into an existing folder: ``image.npy`` first, ``image.json`` last.

    Each file is renamed into place, so that a reader never meets half of one. UIDs are kept, patient data are not part
    of an image.
    """
    record = _Record(
        axes=image.axes,
        modality=image.modality,
        units=image.units,
        meaning=image.meaning,
        affine=None if image.affine is None else image.affine.tolist(),
        pixel_spacing=image.pixel_spacing,
        bits=image.bits,
        windows=image.windows,
        padding=image.padding,
        laterality=image.laterality,
        body_part=image.body_part,
        view=image.view,
        uids=dict(image.uids),
        instances=image.instances,
        checks=image.checks,
        companions=len(image.companions),
    )
    for number, other in enumerate(image.companions, start=1):
        _companion(folder, number).mkdir(exist_ok=True)
        save(other, _companion(folder, number))
    array_draft = folder / f"{ARRAY_FILE}.part"
    with array_draft.open("wb") as file:
        np.save(file, image.array, allow_pickle=False)
    array_draft.replace(folder / ARRAY_FILE)
    record_draft = folder / f"{RECORD_FILE}.part"
    record_draft.write_text(record.model_dump_json(), encoding="utf-8")
    record_draft.replace(folder / RECORD_FILE)


def load(folder: Path) -> Image:
    """Read an image that :func:`save` wrote; its array stays on disk, memory-mapped.

    Raises
    ------
    DataError
        ``study.exchange`` when the folder holds no such image or a damaged one.
    """
    try:
        record = _Record.model_validate_json((folder / RECORD_FILE).read_bytes())
        array = np.load(folder / ARRAY_FILE, mmap_mode="r", allow_pickle=False)
        fields = {name: getattr(record, name) for name in _Record.model_fields}
        fields["affine"] = None if record.affine is None else np.array(record.affine, dtype=np.float64)
        fields["companions"] = tuple(load(_companion(folder, n)) for n in range(1, record.companions + 1))
        return Image(array=array, **fields)
    except (OSError, ValueError, ValidationError) as error:
        raise DataError(
            "the folder holds no complete image",
            code="study.exchange",
            hint="Run the analysis again: it writes the image anew.",
            subject=folder.name,
        ) from error


def _companion(folder: Path, number: int) -> Path:
    return folder / f"companion-{number}"
