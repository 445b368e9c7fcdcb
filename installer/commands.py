"""What ``bootstrap.py`` can be told: set up, demo, test, run."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from installer import environment, qt_libraries
from installer.environment import Checkout
from installer.errors import SetupError

INTERRUPTED = 130
MOST_PROCESSES = 4
"""Of pytest: each may start a worker of two gigabytes beside it."""


def main(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code."""
    parser = argparse.ArgumentParser(prog="bootstrap.py", description="Set medtransfer up in this checkout and run it.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="setup | demo | test | run")
    commands.add_parser("setup", help="make or update the environment .venv, and nothing else")
    commands.add_parser("demo", help="adapt a network to a cohort, from start to report", add_help=False)
    commands.add_parser("test", help="run every check and every test; further arguments go to pytest", add_help=False)
    commands.add_parser("run", help="run the command line: run -- ARGS", add_help=False)
    chosen, rest = parser.parse_known_args(arguments)
    checkout = Checkout(Path(__file__).resolve().parents[1])
    try:
        set_up(checkout)
        if chosen.command == "demo":
            return hand_over(checkout, ["demo", *rest])
        if chosen.command == "run":
            return hand_over(checkout, rest[1:] if rest[:1] == ["--"] else rest)
        return test(checkout, rest) if chosen.command == "test" else 0
    except SetupError as error:
        sys.stderr.write(f"\n{error.message}\n{error.hint}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Run the same command again to go on from here.\n")
        return INTERRUPTED


def set_up(checkout: Checkout) -> None:
    """Bring the environment up to date, if it is not, and say what the window will lack."""
    if environment.is_ready(checkout):
        return
    start = time.monotonic()
    environment.prepare(checkout, say)
    say(f"Ready after {time.monotonic() - start:.0f} s")
    libraries = qt_libraries.installed()
    if libraries is not None:
        advice = qt_libraries.advice(libraries)
        if advice:
            say(advice)


def hand_over(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run ``medtransfer ARGUMENTS``; on POSIX in the place of this process, so that signals reach it directly."""
    command = [str(checkout.program("python")), "-m", "medtransfer", *arguments]
    sys.stdout.flush()
    if os.name == "posix":
        os.execv(command[0], command)  # noqa: S606  there is no shell in between, and none is wanted
    with subprocess.Popen(command) as process:
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl+C reaches both: the child decides what it means
        return process.wait()


def test(checkout: Checkout, arguments: Sequence[str]) -> int:
    """Run every check, whatever the earlier ones say, and sum up; ``arguments`` go to pytest.

    Without arguments pytest shares the test files among processes, each of which computes with its part of the cores:
    threads of several processes that wait for each other would take longer than one process alone.
    """
    python = str(checkout.program("python"))
    cores = os.cpu_count() or 1
    processes = min(cores, MOST_PROCESSES)
    shared = ("-n", str(processes), "--dist", "loadfile")
    checks = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy": [python, "-m", "mypy"],
        "import-linter": [str(checkout.program("lint-imports"))],
        "pytest": [python, "-m", "pytest", *(arguments or shared)],
    }
    variables = {**os.environ, "PYTHONUTF8": "1"}  # import-linter's banner is beyond Windows' usual encoding
    if not arguments:
        variables.setdefault("OMP_NUM_THREADS", str(cores // processes))
    outcomes: list[str] = []
    failed = 0
    for name, command in checks.items():
        say(f"\n== {name}")
        start = time.monotonic()
        code = subprocess.run(command, cwd=checkout.root, env=variables, check=False).returncode
        failed += code != 0
        outcomes.append(f"{'passed' if code == 0 else 'FAILED'}  {name:<14} {time.monotonic() - start:6.1f} s")
    say("\n" + "\n".join(outcomes))
    return 1 if failed else 0


def say(text: str) -> None:
    """Show a line at once, also where the output goes to a file."""
    print(text, flush=True)
