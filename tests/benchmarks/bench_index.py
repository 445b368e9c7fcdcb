"""How long a folder of many DICOM files takes to open: the first time, the second time, and by a loop over pydicom.

    .venv/bin/python tests/benchmarks/bench_index.py [FILES]

The files (5,000 unless stated) are small CT slices in series of 200, written just before, so that the figures are about
programs and not about the disk: where files must come from a disk or over a network, the index spares far more. Two
things are timed: reading the headers alone, which the index spares, and opening as a whole, which groups and checks
slices each time too. Fails when reading takes more than a fifth the second time, or the second opening is no faster.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np
import pydicom
from pydicom.uid import UID

from medtransfer.store.home import Home
from medtransfer.work import indexing
from medtransfer.work.indexing import IndexedReader, ignore
from medtransfer.work.opening import portions
from medtransfer.work.walk import directories
from tests.study.builders import ct_slice, save

PER_SERIES = 200
ALLOWED_RATIO = 1 / 5
ROUNDS = 3


def generate(folder: Path, files: int) -> None:
    """Write ``files`` slices, each in the past so that the index trusts their time stamps."""
    pixels = np.zeros((64, 64), np.uint16)
    made = ct_slice(pixels, (0.0, 0.0, 0.0))
    for number in range(files):
        series, place = divmod(number, PER_SERIES)
        made.SeriesInstanceUID = f"1.2.826.0.1.{series + 1}"
        made.StudyInstanceUID = f"1.2.826.0.2.{series // 4 + 1}"
        made.SOPInstanceUID = made.file_meta.MediaStorageSOPInstanceUID = UID(f"1.2.826.0.3.{number + 1}")
        made.InstanceNumber = place + 1
        made.ImagePositionPatient = [0.0, 0.0, 2.0 * place]
        path = folder / f"study{series // 4:04}" / f"series{series:04}" / f"{place:04}.dcm"
        path.parent.mkdir(parents=True, exist_ok=True)
        save(made, path)
        os.utime(path, (1e9, 1e9))


def seconds(work: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def open_folder(home: Home, folder: Path) -> None:
    """Open the folder as the window does."""
    for portion in portions(home, [folder], lambda: False):
        assert portion.found.studies
        assert not portion.found.problems


def read_headers(home: Home, folder: Path) -> None:
    """Enter every directory, as opening does before it groups anything."""
    with IndexedReader(home, ignore) as reader:
        for here, names in directories(folder, home.root):
            reader.enter(here, names, lambda: False)


def by_pydicom(folder: Path) -> None:
    """Read every header, all elements before the pixels, as a plain script would."""
    for path in sorted(folder.rglob("*.dcm")):
        pydicom.dcmread(path, stop_before_pixels=True).get("SeriesInstanceUID")


def main() -> int:
    files = int(sys.argv[1]) if len(sys.argv) > 1 else 5000
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "archive")
        homes = [Home(Path(temporary, f"home{number}")) for number in range(ROUNDS)]
        generate(folder, files)
        pydicom_s = min(seconds(lambda: by_pydicom(folder)) for _ in range(ROUNDS))
        headers_first = min(seconds(partial(read_headers, home, folder)) for home in homes)
        headers_second = min(seconds(partial(read_headers, home, folder)) for home in homes)
        for home in homes:
            indexing.clear(home)
        first = min(seconds(partial(open_folder, home, folder)) for home in homes)
        second = min(seconds(partial(open_folder, home, folder)) for home in homes)
    ratio = headers_second / headers_first
    print(f"{files} files, best of {ROUNDS}; a loop over pydicom {pydicom_s:.2f} s")
    print(f"headers: first {headers_first:.2f} s, second {headers_second:.2f} s, ratio {ratio:.3f}")
    print(f"opening: first {first:.2f} s, second {second:.2f} s, ratio {second / first:.3f}")
    print(f"opening / pydicom: first {first / pydicom_s:.2f}, second {second / pydicom_s:.2f}")
    return 0 if ratio <= ALLOWED_RATIO and second < first else 1


if __name__ == "__main__":
    raise SystemExit(main())
