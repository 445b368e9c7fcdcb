"""The first analysis with a cold worker, and the next ones with a warm one.

Prints seconds from starting the worker to the first result, the median of five further analyses, and their ratio
(bars: first under 15 s, further ones at least 5 times faster). Uses the starter model of the fundus plug-in.

    python tests/benchmarks/bench_worker.py
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

from medtransfer.resources import resource
from medtransfer.store.home import Home
from medtransfer.work.analyse import analyse
from medtransfer.work.analyser import Options
from medtransfer.work.session import Session

PICTURE = resource("demo/retina.jpg")


def main() -> None:
    """Run the benchmark, with and without explanation."""
    for explain in ((), ("positive",)):
        with tempfile.TemporaryDirectory() as temporary:
            folder = Path(temporary)
            options = Options(plugin="medtransfer.fundus-trio", explain=explain)
            with Session(Home.locate(folder / "home").prepare()) as session:
                times = [_timed(session, options, folder / str(number)) for number in range(6)]
        first, later = times[0], statistics.median(times[1:])
        print(
            f"explain {list(explain)!s:14s} first {first:.2f} s   later {later:.2f} s   "
            f"first / later {first / later:.1f}"
        )


def _timed(session: Session, options: Options, out: Path) -> float:
    begun = time.monotonic()
    analyse(session, [PICTURE], options, out)
    return time.monotonic() - begun


if __name__ == "__main__":
    main()
