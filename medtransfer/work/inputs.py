"""From what a person names to series that a plug-in can take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from medtransfer import study
from medtransfer.contract.manifest import Input
from medtransfer.errors import DataError, UserError
from medtransfer.result.model import SourceInfo
from medtransfer.study import Scan
from medtransfer.study.counting import agreed
from medtransfer.study.modality import STATABLE, UNSTATED, stated_where_missing
from medtransfer.study.model import Image, Series
from medtransfer.study.opening import KNOWN
from medtransfer.study.pixels import pixel_sha256
from medtransfer.work.modalities import in_words


@dataclass(frozen=True)
class Unsuitable:
    """A series that the plug-in cannot take, and why in words."""

    series: Series
    reason: str


def scan(paths: Sequence[Path]) -> Scan:
    """Open everything at the given paths: the studies, and an error for each image file that cannot be read.

    Raises
    ------
    DataError
        When a path does not exist, or nothing in there is an image or lies on one.
    """
    found = study.scan(list(paths))
    if not (found.studies or found.problems or found.annotations):
        raise DataError(
            "no image was found",
            code="study.nothing-found",
            hint=f"Give {KNOWN}, or a folder or an archive that holds some.",
            subject=", ".join(path.name for path in paths),
        )
    return found


def series_of(found: Scan, modality: str = "") -> list[Series]:
    """Return the series of every study; volumes whose files name no modality are of the stated one, if any is.

    Raises
    ------
    UserError
        When the modality is one that cannot be stated.
    """
    series = [series for study in found.studies for series in study.series]
    return [stated_where_missing(entry, modality) for entry in series] if modality else series


def reason_against(series: Series, wanted: Input) -> str:
    """Say why a series does not suit a plug-in's declared input; empty when it does."""
    if not series.usable:
        return "; ".join(check.message for check in series.checks if check.level == "error")
    if series.modality not in wanted.modalities:
        return _against_modality(series, wanted)
    if (series.axes == "zyx") != (wanted.dimensions == 3):
        return f"the plug-in takes images of {wanted.dimensions} dimensions"
    if wanted.meaning == "rgb" and series.axes != "yxc":
        return "the plug-in takes colour pictures and this one is grey"
    spatial = series.shape[:2] if series.axes == "yxc" else series.shape
    if min(spatial) < wanted.minimum_size:
        return f"it has {min(spatial)} pixels along one side, the plug-in needs {wanted.minimum_size}"
    return ""


def _against_modality(series: Series, wanted: Input) -> str:
    possible = next((modality for modality in wanted.modalities if modality in STATABLE), None)
    if series.modality == UNSTATED and series.axes == "zyx" and possible:
        return f"its file does not say what it is; if it is a {possible}, state that (--modality {possible})"
    return f"the plug-in takes {in_words(wanted.modalities)}; this is {series.modality}"


def sort_out(found: Sequence[Series], wanted: Input) -> tuple[list[Series], list[Unsuitable]]:
    """Divide series into those that suit the plug-in and the others."""
    reasons = [(series, reason_against(series, wanted)) for series in found]
    return (
        [series for series, reason in reasons if not reason],
        [Unsuitable(series, reason) for series, reason in reasons if reason],
    )


def require(suitable: Sequence[Series], unsuitable: Sequence[Unsuitable], problems: Sequence[DataError]) -> None:
    """Raise when nothing is left to analyse.

    Raises
    ------
    DataError
        The first file's error, or the reason against the first series.
    """
    if not suitable:
        if problems:
            raise problems[0]
        first = unsuitable[0] if unsuitable else None
        raise DataError(
            f"there is nothing here that the plug-in can analyse: {first.reason if first else 'no image was found'}",
            code="input.unsuitable",
            hint="`medtransfer open` shows what is there, `medtransfer plugin info` what the plug-in takes.",
            subject=", ".join(first.series.source.names[:1]) if first else None,
        )


def case_of(paths: Sequence[Path], wanted: Input, modality: str, volumes: int) -> tuple[Series, ...]:
    """Return the series of one case for a model that takes several volumes: one at each path, in their order.

    Raises
    ------
    UserError
        ``input.volumes`` when fewer or more paths are named than the model takes volumes.
    DataError
        ``input.several-series`` when a path holds more than one suitable series, and the errors of :func:`scan` and
        :func:`require`.
    """
    require_count(len(paths), volumes)
    case = []
    for number, path in enumerate(paths, start=1):
        found = scan([path])
        suitable, unsuitable = sort_out(series_of(found, modality), wanted)
        require(suitable, unsuitable, found.problems)
        if len(suitable) > 1:
            raise DataError(
                f"where volume {number} of the case is expected there are {len(suitable)} series",
                code="input.several-series",
                hint="Name a file or folder with one series.",
                subject=path.name,
            )
        case.append(suitable[0])
    return tuple(case)


def require_count(given: int, volumes: int) -> None:
    """Refuse a case of fewer or more volumes than a model takes.

    Raises
    ------
    UserError
        ``input.volumes``.
    """
    if given == volumes:
        return
    columns = ", ".join(["image", *(f"image_{number}" for number in range(2, volumes + 1))])
    raise UserError(
        f"the model takes {agreed(volumes, 'volume', 'volumes')} of a case, and was given {given}",
        code="input.volumes",
        hint=f"Name them one by one at the command line, in the order of the columns {columns} of its training:"
        " `medtransfer analyse FIRST SECOND ...`.",
    )


def describe(image: Image, names: tuple[str, ...], companions: tuple[str, ...] = ()) -> SourceInfo:
    """Return what a result says about its input: names without folders, UIDs, the hash of the pixels.

    ``companions`` are the first names of a case's further volumes.
    """
    return SourceInfo(
        names=names,
        uids=dict(image.uids),
        pixel_sha256=pixel_sha256(image),
        shape=image.array.shape,
        modality=image.modality,
        companions=companions,
    )
