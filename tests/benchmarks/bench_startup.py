"""How long the command line takes to answer, beyond an empty Python: ``python tests/benchmarks/bench_startup.py``.

The bar: ``medtransfer --help`` and ``medtransfer plugin list`` within 0.5 s of ``python -c pass``. The least of several
runs counts, since other work on the machine only adds time.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 7
BAR_S = 0.5


def seconds(arguments: list[str]) -> float:
    """Return the least wall-clock time of several runs."""
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)
        times.append(time.perf_counter() - begun)
    return min(times)


def main() -> None:
    """Measure and print."""
    empty = seconds(["-c", "pass"])
    print(f"python -c pass: {empty:.3f} s")
    with tempfile.TemporaryDirectory() as home:
        for command in (["--help"], ["plugin", "list"], ["model", "list"]):
            beyond = seconds(["-m", "medtransfer", "--home", home, *command]) - empty
            print(f"medtransfer {' '.join(command)}: {beyond:.3f} s more (bar {BAR_S} s)")


if __name__ == "__main__":
    main()
