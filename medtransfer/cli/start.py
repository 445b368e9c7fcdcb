"""Where the command ``medtransfer`` begins: without arguments the window opens before any command is even imported."""

from __future__ import annotations

import sys

from medtransfer.errors import MedTransferError


def main() -> None:
    """Open the window, or run the command that the arguments name; leave with the exit code."""
    if len(sys.argv) == 1:
        try:
            from medtransfer.gui import app
            from medtransfer.store.home import Home

            sys.exit(app.run(Home.locate()))
        except (ImportError, MedTransferError):
            pass  # the command line meets the same obstacle below, and says it in words
    from medtransfer.cli.main import main as run_command

    run_command()
