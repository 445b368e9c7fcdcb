"""What every command needs: the home that was asked for, and a session that shows its progress."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console

if TYPE_CHECKING:
    from medtransfer.store.home import Home
    from medtransfer.work.session import Session

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
PluginId = Annotated[str, typer.Option("--plugin", help="The plug-in's id; `plugin list` shows them.", metavar="ID")]
ModelReference = Annotated[
    str | None,
    typer.Option(
        "--model",
        metavar="NAME",
        help="NAME, NAME@VERSION, the start of an address, or 'starter'. Default: the plug-in's newest model.",
    ),
]
Explain = Annotated[
    list[str] | None,
    typer.Option("--explain", metavar="LABEL", help="Label to explain by a heat map; may be repeated; or 'all'."),
]
ExplainBy = Annotated[
    str,
    typer.Option(
        "--explain-by",
        metavar="gradcam|rollout",
        help="How heat maps are made: by gradients, or, for vision transformers, by rolling out attention.",
    ),
]

Quality = Annotated[
    str,
    typer.Option(
        "--quality",
        metavar="fast|full|thorough",
        help="Volumes: on a grid of 3 mm, on the model's own, or there and mirrored too where the model knows that.",
    ),
]
Modality = Annotated[
    str,
    typer.Option(
        "--modality",
        metavar="CT|MR",
        help="What volumes are whose files do not say it (NIfTI, NRRD, MetaImage).",
        show_default=False,
    ),
]


def home(context: typer.Context) -> Home:
    """Return the store that ``--home`` or the environment names."""
    from medtransfer.store.home import Home

    given: Path | None = context.find_root().params.get("home")
    return Home.locate(given)


@contextmanager
def session(context: typer.Context) -> Iterator[Session]:
    """Open a session whose progress is shown and which Ctrl+C stops."""
    from medtransfer import logs
    from medtransfer.work.session import Session

    place = home(context).prepare()
    logs.configure(place.logs)
    progress = console.Progress()
    try:
        with console.stoppable() as wish, Session(place, progress, wish) as opened:
            yield opened
    finally:
        progress.close()
