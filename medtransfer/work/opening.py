"""Open many files so that the first studies can be seen before the last header is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from medtransfer import study
from medtransfer.errors import DataError
from medtransfer.result import reading
from medtransfer.store import results
from medtransfer.store.home import Home
from medtransfer.study import Scan
from medtransfer.study.modality import STATABLE
from medtransfer.study.opening import KNOWN
from medtransfer.study.reader import Files, Reader
from medtransfer.study.sniff import sniff
from medtransfer.work import inputs
from medtransfer.work.indexing import IndexedReader, OnSeen, ignore
from medtransfer.work.walk import directories, units

_FILES = Files()


@dataclass(frozen=True, eq=False)
class Portion:
    """What one file, or the DICOM files of one folder, hold; ``paths`` says where to find it again."""

    paths: tuple[Path, ...]
    found: Scan


def portions(
    home: Home, paths: Sequence[Path], stopped: Callable[[], bool], on_seen: OnSeen = ignore
) -> Iterator[Portion]:
    """Yield what lies at ``paths`` piece by piece; only headers are read, in folders only those that changed.

    DICOM files that were named themselves are opened together, so that the slices of one series stay together. A path
    that does not exist, or a named file that is no image, is a problem of its portion. ``on_seen`` is told of the files
    of folders.
    """
    files = [path for path in paths if not path.is_dir()]
    slices = tuple(path for path in files if _is_dicom(path))
    if slices:
        yield _portion(slices)
    for path in files:
        if stopped():
            return
        if path not in slices:
            yield _portion((path,))
    with IndexedReader(home, on_seen) as reader:
        for folder in (path for path in paths if path.is_dir()):
            yield from _of_folder(folder, home, reader, stopped)


def _of_folder(folder: Path, home: Home, reader: IndexedReader, stopped: Callable[[], bool]) -> Iterator[Portion]:
    empty = True
    for here, names in directories(folder, home.root):
        reader.enter(here, names, stopped)
        if stopped():
            return
        for unit in units(folder, here, names, reader):
            if stopped():
                return
            empty = False
            yield _portion(unit.paths, reader)
    reader.leave(folder)
    if empty:
        yield Portion((folder,), Scan((), (_nothing_in(folder),)))


@dataclass(frozen=True)
class Origin:
    """Where the image of a result lies, the series that it is, and what a person stated it to be; empty if nothing."""

    paths: tuple[Path, ...]
    series_uid: str
    modality: str = ""


def source_of(home: Home, folder: Path) -> Origin:
    """Find the series that a result was made from, by the names of its files and the kind of image.

    Raises
    ------
    UserError
        When the result was made elsewhere.
    DataError
        When the folder holds no result, or its files are not there any more.
    """
    document = reading.read_document(folder)
    source, stated = document.source, str(document.passport.parameters.get("modality", ""))
    paths = tuple(results.inputs_of(home, folder))
    for series in inputs.series_of(inputs.scan(paths)):
        if series.source.names == source.names and series.shape == source.shape:
            return Origin(paths, series.uid, stated if stated in STATABLE else "")
    raise _missing(paths[0])


def _portion(paths: tuple[Path, ...], reader: Reader = _FILES) -> Portion:
    present, missing = [], []
    for path in paths:
        if path.exists():
            present.append(path)
        else:
            missing.append(_missing(path))
    try:
        found = study.scan(present, reader=reader)
    except DataError as error:
        found = Scan((), (error,))
    if present and not (found.studies or found.annotations or found.problems):
        missing.append(_nothing_in(present[0]))
    return Portion(paths, replace(found, problems=(*missing, *found.problems)))


def _is_dicom(path: Path) -> bool:
    try:
        return path.exists() and sniff(path) == "dicom"
    except DataError:
        return False


def _missing(path: Path) -> DataError:
    return DataError(
        "the file or folder is not there any more",
        code="study.absent",
        hint="It may have been moved or deleted, or its disk is not connected.",
        subject=path.name,
    )


def _nothing_in(folder: Path) -> DataError:
    return DataError(
        "no image was found in the folder",
        code="study.nothing-found",
        hint=f"{KNOWN} can be opened, and zip and tar archives of them.",
        subject=folder.name,
    )
