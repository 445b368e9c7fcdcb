"""The command ``medtransfer``. Commands import what they need when they run, so that help appears at once."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from medtransfer import __version__
from medtransfer.cli import (
    analysing,
    console,
    deidentifying,
    demonstration,
    index,
    learning,
    machine,
    model,
    plugin,
    pretraining,
    studies,
    window,
)
from medtransfer.errors import EnvironmentFailure, MedTransferError, UserError

app = typer.Typer(
    help="Adapt a pretrained imaging network to your own patients, and see what it found and why. Research use only.",
    rich_markup_mode=None,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("window")(window.window)
app.command("open")(studies.open_paths)
app.command("analyse")(analysing.analyse)
app.command("learn")(learning.learn)
app.command("pretrain")(pretraining.pretrain)
app.command("batch")(analysing.batch)
app.command("rerun")(analysing.rerun)
app.command("deidentify")(deidentifying.deidentify)
app.add_typer(model.app, name="model")
app.add_typer(plugin.app, name="plugin")
app.add_typer(index.app, name="index")
app.command("doctor")(machine.doctor)
app.command("demo")(demonstration.demo)


def _version(wanted: bool) -> None:
    if wanted:
        console.say(f"medtransfer {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    home: Annotated[  # noqa: ARG001 - commands read it from the context
        Path | None, typer.Option("--home", metavar="DIR", help="Keep models, plug-ins and jobs in DIR.")
    ] = None,
    version: Annotated[  # noqa: ARG001 - handled by its callback
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Without a command: the window, empty or with the images at PATH..."""
    if context.invoked_subcommand is None:
        raise typer.Exit(window.show(context, []))


def main() -> None:
    """Run the command line and leave with its exit code: 0 done, 1 failed, 2 wrong usage, 3 done with failures."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command and return its exit code."""
    try:
        app(_window_named(_home_first(arguments)), prog_name="medtransfer")
    except SystemExit as ending:
        return ending.code if isinstance(ending.code, int) else console.DONE
    except MedTransferError as error:
        console.complain(error)
        wrong = isinstance(error, UserError) and error.code != "job.cancelled"
        return console.WRONG_USAGE if wrong else console.FAILED
    except OSError as error:
        console.complain(_refused(error))
        return console.FAILED
    return console.DONE


def _refused(error: OSError) -> EnvironmentFailure:
    """Say in words what the system refused: a folder that may not be written, a path that is too long, ..."""
    return EnvironmentFailure(
        f"the system refused: {error.strerror or type(error).__name__}",
        code="system.refused",
        hint="Check the path, and whether you may read and write there.",
        subject=str(error.filename) if error.filename else None,
    )


def _window_named(arguments: list[str]) -> list[str]:
    """Put the command ``window`` before paths that stand where a command is expected."""
    first = next((place for place, word in enumerate(arguments) if _starts(arguments, place, word)), None)
    if first is None or arguments[first] in _commands():
        return arguments
    word = Path(arguments[first])
    looks_like_path = word.exists() or word.suffix != "" or len(word.parts) > 1
    return [*arguments[:first], "window", *arguments[first:]] if looks_like_path else arguments


def _starts(arguments: list[str], place: int, word: str) -> bool:
    """Say whether a word is the first that is neither an option nor the value of ``--home``."""
    return not word.startswith("-") and not (place > 0 and arguments[place - 1] == "--home")


def _commands() -> set[str]:
    return {command.name or "" for command in app.registered_commands} | {
        group.name or "" for group in app.registered_groups
    }


def _home_first(arguments: list[str]) -> list[str]:
    """Move ``--home DIR`` to the front, so that it may stand behind the command as well."""
    end = arguments.index("--") if "--" in arguments else len(arguments)
    for position in range(end):
        name, _, value = arguments[position].partition("=")
        if name == "--home":
            width = 1 if value else 2
            moved = arguments[position : position + width]
            return [*moved, *arguments[:position], *arguments[position + width :]]
    return arguments


if __name__ == "__main__":
    main()
