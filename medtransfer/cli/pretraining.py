"""``medtransfer pretrain``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medtransfer.cli import console, state
from medtransfer.cli.learning import say_problems, setting


def pretrain(
    context: typer.Context,
    plugin: state.PluginId,
    data: Annotated[Path, typer.Option("--data", metavar="FOLDER|TABLE", help="Images; answers are not needed.")],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the encoder and its pictures.")],
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="NAME|FILE", help="quick, standard, thorough, or a TOML file.")
    ] = "standard",
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What models say that they started from.")] = (
        "encoder"
    ),
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe.")
    ] = None,
) -> None:
    """Let a network learn your images without answers, to start `medtransfer learn --from` from.

    The same command goes on exactly where an earlier one was stopped or killed.
    """
    from medtransfer.work.pretrain import PretrainWish
    from medtransfer.work.pretrain import pretrain as work

    wish = PretrainWish(plugin, data, recipe, name, dict(map(setting, settings or [])))
    with state.session(context) as session:
        pretrained = work(session, wish, out)
    say_problems(pretrained.problems)
    first, *_, last = pretrained.bundle.card.extra["pretraining"]["history"]
    console.say(
        f"error in hidden patches, in squared standard deviations: {first['validation_loss']:.3f} before, "
        f"{last['validation_loss']:.3f} after; {last['guess_loss']:.3f} with the mean of the visible ones"
    )
    console.say(f"what it fills in: {pretrained.reconstructions}")
    console.say(f"start a training from it: medtransfer learn --plugin {plugin} --from {out} --data ... --out ...")
