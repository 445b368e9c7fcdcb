"""Who is who: a case's key, label ids out of column headings, and the fingerprint of a cohort."""

from __future__ import annotations

import errno
import functools
import hashlib
import json
import os
import re
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from medtransfer.cohort.model import Case

KEY_DIGITS = 16
_JUST_NOW_NS = 2_000_000_000
"""The coarsest clock of a file system in use is FAT's: two seconds."""
LABEL_ID = re.compile(r"[a-z][a-z0-9_]{0,63}")


def threads() -> int:
    """How many files are read or decoded at once: enough to hide a network drive's delay, few enough to stay polite."""
    return min(8, (os.cpu_count() or 1) + 2)


def file_key(path: Path) -> str:
    """Return the first 16 hexadecimal digits of a file's SHA-256; of a folder, that over all files in and below it.

    Neither the names of a folder's files nor their order make a difference; hidden files are passed over.

    Raises
    ------
    OSError
        When a file cannot be read, or a folder holds none.
    """
    if path.is_dir():
        return _folder_key(path)
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()[:KEY_DIGITS]


def _folder_key(folder: Path) -> str:
    inside = (path.relative_to(folder) for path in folder.rglob("*"))
    visible = (folder / path for path in inside if not any(part.startswith(".") for part in path.parts))
    keys = sorted(file_key(path) for path in visible if path.is_file())
    if not keys:
        raise FileNotFoundError(errno.ENOENT, "there are no files in the folder")
    return hashlib.sha256("".join(keys).encode()).hexdigest()[:KEY_DIGITS]


def file_keys(paths: Iterable[Path]) -> dict[Path, str]:
    """Return the key of every readable file; files that cannot be read are missing from the answer.

    Keys are remembered by size and time of change, so that a large data set is read once and not at every look; not
    those of files that changed just now, which could change again within the same tick of the file system's clock.
    """

    def key_or_none(path: Path) -> str | None:
        try:
            state = path.stat()
            if time.time_ns() - state.st_mtime_ns < _JUST_NOW_NS:
                return file_key(path)
            return _unchanged_key(path, state.st_size, state.st_mtime_ns)
        except OSError:
            return None

    unique = list(dict.fromkeys(paths))
    with ThreadPoolExecutor(threads()) as pool:
        return {path: key for path, key in zip(unique, pool.map(key_or_none, unique), strict=True) if key}


def joined_key(keys: Sequence[str]) -> str:
    """Return the key of a case of several images from theirs, in their order; of one image its own."""
    return keys[0] if len(keys) == 1 else hashlib.sha256("".join(keys).encode()).hexdigest()[:KEY_DIGITS]


@functools.lru_cache(maxsize=1_000_000)
def _unchanged_key(path: Path, size: int, changed: int) -> str:  # noqa: ARG001 - they say that the file is the same
    return file_key(path)


def label_id(heading: str) -> str:
    """Return the label id of a heading: ``"Diabetic retinopathy"`` becomes ``diabetic_retinopathy``."""
    slug = re.sub(r"[^a-z0-9]+", "_", heading.casefold()).strip("_")
    return slug[:64] if LABEL_ID.match(slug) else f"label_{slug}"[:64].rstrip("_")


def fingerprint(cases: Sequence[Case], labels: Sequence[str], masks: Mapping[Path, str]) -> str:
    """Return the SHA-256 over every case's key, labels, mask, site and split, and over which cases share a patient.

    Neither the order of the cases nor what the patients are called makes a difference.
    """
    groups: dict[str, list[list[object]]] = defaultdict(list)
    for case in cases:
        values = [case.labels[label] for label in sorted(labels)]
        mask = masks.get(case.mask, "") if case.mask else ""
        groups[case.patient].append([case.key, values, mask, case.site, case.split or ""])
    canonical = sorted(json.dumps(sorted(group, key=json.dumps)) for group in groups.values())
    return hashlib.sha256(json.dumps([sorted(labels), canonical]).encode()).hexdigest()
