"""Set medtransfer up in this checkout and run it.

    python3 installer/bootstrap.py setup               make the environment, and nothing else
    python3 installer/bootstrap.py demo [--headless]   adapt a network to a cohort, from start to report
    python3 installer/bootstrap.py test [ARGS...]      every check and every test; ARGS go to pytest
    python3 installer/bootstrap.py run -- ARGS...      the command `medtransfer ARGS...`

This file alone keeps to the syntax of Python 3.6, so that an old Python gets a sentence instead of a syntax error.
"""

import sys
from pathlib import Path

MINIMUM = (3, 11)


def too_old(major: int, minor: int) -> str:
    """Return what to tell the user of a Python that is too old; empty for one that will do."""
    if (major, minor) >= MINIMUM:
        return ""
    return (
        f"medtransfer needs Python {MINIMUM[0]}.{MINIMUM[1]} or newer; {sys.executable} is Python {major}.{minor}.\n"
        "Start this file with a newer Python, for example: python3.12 installer/bootstrap.py demo\n"
        "There is one for every system at https://www.python.org/downloads/ ; on Debian and Ubuntu: "
        "sudo apt-get install python3 python3-venv"
    )


def main() -> int:
    """Refuse an old Python, then hand over to the commands."""
    complaint = too_old(sys.version_info[0], sys.version_info[1])
    if complaint:
        sys.stderr.write(complaint + "\n")
        return 1
    sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
    from installer.commands import main as run  # only a new enough Python can parse it

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
