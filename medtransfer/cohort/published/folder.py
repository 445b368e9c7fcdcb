"""The folder that a data set was unpacked into: its tables, and its pictures wherever they lie in it."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property
from pathlib import Path

from medtransfer.cohort.folders import SUFFIXES
from medtransfer.cohort.model import Partition

TABLE_DEPTH = 3
"""Tables lie at the top of a data set, or beside its pictures in a folder for each part, never deeper than this."""
FOLDERS_LOOKED_AT = 500
_PICTURES = SUFFIXES | {".dicom"}
_NUMBER = re.compile(r"(?:^|\D)0*(\d+)$")
_TABLES = (".csv", ".csv.gz", ".tsv", ".txt", ".xlsx")
_PARTS: tuple[tuple[Partition, re.Pattern[str]], ...] = (
    ("train", re.compile("train", re.IGNORECASE)),
    ("validation", re.compile("(^|[^a-z])val|evaluat", re.IGNORECASE)),
    ("test", re.compile("test", re.IGNORECASE)),
)


class Folder:
    """A folder with its tables and pictures, each listed when first asked for."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def tables(self, name: str) -> tuple[Path, ...]:
        """Return the tables whose whole name matches a regular expression, in any case; the outermost first."""
        pattern = re.compile(name, re.IGNORECASE)
        return tuple(table for table in self._tables if pattern.fullmatch(table.name))

    def table(self, name: str) -> Path | None:
        """Return the outermost table whose whole name matches a regular expression."""
        return next(iter(self.tables(name)), None)

    @cached_property
    def pictures(self) -> Pictures:
        """Every picture in and below the folder."""
        return Pictures(self.root, _pictures_below(self.root))

    @cached_property
    def _tables(self) -> tuple[Path, ...]:
        found: list[Path] = []
        waiting = deque([(self.root, 0)])
        looked_at = 0
        while waiting and looked_at < FOLDERS_LOOKED_AT:
            folder, depth = waiting.popleft()
            looked_at += 1
            for path in _inside(folder):
                if path.name.lower().endswith(_TABLES):
                    found.append(path)
                elif depth < TABLE_DEPTH and path.suffix.lower() not in _PICTURES and path.is_dir():
                    waiting.append((path, depth + 1))
        return tuple(found)


class Pictures:
    """Pictures by name. A data set's own name finds its picture also where somebody saved it in another format."""

    def __init__(self, root: Path, paths: Iterable[Path]) -> None:
        self._root = root
        self._paths = tuple(paths)

    def __len__(self) -> int:
        return len(self._paths)

    def find(self, name: str) -> Path | None:
        """Return the picture of this name, else one whose name differs in its ending alone, else None."""
        folded = name.casefold()
        return self._by_name.get(folded) or self._by_stem.get(folded) or self._by_stem.get(_stem(folded))

    def numbered(self, number: str) -> Path | None:
        """Return the picture called by a number, else one whose name ends in it (``train_12.jpg``), else None."""
        return self.find(number) or self._by_number.get(number.lstrip("0"))

    def of(self, part: Partition) -> Pictures:
        """Return the pictures in the folders that are called like a part of the data set; the innermost name counts."""
        return Pictures(self._root, self._by_part.get(part, ()))

    @cached_property
    def _by_name(self) -> Mapping[str, Path]:
        return {path.name.casefold(): path for path in reversed(self._paths)}

    @cached_property
    def _by_stem(self) -> Mapping[str, Path]:
        return {_stem(path.name.casefold()): path for path in reversed(self._paths)}

    @cached_property
    def _by_number(self) -> Mapping[str, Path]:
        ends = ((_NUMBER.search(path.stem), path) for path in reversed(self._paths))
        return {end[1]: path for end, path in ends if end}

    @cached_property
    def _by_part(self) -> Mapping[Partition, list[Path]]:
        found: dict[Partition, list[Path]] = {}
        for path in self._paths:
            part = part_called(path.relative_to(self._root).parent.parts)
            if part:
                found.setdefault(part, []).append(path)
        return found


def part_called(names: Iterable[str]) -> Partition | None:
    """Return the part of a data set that the last of some names, which says one, says."""
    for name in reversed(tuple(names)):
        for part, pattern in _PARTS:
            if pattern.search(name):
                return part
    return None


def picture_size(path: Path) -> tuple[int, int] | None:
    """Return width and height of a PNG, JPEG or TIFF in pixels, from its header alone; None for anything else."""
    from PIL import Image as Pillow
    from PIL import UnidentifiedImageError

    try:
        with Pillow.open(path) as picture:
            return picture.size
    except (OSError, UnidentifiedImageError, Pillow.DecompressionBombError):
        return None


def _stem(name: str) -> str:
    return name.rpartition(".")[0] or name


def _inside(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except OSError:
        return []


def _pictures_below(root: Path) -> Iterator[Path]:
    """Walk a tree in the order of its names, into linked folders too: large sets are often linked to; none twice."""
    seen: set[tuple[int, int]] = set()
    for folder, names, files in os.walk(root, followlinks=True):
        entry = Path(folder).stat()
        if (entry.st_dev, entry.st_ino) in seen:
            names.clear()
            continue
        seen.add((entry.st_dev, entry.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        yield from (Path(folder, file) for file in sorted(files) if Path(file).suffix.lower() in _PICTURES)
