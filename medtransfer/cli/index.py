"""``medtransfer index``: what is remembered of the folders that were opened, and how to forget it."""

from __future__ import annotations

from dataclasses import asdict

import typer

from medtransfer.cli import console, state

app = typer.Typer(
    help="The index of opened folders: it holds names and dates from image headers.", no_args_is_help=True
)


@app.command()
def show(context: typer.Context, as_json: state.AsJson = False) -> None:
    """Say how much the index holds."""
    from medtransfer.work import indexing

    size = indexing.size(state.home(context))
    if as_json:
        console.say_json(asdict(size))
    else:
        console.say(f"files {size.files:,}, folders {size.folders:,}, {size.bytes / 1e6:.1f} MB")


@app.command()
def clear(context: typer.Context) -> None:
    """Forget every folder. Each is read anew when it is opened the next time."""
    from medtransfer.work import indexing

    indexing.clear(state.home(context))
    console.say("the index is empty")
