"""How long a CT of 300 slices takes to open, beside SimpleITK's series reader, and how much memory it takes.

    .venv/bin/python tests/benchmarks/bench_open.py [ENCODING ...]

The series is generated in each encoding, and both readers take turns on the same files in this process, so that the
ratio is about the readers and not about the disk or the machine. Ours is from ``study.open`` to the volume in int16 HU;
theirs from the file names that GDCM sorts to the image, with its threads as they are by default. Memory is how much the
largest resident set grows, in a process of its own. Fails when the voxels differ or a ratio exceeds its bar.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import imagecodecs
import numpy as np
from numpy.typing import NDArray
from pydicom.encaps import encapsulate
from pydicom.uid import (
    UID,
    ExplicitVRLittleEndian,
    HTJ2KLossless,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLosslessSV1,
    JPEGLSLossless,
)

from medtransfer import study
from tests.study.builders import ct_slice, simple_itk

SLICES, SIDE, ROUNDS = 300, 512, 5
UNCOMPRESSED, COMPRESSED, MEMORY = 0.6, 0.9, 1.3
READ_ONE = "--memory-of"

Pixels = NDArray[np.uint16]
Encoder = Callable[[Pixels], bytes | bytearray]

NATIVE: dict[str, UID] = {"explicit": ExplicitVRLittleEndian, "implicit": ImplicitVRLittleEndian}
CODECS: dict[str, tuple[UID, Encoder]] = {
    "jpeg-ls": (JPEGLSLossless, imagecodecs.jpegls_encode),
    "jpeg-2000": (JPEG2000Lossless, partial(imagecodecs.jpeg2k_encode, level=0, codecformat="j2k", reversible=True)),
    "jpeg-lossless": (JPEGLosslessSV1, partial(imagecodecs.jpeg8_encode, lossless=True, predictor=1)),
}
# SimpleITK reads no HTJ2K: shown without a bar.
ALONE: dict[str, tuple[UID, Encoder]] = {"htj2k": (HTJ2KLossless, imagecodecs.htj2k_encode)}


def slices() -> list[Pixels]:
    """Return a body with an organ that moves and with noise, as a CT stores it: 12 bits, 1024 above HU."""
    noise = np.random.default_rng(1).normal(0, 12, (SIDE, SIDE))
    y, x = np.mgrid[0:SIDE, 0:SIDE]
    made = []
    for number in range(SLICES):
        body = np.hypot((x - 256) / 1.3, y - 256) < 120 + 60 * np.sin(number / 60)
        organ = np.hypot(x - 200, y - 256 - 40 * np.sin(number / 40)) < 50
        values = np.where(body, 1064 + 60 * organ, 24) + np.roll(noise, number * 7, axis=1)
        made.append(values.clip(0, 4095).astype(np.uint16))
    return made


def write(folder: Path, encoding: str, volume: list[Pixels]) -> Path:
    """Write one file for each slice."""
    target = folder / encoding
    target.mkdir()
    for number, pixels in enumerate(volume):
        made = ct_slice(pixels, (0.0, 0.0, 1.0 * number), InstanceNumber=number + 1, RescaleType="HU")
        if encoding in NATIVE:
            made.file_meta.TransferSyntaxUID = NATIVE[encoding]
        else:
            syntax, encode = (CODECS | ALONE)[encoding]
            made.file_meta.TransferSyntaxUID = syntax
            made.PixelData = encapsulate([bytes(encode(pixels))])
            made["PixelData"].VR = "OB"
        made.save_as(target / f"{number:03}.dcm", enforce_file_format=True)
    return target


def ours(folder: Path) -> NDArray[np.generic]:
    (entry,) = study.open(folder)
    (series,) = entry.series
    return series.image().array


def theirs(folder: Path) -> Any:
    reader = simple_itk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder)))
    return reader.Execute()


def seconds(read: Callable[[Path], Any], folder: Path) -> float:
    start = time.perf_counter()
    read(folder)
    return time.perf_counter() - start


def memory(folder: Path) -> float:
    """Return how many times the int16 volume the largest resident set grew by, in a process of its own."""
    command = [sys.executable, __file__, READ_ONE, str(folder)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def grown(folder: Path) -> float:
    """Measure that: the readers are loaded with one slice first."""
    with tempfile.TemporaryDirectory() as name:
        first = next(iter(sorted(folder.iterdir())))
        (Path(name) / "one.dcm").write_bytes(first.read_bytes())
        ours(Path(name))
    before = peak()
    volume = ours(folder)
    return (peak() - before) / volume.nbytes


def peak() -> int:
    """Return the largest resident set of this program so far, in bytes."""
    status = Path("/proc/self/status")  # getrusage counts what the process held before it became this program
    if status.exists():
        (line,) = (line for line in status.read_text(encoding="ascii").splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def compare(folder: Path, encoding: str) -> bool:
    """Print the figures of one encoding; return whether they keep the bars."""
    equal = bool(np.array_equal(ours(folder), simple_itk.GetArrayFromImage(theirs(folder))))
    times = [(seconds(ours, folder), seconds(theirs, folder)) for _ in range(ROUNDS)]
    own, peer = (statistics.median(column) for column in zip(*times, strict=True))
    # Taken round by round, so that what else the machine does in the meantime counts less.
    ratio = statistics.median(one / other for one, other in times)
    bar = UNCOMPRESSED if encoding in NATIVE else COMPRESSED
    taken = memory(folder)
    print(
        f"{encoding:14} {own:6.3f} s, SimpleITK {peer:6.3f} s, ratio {ratio:.2f} of {bar}; "
        f"memory {taken:.2f} of {MEMORY} volumes{'' if equal else '; THE VOXELS DIFFER'}",
        flush=True,
    )
    return equal and ratio <= bar and taken <= MEMORY


def alone(folder: Path, encoding: str, volume: list[Pixels]) -> bool:
    """Print the time of an encoding that SimpleITK does not read."""
    equal = bool(np.array_equal(ours(folder), np.array(volume).astype(np.int16) - 1024))
    own = statistics.median(seconds(ours, folder) for _ in range(ROUNDS))
    print(f"{encoding:14} {own:6.3f} s; memory {memory(folder):.2f} volumes", flush=True)
    return equal


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("encodings", nargs="*", default=[*NATIVE, *CODECS, *ALONE])
    parser.add_argument(READ_ONE, dest="folder", type=Path)
    given = parser.parse_args()
    if given.folder:
        print(grown(given.folder))
        return 0
    volume = slices()
    kept = []
    with tempfile.TemporaryDirectory() as name:
        for encoding in given.encodings:
            folder = write(Path(name), encoding, volume)
            kept.append(alone(folder, encoding, volume) if encoding in ALONE else compare(folder, encoding))
    return 0 if all(kept) else 1


if __name__ == "__main__":
    sys.exit(main())
