"""``medtransfer deidentify``: images without what may identify the patient."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from medtransfer.cli import console, state

if TYPE_CHECKING:
    from medtransfer.work.deidentify import Outcome


def deidentify(  # noqa: PLR0913, PLR0917 - the command's options
    context: typer.Context,
    source: Annotated[Path, typer.Argument(metavar="IN", help="A file, or a folder with images.", show_default=False)],
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder outside IN.", show_default=False)],
    keep_dates: Annotated[
        bool, typer.Option("--keep-dates", help="Keep all dates and times but those of birth.")
    ] = False,
    shift_dates: Annotated[
        bool, typer.Option("--shift-dates", help="Move all dates of a patient by the same number of days.")
    ] = False,
    keep_uids: Annotated[bool, typer.Option("--keep-uids", help="Keep UIDs instead of replacing them.")] = False,
    include_burned_in: Annotated[
        bool, typer.Option("--include-burned-in", help="Write images that may show text: you have looked at them.")
    ] = False,
    secret_file: Annotated[
        Path | None,
        typer.Option(
            "--secret-file", metavar="FILE", help="Make pseudonyms with this secret, not with the home's own."
        ),
    ] = None,
    key_file: Annotated[
        Path | None, typer.Option("--key-file", metavar="FILE", help="Write down which patient became which pseudonym.")
    ] = None,
    as_json: state.AsJson = False,
) -> None:
    """Write images anew without what may identify the patient. The same command goes on where it was stopped."""
    from medtransfer.study.confidentiality.profile import Options
    from medtransfer.work.deidentify import Wishes
    from medtransfer.work.deidentify import deidentify as work

    if keep_dates and shift_dates:
        raise typer.BadParameter("--keep-dates and --shift-dates exclude each other")
    options = Options(
        dates="keep" if keep_dates else "shift" if shift_dates else "remove", uids="keep" if keep_uids else "replace"
    )
    with state.session(context) as session:
        outcome = work(session, source, out, Wishes(options, include_burned_in, secret_file, key_file))
    if as_json:
        console.say_json(_as_json(outcome))
    else:
        _say(outcome, out)
    if outcome.held or outcome.failed:
        raise typer.Exit(console.DONE_WITH_FAILURES)


def _say(outcome: Outcome, out: Path) -> None:
    for held in outcome.held:
        console.note(f"{held.path}: needs a look: {held.sentence}")
    for path, error in outcome.failed:
        console.note(f"{path}: {error.message}\n{error.hint}")
    console.say(
        f"{outcome.written} written, {outcome.already} written earlier, {len(outcome.held)} held back, "
        f"{len(outcome.failed)} failed, {outcome.left_out} left out that are no images"
    )
    if any(held.kind in {"burned-in", "unstated"} for held in outcome.held):
        console.say("Look at the images that were held back; --include-burned-in writes those that show no names too.")
    console.say(f"What was changed: {out / 'report.csv'}")


def _as_json(outcome: Outcome) -> dict[str, object]:
    return {
        "written": outcome.written,
        "already": outcome.already,
        "left_out": outcome.left_out,
        "held_back": [{"file": str(held.path), "kind": held.kind, "reason": held.sentence} for held in outcome.held],
        "failed": [
            {"file": str(path), "code": error.code, "message": error.message, "hint": error.hint}
            for path, error in outcome.failed
        ],
    }
