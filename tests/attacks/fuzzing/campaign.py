"""Many damaged files through a watched process: no crash, no hang, no memory over the cap, nothing written outside.

The long run is ``python -m tests.attacks.fuzzing.campaign [--inputs 20000] [--seed 1]``; the suite runs a short one
with a fixed seed. What failed can be made again from its kind, seed and index: ``--kind dicom --seed 1 --only 4711``.
"""

from __future__ import annotations

import argparse
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.attacks.fuzzing.corpus import KINDS

HANG_S = 5.0
MEMORY_MIB = 512
"""What the process may grow by: decoded pixels are capped at 64 MiB and may be held a few times over."""
START_S = 60.0


@dataclass
class Report:
    """How the files ended, and each failure as ``kind seed index: what happened``."""

    outcomes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)
    slowest_s: float = 0.0
    peak_mib: int = 0


class Child:
    """The process that opens the files, started again when it died."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lines: queue.Queue[str] = queue.Queue()
        self._process = self._start()

    def ask(self, request: str) -> tuple[str, float]:
        """Return the answer and how long it took; ``hang`` or ``crash CODE`` when none came."""
        assert self._process.stdin is not None
        self._process.stdin.write(request + "\n")
        self._process.stdin.flush()
        if self._next(START_S) != "begin":
            return self._lost("crash before the file was opened")
        began = time.monotonic()
        answer = self._next(HANG_S)
        if answer:
            return answer, time.monotonic() - began
        return self._lost("hang" if self._process.poll() is None else f"crash {self._process.returncode}")

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _lost(self, how: str) -> tuple[str, float]:
        self.close()
        self._lines = queue.Queue()
        self._process = self._start()
        return how, HANG_S

    def _start(self) -> subprocess.Popen[str]:
        environment = os.environ | dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(self._folder / "scratch"))
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.attacks.fuzzing.child", str(self._folder / "files")],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
            env=environment,
        )
        self._listener = threading.Thread(target=self._listen, args=(process, self._lines), daemon=True)
        self._listener.start()
        return process

    @staticmethod
    def _listen(process: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
        assert process.stdout is not None
        for line in process.stdout:
            lines.put(line.rstrip("\n"))
        lines.put("")

    def _next(self, patience_s: float) -> str:
        try:
            return self._lines.get(timeout=patience_s)
        except queue.Empty:
            return ""


def run(requests: Iterator[tuple[str, int, int]]) -> Report:
    """Send every request through the process and look at what it left behind."""
    report = Report()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("files", "scratch"):
            (folder / part).mkdir()
        child, base = Child(folder), 0
        for kind, seed, index in requests:
            request = f"{kind} {seed} {index}"
            answer, seconds = child.ask(request)
            memory, _, found = answer.partition(" ") if answer[:1].isdigit() else ("0", "", answer)
            base = base or int(memory)
            report.outcomes[" ".join(found.split()[:2]) if found.startswith("refused") else found.split()[0]] += 1
            report.slowest_s = max(report.slowest_s, seconds)
            report.peak_mib = max(report.peak_mib, int(memory) - base)
            if not found.startswith(("opened", "refused")):
                report.failures.append(f"{request}: {found}")
            if int(memory) - base > MEMORY_MIB:
                report.failures.append(f"{request}: {int(memory) - base} MiB more than at the start")
            report.failures += [f"{request}: left {left} behind" for left in _left(folder)]
        child.close()
    return report


def planned(kinds: list[str], inputs: int, seed: int) -> Iterator[tuple[str, int, int]]:
    """Yield inputs of every kind in turn."""
    for index in range(inputs):
        yield kinds[index % len(kinds)], seed, index


def _left(folder: Path) -> list[str]:
    """Return the names of what was written outside the private folder for unpacking."""
    return [path.name for path in (*folder.iterdir(), *(folder / "files").iterdir()) if path.name not in _EXPECTED]


_EXPECTED = {"files", "scratch"}


def main() -> int:
    """Run a campaign and print how it ended."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--inputs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--kind", choices=sorted(KINDS))
    parser.add_argument("--only", type=int)
    given = parser.parse_args()
    kinds = [given.kind] if given.kind else sorted(KINDS)
    one = given.only is not None
    report = run(iter([(kinds[0], given.seed, given.only)]) if one else planned(kinds, given.inputs, given.seed))
    lines = [f"{count:6d} {what}" for what, count in report.outcomes.most_common()]
    lines.append(
        f"slowest {report.slowest_s:.2f} s, memory grew by {report.peak_mib} MiB, {len(report.failures)} failures"
    )
    sys.stdout.write("\n".join([*lines, *report.failures, ""]))
    return int(bool(report.failures))


if __name__ == "__main__":
    sys.exit(main())
