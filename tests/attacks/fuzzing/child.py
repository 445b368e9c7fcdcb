"""The process that opens damaged files, one after the other, and says before and after each which one it is.

It reads ``kind seed index`` lines and answers ``begin``, then ``opened``, ``refused CODE`` or ``wrong`` with a
traceback on one line, and the peak of its memory. Its parent watches the clock.
"""

from __future__ import annotations

import random
import sys
import traceback
import warnings
from pathlib import Path

import psutil

from medtransfer.errors import MedTransferError
from medtransfer.study.limits import Limits
from medtransfer.study.opening import open as open_studies
from tests.attacks.fuzzing.corpus import KINDS
from tests.attacks.fuzzing.mutation import mutated

MIB = 1 << 20
LIMITS = Limits(
    image_bytes=64 * MIB, picture_pixels=4_000_000, inflated_bytes=16 * MIB, archive_bytes=64 * MIB, archive_members=100
)
SERIES = 4
"""How many series of a damaged file have their pixels decoded."""


def damaged(kind: str, seed: int, index: int) -> tuple[str, bytes]:
    """Return the name and the content of one damaged file."""
    files = KINDS[kind]()
    numbers = random.Random(f"{kind} {seed} {index}")  # noqa: S311 (not for secrets)
    name = numbers.choice(sorted(files))
    return name, mutated(files[name], numbers)


def outcome(path: Path) -> str:
    """Open a file and decode its first series."""
    try:
        for study in open_studies(path, LIMITS):
            for series in study.series[:SERIES]:
                series.image()
    except MedTransferError as refusal:
        return f"refused {refusal.code}"
    except Exception:  # noqa: BLE001 (what must never come out)
        return "wrong " + traceback.format_exc().replace("\n", " | ")
    return "opened"


def main() -> None:
    """Answer line by line until the input ends."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1])
    process = psutil.Process()
    for line in sys.stdin:
        kind, seed, index = line.split()
        name, content = damaged(kind, int(seed), int(index))
        path = folder / name
        path.write_bytes(content)
        sys.stdout.write("begin\n")
        sys.stdout.flush()
        found = outcome(path)
        path.unlink()
        sys.stdout.write(f"{process.memory_info().rss // MIB} {found}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
