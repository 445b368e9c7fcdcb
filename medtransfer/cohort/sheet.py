"""A table as text: headings and numbered rows out of CSV (packed with gzip or not), Excel or Parquet.

Encoding and delimiter of a CSV are found out.
"""

from __future__ import annotations

import csv
import gzip
import importlib
import importlib.util
import io
import math
import zipfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from medtransfer.cohort import words
from medtransfer.errors import DataError, EnvironmentFailure

DELIMITERS = (",", ";", "\t", "|")
MAXIMUM_BYTES = 256 * 1024 * 1024
MAXIMUM_EXCEL_BYTES = 1024 * 1024 * 1024
_EXCEL = (".xlsx", ".xlsm")


@dataclass(frozen=True, slots=True)
class Row:
    """One row: its line in the file (1-based, counting the headings) and its cells, as many as there are headings."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table's headings, as written, and its rows without the empty ones."""

    headings: tuple[str, ...]
    rows: tuple[Row, ...]


def read(path: Path) -> Sheet:
    """Read a table.

    Raises
    ------
    DataError
        When the file is empty, not a table, or a row has more cells than there are headings.
    EnvironmentFailure
        When a Parquet file is given and pyarrow is not installed.
    """
    suffix = path.suffix.lower()
    try:
        _refuse_large(path.stat().st_size, path.name)
        if suffix in _EXCEL:
            lines = _excel(path)
        elif suffix == ".parquet":
            lines = _parquet(path)
        else:
            lines = _csv(text_of(path), path.name)
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            "the table cannot be read",
            code="table.unreadable",
            hint="Check that it exists, is not open elsewhere and that you may read it.",
            subject=path.name,
        ) from error
    return _sheet(lines, path.name)


def text_of(path: Path) -> str:
    """Return the text of a file, whatever its encoding; one whose name ends in ``.gz`` is unpacked.

    Raises
    ------
    DataError
        When it holds more than 256 MiB.
    OSError, EOFError, zlib.error
        When it cannot be read or unpacked.
    """
    with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as stream:
        raw = stream.read(MAXIMUM_BYTES + 1)
    _refuse_large(len(raw), path.name)
    return _decoded(raw)


def _refuse_large(size: int, name: str) -> None:
    if size > MAXIMUM_BYTES:
        raise DataError(
            "the table is larger than 256 MiB",
            code="table.size",
            hint="Give a table of paths and labels; images stay in files of their own.",
            subject=name,
        )


def _sheet(lines: Iterable[tuple[int, list[str]]], name: str) -> Sheet:
    filled = [(line, cells) for line, cells in lines if any(cells)]
    if len(filled) < 2:
        raise DataError(
            "the table is empty: it needs a line of headings and at least one case",
            code="table.empty",
            hint="The first line names the columns: image, patient and one column per label.",
            subject=name,
        )
    headings = filled[0][1]
    while headings and not headings[-1]:
        headings.pop()
    _refuse_repeated(headings, name)
    width = len(headings)
    too_long = [line for line, cells in filled[1:] if any(cells[width:])]
    if too_long:
        raise DataError(
            f"{words.counted(len(too_long), 'row')} with more cells than there are headings",
            code="table.ragged",
            hint="A cell that contains the delimiter must stand in double quotes.",
            subject=f"{name}, line {too_long[0]}",
        )
    rows = tuple(Row(line, tuple((cells + [""] * width)[:width])) for line, cells in filled[1:])
    return Sheet(tuple(headings), rows)


def _refuse_repeated(headings: list[str], name: str) -> None:
    folded = [heading.casefold() for heading in headings]
    repeated = sorted({heading for heading in folded if folded.count(heading) > 1})
    if repeated:
        shown = ", ".join(heading or "(no heading)" for heading in repeated)
        raise DataError(
            f"two columns have the same heading: {shown}",
            code="table.repeated-heading",
            hint="Rename or remove one of them.",
            subject=name,
        )


def _csv(text: str, name: str) -> list[tuple[int, list[str]]]:
    if "\0" in text:
        raise DataError(
            "the table is not a text file",
            code="table.not-text",
            hint="Save it as CSV (UTF-8) or as an Excel workbook with the ending .xlsx.",
            subject=name,
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=_delimiter(text))
    lines = []
    start = 1
    try:
        for cells in reader:
            lines.append((start, [cell.strip() for cell in cells]))
            start = reader.line_num + 1
    except csv.Error as error:
        raise DataError(
            f"the table is not valid CSV ({error})",
            code="table.syntax",
            hint="Look for a double quote that is never closed.",
            subject=f"{name}, line {reader.line_num}",
        ) from error
    return lines


def _decoded(raw: bytes) -> str:
    """Text of UTF-8 (with or without a byte order mark), UTF-16 with one, else Windows-1252 as Excel writes it."""
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return raw.decode("utf-16", errors="replace")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", errors="replace")


def _delimiter(text: str) -> str:
    """Return the candidate that is most frequent in the line of headings, outside quotes; a comma when none occurs."""
    headings = text.lstrip().split("\n", 1)[0]
    unquoted = "".join(headings.split('"')[::2])
    return max(DELIMITERS, key=unquoted.count)


def _excel(path: Path) -> list[tuple[int, list[str]]]:
    import openpyxl
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MAXIMUM_EXCEL_BYTES:
            raise DataError(
                "the workbook unpacks to more than 1 GiB",
                code="table.size",
                hint="Save the sheet with the cases as CSV.",
                subject=path.name,
            )
        book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    except (zipfile.BadZipFile, InvalidFileException, KeyError, ValueError) as error:
        raise DataError(
            "the workbook is damaged, encrypted or not an Excel workbook",
            code="table.workbook",
            hint="Open it in a spreadsheet program and save it again as .xlsx without a password, or as CSV.",
            subject=path.name,
        ) from error
    try:
        sheet = book.worksheets[0]
        return [
            (line, [_cell(value) for value in values])
            for line, values in enumerate(sheet.iter_rows(values_only=True), start=1)
        ]
    finally:
        book.close()


def _parquet(path: Path) -> list[tuple[int, list[str]]]:
    if importlib.util.find_spec("pyarrow") is None:
        raise EnvironmentFailure(
            "Parquet tables need the package pyarrow, which is not installed",
            code="table.parquet",
            hint="Install pyarrow into medtransfer's environment, or save the table as CSV.",
            subject=path.name,
        )
    arrow = importlib.import_module("pyarrow")
    parquet = importlib.import_module("pyarrow.parquet")
    try:
        columns: dict[str, list[object]] = parquet.read_table(path).to_pydict()
    except arrow.ArrowException as error:
        raise DataError(
            "the Parquet table is damaged", code="table.parquet-damaged", hint="Write it again.", subject=path.name
        ) from error
    rows = zip(*columns.values(), strict=True)
    return [(1, list(columns)), *((line, [_cell(v) for v in values]) for line, values in enumerate(rows, start=2))]


def _cell(value: object) -> str:
    """Text of a typed cell; a number without fraction loses its ``.0`` and an error value of Excel stays text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, float):
        if math.isnan(value):
            return ""
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value).strip()
