"""Writing so that what exists is complete: temporary name, flush to the disk, rename."""

from __future__ import annotations

import errno
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from medtransfer.errors import EnvironmentFailure


def write_text(path: Path, text: str) -> None:
    """Write a file in one step: a reader sees the old content or the new, never a part.

    Raises
    ------
    EnvironmentFailure
        When the disk is full.
    """
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}")
    with full_disk_explained():
        try:
            with temporary.open("w", encoding="utf-8", newline="\n") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def copy_folder(source: Path, target: Path) -> None:
    """Copy a folder so that ``target`` appears complete or not at all; an existing ``target`` is left as it is.

    Raises
    ------
    EnvironmentFailure
        When the disk is full.
    """
    if target.exists():
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.name[:16]}.{uuid.uuid4().hex[:8]}")
    with full_disk_explained():
        try:
            shutil.copytree(source, temporary)
            try:
                temporary.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def full_disk_explained() -> Iterator[None]:
    """Turn "no space left" into an error that says what to do."""
    try:
        yield
    except OSError as error:
        if error.errno not in {errno.ENOSPC, errno.EDQUOT}:
            raise
        raise EnvironmentFailure(
            "the disk is full",
            code="disk.full",
            hint="Free some space and run the same command again: finished work is kept.",
        ) from error


def require_space(folder: Path, megabytes: int) -> None:
    """Refuse before the work starts when the disk holds less than the work needs.

    Raises
    ------
    EnvironmentFailure
        When fewer than ``megabytes`` (10**6 bytes) are free.
    """
    existing = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
    free = shutil.disk_usage(existing).free // 10**6
    if free < megabytes:
        raise EnvironmentFailure(
            f"the disk has {free} MB free and this needs about {megabytes} MB",
            code="disk.space",
            hint="Free some space, or choose a folder on another disk.",
            subject=str(folder),
        )
