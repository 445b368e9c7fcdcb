"""How trainings are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medtransfer.gui.lists import Entry
from medtransfer.work.report.numbers import moment
from medtransfer.work.trainings import Training


class Running(Protocol):
    """Knows which trainings run now."""

    def running(self, training: Training) -> bool:
        """Say whether this one does."""


def entries(found: Sequence[Training], runs: Running) -> list[Entry]:
    """Return the list's lines."""
    return [_entry(training, running=runs.running(training)) for training in found]


def _entry(training: Training, *, running: bool) -> Entry:
    wish = training.wish
    title = wish.name or wish.plugin
    detail = f"{wish.recipe} \u00b7 {moment(training.created).removesuffix(' UTC')}"
    if running:
        return Entry(training.id, title, detail, "running", "accent")
    if training.state == "published":
        return Entry(training.id, title, detail, f"published as {training.model}", "muted")
    if training.state == "trained":
        return Entry(training.id, title, detail, "trained, not published", "positive")
    if training.state == "damaged":
        return Entry(training.id, title, detail, "damaged", "danger")
    return Entry(training.id, title, detail, "paused", "positive")
