"""The types that every other part of medtransfer receives: Image, Series, Study, and the checks found on them.

Axis order is stated once, here. A volume's array is ``(z, y, x)`` = ``(k, j, i)`` = slice, row, column; a picture's is
``(y, x)`` or, in colour, ``(y, x, c)`` with red, green, blue. World coordinates are patient coordinates in millimetres,
LPS as in DICOM (PS3.3 C.7.6.2.1.1): x grows to the patient's left, y to the back, z to the head. NIfTI's RAS is turned
into LPS where the file is read and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Axes = Literal["zyx", "yx", "yxc"]
Units = Literal["HU", "Bq/ml", "stored", "display"]
Meaning = Literal["monochrome", "rgb"]
SourceFormat = Literal["dicom", "nifti", "nrrd", "metaimage", "picture"]
Laterality = Literal["L", "R"]
Curve = Literal["LINEAR", "LINEAR_EXACT", "SIGMOID"]


class Level(StrEnum):
    """How much a check's finding matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing noticed about a series: shown to the person, stored in the passport.

    Attributes
    ----------
    code
        Stable name, ``"ct.missing-slices"``.
    level
        ``info`` (worth knowing), ``warning`` (results may suffer), ``error`` (the series cannot be used as it is).
    message
        One sentence, free of patient data and of paths.
    fix
        What was done about it, or what the person can do; empty when there is nothing.
    """

    code: str
    level: Level
    message: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Window:
    """A display window (DICOM PS3.3 C.11.2): values around ``centre``, ``width`` wide, fill black to white.

    Attributes
    ----------
    curve
        How they fill it: DICOM's VOI LUT Function.
    table
        A lookup table in place of the curve: the brightness, 0 to 65535, of each whole value from
        ``centre - width / 2`` on; empty when there is none.
    """

    centre: float
    width: float
    name: str = ""
    curve: Curve = "LINEAR"
    table: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with everything that is needed to read them rightly.

    Attributes
    ----------
    array
        Read-only. Shape ``(z, y, x)``, ``(y, x)`` or ``(y, x, 3)`` as ``axes`` says. CT is int16 or float32 in HU;
        DICOM greyscale pictures keep their stored depth after the modality rescale, with MONOCHROME1 already inverted
        (large is bright, always); colour is uint8 or uint16 RGB.
    axes
        The array's axes, slowest first.
    modality
        DICOM modality ("CT", "DX", "OP", ...); pictures that carry none are "OT".
    units
        ``HU`` when rescaled to Hounsfield units, ``Bq/ml`` for the activity in a PET, ``stored`` for the scanner's own
        values, ``display`` for pictures whose values are already meant for a screen (PNG, JPEG, secondary captures).
    meaning
        ``monochrome`` or ``rgb``.
    affine
        4x4 float64, maps homogeneous array indices ``(k, j, i, 1)`` to LPS millimetres; None for pictures that are not
        placed in space. A reader expecting ``(i, j, k)`` would transpose the volume.
    pixel_spacing
        ``(row, column)`` spacing of a picture in mm when the file states it. Use :attr:`spacing`.
    bits
        Significant bits per sample (DICOM BitsStored): the largest value possible is ``2**bits - 1``.
    windows
        Display windows from the file, the preferred one first.
    padding
        Smallest and largest value that stands for no measurement at all (DICOM Pixel Padding Value), None when the file
        states none. The array keeps these values; display and statistics leave them out.
    laterality
        "L" or "R" when the file states it.
    body_part
        DICOM BodyPartExamined or an empty string.
    view
        DICOM ViewPosition ("PA", "LL", ...) or an empty string.
    uids
        Source UIDs by name (``study``, ``series``, ``frame_of_reference``); ``instances`` lists SOP Instance UIDs.
    instances
        SOP Instance UIDs in slice order; empty for other formats.
    checks
        Everything noticed from header and pixels.
    companions
        Further volumes of the same examination on the same grid, for networks with several input channels: other
        weightings of an MR, the PET beside a CT. None of them has companions of its own. What is found lies on this
        image. See :mod:`medtransfer.study.companions`.
    """

    array: NDArray[np.generic]
    axes: Axes
    modality: str
    units: Units
    meaning: Meaning = "monochrome"
    affine: NDArray[np.float64] | None = None
    pixel_spacing: tuple[float, float] | None = None
    bits: int = 8
    windows: tuple[Window, ...] = ()
    padding: tuple[float, float] | None = None
    laterality: Laterality | None = None
    body_part: str = ""
    view: str = ""
    uids: Mapping[str, str] = field(default_factory=dict)
    instances: tuple[str, ...] = ()
    checks: tuple[Check, ...] = ()
    companions: tuple[Image, ...] = ()

    def __post_init__(self) -> None:
        if self.array.ndim != len(self.axes):
            raise ValueError(f"axes {self.axes!r} do not fit an array of {self.array.ndim} dimensions")
        if (self.affine is not None) != (self.axes == "zyx"):
            raise ValueError("a volume needs an affine and a picture has none")
        if any(other.array.shape != self.array.shape or other.companions for other in self.companions):
            raise ValueError("companions lie on the image's own grid and have none themselves")
        self.array.flags.writeable = False
        if self.affine is not None:
            self.affine.flags.writeable = False

    @property
    def is_volume(self) -> bool:
        """Whether the array is a volume ``(z, y, x)``."""
        return self.axes == "zyx"

    @property
    def spatial_shape(self) -> tuple[int, ...]:
        """The shape without the colour axis."""
        return self.array.shape[: 3 if self.is_volume else 2]

    @property
    def spacing(self) -> tuple[float, ...] | None:
        """Distance between neighbours in mm along ``(z, y, x)`` or ``(y, x)``; None when the file does not say."""
        if self.affine is None:
            return self.pixel_spacing
        return tuple(float(v) for v in np.linalg.norm(self.affine[:3, :3], axis=0))

    def with_checks(self, *more: Check) -> Image:
        """Return the same image with further checks appended."""
        return replace(self, checks=(*self.checks, *more))


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the study is of. Never logged, never written into a result."""

    id: str = ""
    name: str = ""
    birth_date: str = ""
    sex: str = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a series came from: file names without folders, and how many."""

    format: SourceFormat
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One series as its headers describe it; the pixels come with :meth:`image`.

    Attributes
    ----------
    uid
        Series Instance UID, or for other formats a stable id made from the file's content.
    shape
        Shape that ``image().array`` will have, as far as the headers tell.
    axes
        The axes of that shape.
    checks
        What the headers alone reveal; ``image()`` may find more.
    files
        The DICOM files in slice order; empty for other formats. Never written into a result.
    """

    uid: str
    modality: str
    description: str
    shape: tuple[int, ...]
    axes: Axes
    source: Source
    load: Callable[[], Image]
    date: str = ""
    laterality: Laterality | None = None
    checks: tuple[Check, ...] = ()
    files: tuple[Path, ...] = ()

    def image(self) -> Image:
        """Decode the pixels.

        Raises
        ------
        DataError
            When the pixels are truncated, encrypted, too large or cannot be placed in space.
        """
        return self.load()

    @property
    def usable(self) -> bool:
        """False when a check of level error was found in the headers."""
        return all(check.level is not Level.ERROR for check in self.checks)


@dataclass(frozen=True, slots=True, eq=False)
class Study:
    """One examination: its patient and its series.

    Attributes
    ----------
    uid
        Study Instance UID, or for loose files the id of their only series.
    date
        ISO 8601 date (``2026-11-23``) or an empty string.
    """

    uid: str
    patient: Patient
    date: str
    description: str
    series: tuple[Series, ...]
