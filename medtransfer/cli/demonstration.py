"""``medtransfer demo``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from medtransfer.cli import analysing, console, evaluation, learning, state, window


def demo(
    context: typer.Context,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for everything the demo writes.")] = Path(
        ".demo"
    ),
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Folder with fundus/idrid; else MEDTRANSFER_DATA.")
    ] = None,
    pictures: Annotated[
        list[Path] | None, typer.Option("--picture", metavar="FILE", help="Your own photograph; may be repeated.")
    ] = None,
    headless: Annotated[bool, typer.Option("--headless", help="Open no window at the end.")] = False,
) -> None:
    """Check, split, tune a trio, test, publish, analyse and report, on real photographs where they are.

    At the end the window shows the analysed photograph.
    """
    from medtransfer.work.demo import demo as work

    with state.session(context) as session:
        shown = work(session, data, pictures or [], out, console.say, learning.say_plan)
    evaluation.say_evaluation(shown.learnt.bundle)
    for analysed in shown.analysed:
        analysing.say_result(analysed)
    console.say("Pages to look at:")
    console.say(f"  {shown.page}")
    console.say(f"  {shown.learnt.report}")
    if not headless:
        window.show_if_possible(context, shown.analysed[0].folder)
