"""The first moments of a window: bring back what was open, open what was asked for, offer what was left unfinished."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QByteArray

from medtransfer.gui.background import Job
from medtransfer.gui.drawer_place import PAGES
from medtransfer.gui.session import Journal, State

if TYPE_CHECKING:
    from medtransfer.gui.window import MainWindow

CAUTIOUS_AFTER = 2
UNFINISHED = frozenset({"interrupted", "cancelled"})


@dataclass(frozen=True)
class Wanted:
    """What the window is started for: files and folders to open, and a result folder to show."""

    paths: Sequence[Path] = ()
    result: Path | None = None


def begin(window: MainWindow, wanted: Wanted) -> None:
    """Fill a window that is already shown, and keep its journal from now on."""
    window.models.read()
    journal = Journal(window.context.home.root, partial(snapshot, window))
    journal.failed.connect(window.context.events.message)
    before = journal.read()
    window.journal = journal
    window.recent.restore(before.get("recent"))
    crashed = bool(before) and not before.get("closed", False)
    attempts = _count(before) + 1 if crashed else 0
    if attempts > CAUTIOUS_AFTER:
        window.show_space("read")
        window.banners.add(
            "The last windows ended soon after they had opened what was open before, so it was left closed this time.",
            "Open it all the same",
            partial(_bring_back, window, before),
            "warning",
        )
    elif before:
        _bring_back(window, before)
        if crashed:
            window.banners.add("The window ended without being closed. What was open is back.")
    _show_wanted(window, wanted, first=not before)
    journal.start(attempts)
    if window.context.settings.problem:
        window.banners.add(window.context.settings.problem, kind="warning")
    offer_unfinished(window)


def snapshot(window: MainWindow) -> State:
    """Return the state of the window for the journal."""
    return {
        "space": window.current,
        "drawer": window.drawer.page(),
        "geometry": bytes(window.saveGeometry().toBase64().data()).decode("ascii"),
        "recent": window.recent.state(),
        "spaces": {space.id: space.state() for space in window.spaces},
    }


def offer_unfinished(window: MainWindow) -> None:
    """Look for trainings that were stopped or killed, and say so if there are any."""

    def count(_job: Job) -> int:
        from medtransfer.store import jobs

        home = window.context.home
        recorded = jobs.list_jobs(home)
        return sum(
            job.verb in jobs.RESUMABLE and job.state in UNFINISHED and (home.jobs / job.id).is_dir() for job in recorded
        )

    def offer(unfinished: int) -> None:
        if unfinished:
            one = unfinished == 1
            what = "A training is unfinished" if one else f"{unfinished} trainings are unfinished"
            window.banners.add(
                f"{what} and can go on where {'it' if one else 'they'} stopped.",
                "Go to Learn",
                partial(window.show_space, "learn"),
            )

    window.context.background.run("Looking for unfinished trainings", count, offer)


def _show_wanted(window: MainWindow, wanted: Wanted, *, first: bool) -> None:
    if wanted.paths:
        window.open_paths(wanted.paths)
    if wanted.result is not None:
        window.show_space("read")
        window.context.events.show_result.emit(wanted.result)
    if wanted.paths or wanted.result is not None:
        return
    if first:
        window.show_welcome()
    else:
        window.show_space(window.current)


def _bring_back(window: MainWindow, before: State) -> None:
    states = before.get("spaces")
    for space in window.spaces:
        state = states.get(space.id) if isinstance(states, dict) else None
        if isinstance(state, dict):
            space.restore(state)
    geometry = before.get("geometry")
    if isinstance(geometry, str):
        window.restoreGeometry(QByteArray.fromBase64(geometry.encode("ascii", "replace")))
    if before.get("drawer") in PAGES:
        window.drawer.show_page(before["drawer"])
    if before.get("space") in [space.id for space in window.spaces]:
        window.show_space(before["space"])


def _count(before: State) -> int:
    attempts = before.get("attempts", 0)
    return attempts if isinstance(attempts, int) else 0
