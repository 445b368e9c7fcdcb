"""DICOMDIR: the files that a disc's directory names, as far as they lie in its own folder.

The directory is searched for its Referenced File IDs and not parsed as a whole: a search takes one pass and constant
memory, and nested sequences lead nowhere. PS3.10 8.6 fixes how a directory is written (explicit VR, little endian);
those of older programs come in implicit VR or big endian too, and say so in their transfer syntax.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final, Literal

from pydicom.uid import UID, ExplicitVRBigEndian, ImplicitVRLittleEndian

from medtransfer.errors import DataError
from medtransfer.study.counting import agreed
from medtransfer.study.limits import Limits, require_within
from medtransfer.study.model import Check, Level

_SYNTAX = re.compile(rb"\x02\x00\x10\x00UI.\x00([0-9.]+)", re.DOTALL)  # (0002,0010), always in explicit VR
_META = 1024  # bytes within which it lies
_LONGEST = 1024  # the standard allows 8 components of 8 characters; discs in the field are less strict

_MISSING: Final = "missing"
_OUTSIDE: Final = "outside"


@dataclass(frozen=True, slots=True)
class _Form:
    """How element (0004,1500), Referenced File ID (PS3.3 F.5), and its length are written in a transfer syntax."""

    element: re.Pattern[bytes]
    byteorder: Literal["little", "big"]


_AS_THE_STANDARD_ASKS = _Form(re.compile(rb"\x04\x00\x00\x15CS(..)", re.DOTALL), "little")
_FORMS = {
    ImplicitVRLittleEndian: _Form(re.compile(rb"\x04\x00\x00\x15(....)", re.DOTALL), "little"),
    ExplicitVRBigEndian: _Form(re.compile(rb"\x00\x04\x15\x00CS(..)", re.DOTALL), "big"),
}


@dataclass(frozen=True, slots=True)
class Directory:
    """The files that are there, in the order in which they are named, and how many are not or lie elsewhere."""

    files: tuple[Path, ...]
    missing: int
    outside: int

    def checks(self) -> tuple[Check, ...]:
        """Say what the directory names and cannot be opened."""
        found = []
        missing = agreed(self.missing, "file of the DICOMDIR is", "files of the DICOMDIR are")
        outside = agreed(self.outside, "file of the DICOMDIR lies", "files of the DICOMDIR lie")
        if self.missing:
            found.append(
                Check(
                    "dicomdir.missing",
                    Level.WARNING,
                    f"{missing} not there.",
                    "Copy the whole disc: DICOMDIR and every folder beside it.",
                )
            )
        if self.outside:
            found.append(
                Check(
                    "dicomdir.outside",
                    Level.WARNING,
                    f"{outside} outside its own folder.",
                    "They were left out.",
                )
            )
        return tuple(found)

    def problem(self, path: Path) -> DataError | None:
        """Return the first of the checks as an error, for a search that shows no series of this directory."""
        first = next(iter(self.checks()), None)
        return None if first is None else DataError(first.message, code=first.code, hint=first.fix, subject=path.name)


def read_directory(path: Path, limits: Limits) -> Directory:
    """Find the files that a DICOMDIR names.

    Each component is looked up in the listing of its folder, in any case of letters, since discs are mounted in lower
    case on some systems; what leaves the folder of the DICOMDIR, by a link too, is counted and left out.

    Raises
    ------
    DataError
        ``study.too-large`` when the directory is larger than any disc needs, ``dicomdir.empty`` when it names nothing.
    """
    require_within(path.stat().st_size, limits.directory_bytes, path)
    root = path.parent.resolve()
    listing = cache(_listing)
    places = [_place(root, components, listing) for components in _references(path.read_bytes())]
    if not places:
        raise DataError(
            "the DICOMDIR names no files",
            code="dicomdir.empty",
            hint="Open the folder that it lies in instead.",
            subject=path.name,
        )
    files = dict.fromkeys(place for place in places if isinstance(place, Path))
    return Directory(tuple(files), places.count(_MISSING), places.count(_OUTSIDE))


def _references(content: bytes) -> list[list[str]]:
    """Return the components of every Referenced File ID; the backslash divides them, as it does values (PS3.5 6.2)."""
    found = []
    syntax = _SYNTAX.search(content, 0, _META)
    form = _FORMS.get(UID(syntax[1].decode("ascii")), _AS_THE_STANDARD_ASKS) if syntax else _AS_THE_STANDARD_ASKS
    for match in form.element.finditer(content):
        length = int.from_bytes(match[1], form.byteorder)
        if 0 < length <= _LONGEST:
            text = content[match.end() : match.end() + length].decode("latin-1")
            found.append([component.strip(" \0") for component in text.split("\\")])
    return found


def _place(root: Path, components: Sequence[str], listing: Callable[[Path], Mapping[str, Path]]) -> Path | str:
    here = root
    for component in components:
        if component in {"", ".", ".."} or "/" in component or ":" in component:
            return _OUTSIDE
        found = listing(here).get(component.casefold())
        if found is None:
            return _MISSING
        here = found
    if not here.resolve().is_relative_to(root):
        return _OUTSIDE
    return here if here.is_file() else _MISSING


def _listing(folder: Path) -> Mapping[str, Path]:
    try:
        return {entry.name.casefold(): entry for entry in sorted(folder.iterdir(), reverse=True)}
    except OSError:  # a file where a folder was named, or one that may not be read
        return {}
