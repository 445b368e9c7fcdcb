"""Files of one JSON object a line that survive a kill: a line counts once it has its end."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from medtransfer.errors import DataError
from medtransfer.store.files import full_disk_explained

_Line = TypeVar("_Line", bound=BaseModel)


def append(path: Path, line: BaseModel) -> None:
    """Write a line and wait until the disk has it.

    Raises
    ------
    EnvironmentFailure
        When the disk is full; the file then ends with the line before, or with an unfinished one.
    """
    with full_disk_explained(), path.open("ab") as stream:
        stream.write(line.model_dump_json().encode() + b"\n")
        stream.flush()
        os.fsync(stream.fileno())


def read(path: Path, kind: type[_Line], damaged: Callable[[int], DataError]) -> list[_Line]:
    """Read the lines, cutting off a last one that a kill left without its end; a missing file has none.

    Raises
    ------
    DataError
        What ``damaged`` makes of the number, from 1, of another line that is not of that kind.
    """
    if not path.exists():
        return []
    content = path.read_bytes()
    whole = content[: content.rfind(b"\n") + 1]
    if len(whole) != len(content):
        with path.open("r+b") as stream:
            stream.truncate(len(whole))
    found = []
    for number, line in enumerate(whole.splitlines(), start=1):
        try:
            found.append(kind.model_validate_json(line))
        except ValidationError as error:
            raise damaged(number) from error
    return found
