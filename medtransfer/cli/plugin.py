"""``medtransfer plugin ...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console, state

if TYPE_CHECKING:
    from medtransfer.contract.manifest import Manifest
    from medtransfer.hosting.catalogue import PluginEntry
    from medtransfer.hosting.install import Inspection

app = typer.Typer(help="List, inspect, install and remove plug-ins.", no_args_is_help=True)
Identifier = Annotated[str, typer.Argument(metavar="ID", help="The plug-in's id.")]


@app.command("list")
def list_plugins(context: typer.Context, as_json: state.AsJson = False) -> None:
    """List the plug-ins with their state."""
    from medtransfer.hosting import catalogue

    entries = catalogue.find(state.home(context).root)
    if as_json:
        console.say_json([_summary(entry) for entry in entries])
        return
    rows = [
        (entry.id, entry.manifest.version if entry.manifest else "-", entry.origin, _state(entry)) for entry in entries
    ]
    console.say_table(("plug-in", "version", "where", "state"), rows)


@app.command()
def info(context: typer.Context, plugin: Identifier, as_json: state.AsJson = False) -> None:
    """Show what a plug-in is for, what it takes, what it answers and on what conditions."""
    from medtransfer.hosting import catalogue

    entry = catalogue.get(state.home(context).root, plugin)
    if as_json:
        manifest = entry.manifest.model_dump(mode="json") if entry.manifest else None
        console.say_json({**_summary(entry), "manifest": manifest})
    elif entry.manifest is not None:
        _say_manifest(entry.manifest)


@app.command()
def install(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A wheel (.whl) or a plug-in's folder.", show_default=False)],
    yes: Annotated[bool, typer.Option("--yes", help="Agree to what is shown without being asked.")] = False,
) -> None:
    """Install a plug-in into an environment of its own, after showing what it is and asking."""
    from medtransfer.work import plugins

    inspection = plugins.inspect(source)
    _say_manifest(inspection.manifest)
    _say_files(inspection)
    if not yes and not typer.confirm("Install it?"):
        raise typer.Exit(console.FAILED)
    with state.session(context) as session:
        entry = plugins.install(session, source)
    console.say(f"installed {entry.id}")


@app.command()
def uninstall(context: typer.Context, plugin: Identifier) -> None:
    """Remove a plug-in and everything that was installed for it."""
    from medtransfer.work import plugins

    plugins.uninstall(state.home(context), plugin)
    console.say(f"uninstalled {plugin}")


@app.command()
def enable(context: typer.Context, plugin: Identifier) -> None:
    """Switch a plug-in on."""
    from medtransfer.hosting import install as hosting

    hosting.enable(state.home(context).root, plugin)
    console.say(f"enabled {plugin}")


@app.command()
def disable(context: typer.Context, plugin: Identifier) -> None:
    """Switch a plug-in off without removing it."""
    from medtransfer.hosting import install as hosting

    hosting.disable(state.home(context).root, plugin)
    console.say(f"disabled {plugin}")


def _state(entry: PluginEntry) -> str:
    if entry.reason:
        return f"unusable: {entry.reason}"
    return "ready" if entry.enabled else "disabled"


def _summary(entry: PluginEntry) -> dict[str, str | bool | None]:
    return {
        "id": entry.id,
        "name": entry.manifest.name if entry.manifest else None,
        "version": entry.manifest.version if entry.manifest else None,
        "origin": entry.origin,
        "usable": not entry.reason,
        "enabled": entry.enabled,
        "reason": entry.reason,
    }


def _say_manifest(manifest: Manifest) -> None:
    card, permissions = manifest.card, manifest.permissions
    abilities = [name for name, able in manifest.can.model_dump().items() if able]
    lines = {
        "plug-in": f"{manifest.name} ({manifest.id} {manifest.version})",
        "what": card.summary,
        "intended use": card.intended_use,
        "not for": card.not_for,
        "population": card.population,
        "licence": card.licence,
        "takes": f"{', '.join(manifest.input.modalities)}, {manifest.input.dimensions}-D, {manifest.input.meaning}",
        "answers": ", ".join(label.name for label in manifest.task.labels),
        "can": ", ".join(abilities),
        "network": "asks for it" if permissions.network else "none",
        "folders": ", ".join(permissions.read_folders) or "its job's folder only",
        "memory": f"about {manifest.memory.analyse_mib} MiB to analyse",
    }
    for name, text in lines.items():
        console.say(f"{name:13} {text}")
    for weights in manifest.weights:
        console.say(f"{'weights':13} {weights.name}, {weights.licence}, {weights.source}")
    for metric in card.metrics:
        console.say(f"{'measured':13} {metric.name} {metric.value} on {metric.on}")
    if card.citation:
        console.say(f"{'cite':13} {card.citation}")


def _say_files(inspection: Inspection) -> None:
    console.say(f"{'files':13} {len(inspection.files)}, {inspection.size / 10**6:.1f} MB, SHA-256 {inspection.sha256}")
    console.say(f"{'needs':13} {', '.join(inspection.requires) or 'nothing else'}")
    console.say("A plug-in is a program that runs with your rights: install it only if you trust its source.")
