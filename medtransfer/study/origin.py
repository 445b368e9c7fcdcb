"""Series that came by way of an archive or a DICOMDIR: they say so, and the archive stays unpacked for them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from medtransfer.errors import DataError
from medtransfer.study.model import Check, Image, Series, Study
from medtransfer.study.unpacked import Unpacked


def told(study: Study, checks: tuple[Check, ...]) -> Study:
    """Return the study with further checks on each of its series and their images."""
    return replace(study, series=tuple(_told(series, checks) for series in study.series)) if checks else study


def _told(series: Series, checks: tuple[Check, ...]) -> Series:
    return replace(series, checks=(*series.checks, *checks), load=partial(_load_told, series, checks))


def _load_told(series: Series, checks: tuple[Check, ...]) -> Image:
    return series.image().with_checks(*checks)


def named(study: Study, unpacked: Unpacked) -> Study:
    """Return the study with the names that its files had in the archive; it keeps the archive unpacked."""
    return replace(study, series=tuple(_named(series, unpacked) for series in study.series))


def _named(series: Series, unpacked: Unpacked) -> Series:
    names = tuple(unpacked.name_of_number(name) for name in series.source.names)
    source = replace(series.source, names=names)
    return replace(series, source=source, load=partial(_load_named, series, unpacked))


def _load_named(series: Series, unpacked: Unpacked) -> Image:
    try:
        return series.image()
    except DataError as error:
        raise named_problem(error, unpacked) from error


def named_problem(problem: DataError, unpacked: Unpacked) -> DataError:
    """Return the error with the name that its file had in the archive."""
    subject = problem.subject and unpacked.name_of_number(problem.subject)
    return DataError(problem.message, code=problem.code, hint=problem.hint, subject=subject)
