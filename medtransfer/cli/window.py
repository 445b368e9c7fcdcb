"""``medtransfer`` and ``medtransfer PATH...``: the window."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medtransfer.cli import console, state


def window(
    context: typer.Context,
    paths: Annotated[
        list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files and folders.", show_default=False)
    ] = None,
) -> None:
    """Open the window, with these images in it; the word `window` may be left out."""
    raise typer.Exit(show(context, paths or []))


def show(context: typer.Context, paths: list[Path], result: Path | None = None) -> int:
    """Show the window until it is closed, and return its exit code.

    Raises
    ------
    EnvironmentFailure
        When Qt is not installed or there is no screen.
    """
    from medtransfer.errors import EnvironmentFailure

    try:
        from medtransfer.gui import app
    except ImportError as error:
        raise EnvironmentFailure(
            f"the window cannot be loaded ({error.name or 'a system library of Qt is missing'})",
            code="window.not-installed",
            hint="Install it with `pip install 'medtransfer[window]'`; on Linux `bootstrap.py setup` names the system"
            " libraries that Qt needs.",
        ) from error
    return app.run(state.home(context), [path.absolute() for path in paths], result)


def show_if_possible(context: typer.Context, result: Path) -> None:
    """Show a result in the window, or say why there is none."""
    from medtransfer.errors import EnvironmentFailure

    try:
        code = show(context, [], result.absolute())
    except EnvironmentFailure as error:
        console.note(f"No window: {error.message}. {error.hint}")
        return
    if code:
        raise typer.Exit(code)
