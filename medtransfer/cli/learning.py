"""``medtransfer learn``."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console, evaluation, state

if TYPE_CHECKING:
    from medtransfer.cohort.model import Problem
    from medtransfer.work.planning import Plan

PROBLEMS_SHOWN = 20


def learn(  # noqa: PLR0913, PLR0917 - one parameter per option
    context: typer.Context,
    plugin: state.PluginId,
    data: Annotated[
        Path, typer.Option("--data", metavar="TABLE|FOLDER", help="Labelled cases, or a published data set.")
    ],
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the model and its report.")],
    recipe: Annotated[
        str, typer.Option("--recipe", metavar="NAME|FILE", help="quick, standard, thorough, or a TOML file.")
    ] = "standard",
    name: Annotated[str, typer.Option("--name", metavar="MODEL", help="Name to publish the model under.")] = "",
    labels: Annotated[
        list[str] | None, typer.Option("--label", metavar="LABEL", help="Learn only this label; may be repeated.")
    ] = None,
    parent: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="MODEL",
            help="Start from this model and keep its test set, or from the folder of a pretraining.",
        ),
    ] = "",
    add_to: Annotated[
        str,
        typer.Option(
            "--add-to",
            metavar="MODEL",
            help="Add the findings to this trio from a handful of cases, and leave what it answers already as it is.",
        ),
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="Change a setting of the recipe.")
    ] = None,
) -> None:
    """Adapt a pretrained network to labelled cases, test it, and publish it.

    The same command goes on exactly where an earlier one was stopped or killed.
    """
    from medtransfer.work.adding import add
    from medtransfer.work.learn import learn as work
    from medtransfer.work.planning import Wish

    if parent and add_to:
        raise typer.BadParameter("--from and --add-to exclude each other")
    wish = Wish(
        plugin=plugin,
        data=data,
        recipe=recipe,
        name=name,
        labels=tuple(labels or ()),
        parent=add_to or parent,
        settings=dict(map(setting, settings or [])),
    )
    with state.session(context) as session:
        learnt = (add if add_to else work)(session, wish, out, say_plan)
    evaluation.say_evaluation(learnt.bundle)
    console.say(f"published as {learnt.model.reference}, report in {learnt.report}")


def say_plan(plan: Plan) -> None:
    """Print the checks and the split."""
    say_problems(plan.problems)
    if len(plan.problems) > PROBLEMS_SHOWN:
        console.note(f"... and {len(plan.problems) - PROBLEMS_SHOWN} more; all are in checks.json")
    counts = Counter(plan.split.partitions.values())
    patients = len({case.patient for case in plan.cohort.cases})
    if plan.keeps:
        console.note(f"{len(plan.cohort.cases)} cases of {patients} patients, who are left out in turn to judge by")
        return
    console.note(
        f"{len(plan.cohort.cases)} cases of {patients} patients, split by patient: "
        + ", ".join(f"{counts[part]} {part}" for part in ("train", "validation", "test"))
    )


def say_problems(problems: Sequence[Problem]) -> None:
    """Print the first of the problems."""
    for problem in problems[:PROBLEMS_SHOWN]:
        rows = f" (rows {', '.join(map(str, problem.rows[:10]))})" if problem.rows else ""
        console.note(f"{problem.level}: {problem.message}{rows} {problem.hint}".rstrip())


def setting(text: str) -> tuple[str, str | int | float | bool]:
    """Read KEY=VALUE; numbers and true/false as such, everything else as text."""
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise typer.BadParameter(f"--set takes KEY=VALUE, not {text!r}")
    try:
        parsed = json.loads(value)
    except ValueError:
        return key, value
    return key, parsed if isinstance(parsed, int | float | bool) else value
