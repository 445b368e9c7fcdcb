"""``medtransfer model ...``."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console, evaluation, state

if TYPE_CHECKING:
    from medtransfer.contract.bundle import BundleLabel
    from medtransfer.store.models import StoredModel

app = typer.Typer(help="List, show, move and compare models.", no_args_is_help=True)
Reference = Annotated[str, typer.Argument(metavar="MODEL", help="NAME, NAME@VERSION or the start of an address.")]


@app.command("list")
def list_models(context: typer.Context, as_json: state.AsJson = False) -> None:
    """List the published models."""
    from medtransfer.store import models

    found = models.list_models(state.home(context))
    if as_json:
        console.say_json([{**asdict(model), "reference": model.reference} for model in found])
        return
    rows = [(m.reference, m.plugin, m.created[:10], m.sha256[:12], _metrics(m)) for m in found]
    console.say_table(("model", "plug-in", "published", "address", "AUROC"), rows)


@app.command()
def show(context: typer.Context, model: Reference, as_json: state.AsJson = False) -> None:
    """Show a model's card and figures."""
    from medtransfer.cohort.words import counted
    from medtransfer.store import models

    stored = models.find(state.home(context), model)
    bundle = stored.open()
    if as_json:
        console.say_json(
            {"reference": stored.reference, "sha256": stored.sha256, **bundle.card.model_dump(mode="json")}
        )
        return
    card = bundle.card
    data = card.data
    console.say(f"{stored.reference} ({stored.sha256})")
    console.say(f"plug-in {card.plugin} {card.plugin_version}, backbone {card.backbone}, recipe {card.recipe.name}")
    console.say(f"labels {', '.join(map(_learnt_from, card.labels))}")
    cases = f"{counted(data.cases, 'case')} of {counted(data.patients, 'patient')}"
    console.say(f"data {cases}: {data.description} {data.licence}".rstrip())
    for origin in card.weights:
        console.say(f"weights {origin.name}, {origin.licence}, {origin.source}")
    for line in card.remarks:
        console.say(f"note: {line}")
    evaluation.say_evaluation(bundle)


@app.command("import")
def import_model(
    context: typer.Context,
    source: Annotated[Path, typer.Argument(help="A model's folder or zip file, or a file of pretrained weights.")],
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the model, or of the weights in the catalogue.")
    ] = None,
) -> None:
    """Bring in a model from another machine, or a file of pretrained weights."""
    from medtransfer.work import models, published, weights

    home = state.home(context).prepare()
    if source.is_dir() or models.is_bundle(source):
        console.say(f"imported as {models.import_bundle(home, source, name).reference}")
    else:
        imported = weights.import_weights(home, source, name)
        console.say(f"weights {imported.name} are ready")
        for line in imported.fit.lines():
            console.say(line)
        for model in published.publish(home, imported):
            console.say(f"published as {model.reference}, a model of {model.plugin}")


@app.command()
def export(
    context: typer.Context,
    model: Reference,
    out: Annotated[Path, typer.Option("--out", metavar="PATH", help="A new folder, or a file that ends in .zip.")],
) -> None:
    """Write a model to a folder or a zip file."""
    from medtransfer.contract.bundle import HOLDS_PICTURES
    from medtransfer.work import models

    exported = models.export(state.home(context), model, out)
    console.say(f"{exported.reference} -> {out}")
    if HOLDS_PICTURES in exported.open().card.remarks:
        console.note(HOLDS_PICTURES)


@app.command()
def compare(context: typer.Context, first: Reference, second: Reference, as_json: state.AsJson = False) -> None:
    """Put the figures of two models beside each other."""
    from medtransfer.work import models

    comparison = models.compare(state.home(context), first, second)
    if as_json:
        console.say_json(
            {
                "models": [comparison.first.reference, comparison.second.reference],
                "same_test": comparison.same_test,
                "auroc": comparison.auroc,
            }
        )
        return
    head = ("AUROC", comparison.first.reference, comparison.second.reference)
    rows = [(label, *("-" if v is None else f"{v:.3f}" for v in pair)) for label, pair in comparison.auroc.items()]
    console.say_table(head, rows)
    if not comparison.same_test:
        console.say("These models were tested on different cases: the figures cannot be compared directly.")


@app.command()
def drop(
    context: typer.Context,
    model: Reference,
    labels: Annotated[list[str], typer.Option("--label", metavar="LABEL", help="What to take out; may be repeated.")],
    name: Annotated[str, typer.Option("--name", metavar="MODEL", help="Name of what is left.")] = "",
) -> None:
    """Take findings out of a model: what is left is a new version and answers as before."""
    from medtransfer.work.dropping import drop as work

    console.say(f"published as {work(state.home(context), model, labels, name).reference}")


@app.command()
def delete(context: typer.Context, model: Reference) -> None:
    """Remove one version of a model from the store."""
    from medtransfer.store import models

    console.say(f"deleted {models.delete(state.home(context), model).reference}")


def _learnt_from(label: BundleLabel) -> str:
    """Return a label's name with the numbers of cases that it was learnt from, where the card tells them."""
    counts = f" ({label.positives} with, {label.negatives} without)" if label.positives else ""
    return f"{label.name}{counts}"


def _metrics(model: StoredModel) -> str:
    return " ".join(f"{label} {value:.3f}" for label, value in model.metrics.items())
