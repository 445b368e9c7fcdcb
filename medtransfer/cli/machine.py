"""``medtransfer doctor``."""

from __future__ import annotations

from dataclasses import asdict

import typer

from medtransfer.cli import console, state


def doctor(context: typer.Context, as_json: state.AsJson = False) -> None:
    """Say what this machine can do, and prove that each runtime computes the same."""
    from medtransfer.work.doctor import examine

    diagnosis = examine(state.home(context))
    if as_json:
        console.say_json(asdict(diagnosis))
    else:
        for name, value in diagnosis.host.items():
            console.say(f"{name:16} {value}")
        for name, version in diagnosis.packages.items():
            console.say(f"{name:16} {version or 'not installed'}")
        rows = [
            (
                f"{check['choice']['runtime']} {check['choice']['precision']} on {check['choice']['device']}",
                "passed" if check["ok"] else f"FAILED {check['reason']}".rstrip(),
                check["agreement"],
                check["tolerance"],
                check["milliseconds"],
            )
            for check in diagnosis.runtimes.get("checks", [])
        ]
        console.say()
        console.say_table(("runtime", "self-test", "distance from torch", "allowed", "ms"), rows)
    if not diagnosis.healthy:
        console.note(diagnosis.problem)
        raise typer.Exit(console.FAILED)
