"""What a file answered when it was read, as the index keeps it: its format, and its DICOM header or why it has none."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, get_type_hints

from pydantic import ConfigDict, TypeAdapter

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.study.dicom import Header, read_header
from medtransfer.study.limits import DEFAULT
from medtransfer.study.sniff import Format, sniff

_LASTING_REFUSAL = "study.not-an-image"


@dataclass(frozen=True, slots=True)
class Answer:
    """One file's answer.

    Attributes
    ----------
    format
        What :func:`medtransfer.study.sniff.sniff` said.
    header
        JSON of the header's values; empty unless the file is a DICOM image.
    refusal
        JSON of message, code and hint of a DICOM file that is no image; else empty.
    """

    format: Format | None
    header: bytes = b""
    refusal: bytes = b""


def examine(path: Path) -> Answer | None:
    """Read a file; None when what it answers may be another thing tomorrow although the file is the same.

    Damaged, encrypted and unreadable files are few, and the disk or a right may have been the reason: they are read
    again each time.
    """
    try:
        found = sniff(path)
        return Answer(found, _packed(read_header(path, DEFAULT))) if found == "dicom" else Answer(found)
    except DataError as error:
        if error.code != _LASTING_REFUSAL:
            return None
        return Answer("dicom", refusal=json.dumps([error.message, error.code, error.hint]).encode())
    except OSError:  # gone since the folder was listed
        return None


def header_of(answer: Answer, path: Path) -> Header:
    """Return the header that was kept of the file at ``path``.

    Raises
    ------
    DataError
        The refusal that was kept.
    """
    if answer.refusal:
        message, code, hint = json.loads(answer.refusal)
        raise DataError(message, code=code, hint=hint, subject=path.name)
    return Header(path, *_values().validate_json(answer.header))


@cache
def reader_fingerprint() -> str:
    """Return a digest of the code that reads headers: an answer of other code is not trusted."""
    digest = hashlib.sha256(str(_values().json_schema()).encode())
    for module in sorted(resources.files(study).iterdir(), key=lambda entry: entry.name):
        if module.name.endswith(".py"):
            digest.update(module.read_bytes())
    return digest.hexdigest()


def _packed(header: Header) -> bytes:
    return _values().dump_json(tuple(getattr(header, name) for name in _names()))


@cache
def _names() -> tuple[str, ...]:
    first, *others = (field.name for field in dataclasses.fields(Header))
    if first != "path":
        raise TypeError("the path must come first: it is not kept with the header")
    return tuple(others)


@cache
def _values() -> TypeAdapter[Any]:
    """Return the codec of a header's values in the order of its fields, without the path."""
    types = get_type_hints(Header)
    row: Any = tuple[tuple(types[name] for name in _names())]  # type: ignore[misc]  # as many types as there are fields
    return TypeAdapter(row, config=ConfigDict(ser_json_bytes="base64", val_json_bytes="base64"))
