"""How trainings are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medtransfer.errors import MedTransferError
from medtransfer.gui.lists import Entry
from medtransfer.work.report.numbers import moment
from medtransfer.work.trainings import Training


class Running(Protocol):
    """Knows which trainings run now."""

    def running(self, training: Training) -> bool:
        """Say whether this one does."""

    def error(self, training: Training) -> MedTransferError | None:
        """Return what it ended with, unless the person stopped it."""


def entries(found: Sequence[Training], runs: Running) -> list[Entry]:
    """Return the list's lines."""
    return [_entry(training, runs) for training in found]


def _entry(training: Training, runs: Running) -> Entry:
    wish = training.wish
    title = wish.name or wish.plugin
    detail = f"{wish.recipe} \u00b7 {moment(training.created).removesuffix(' UTC')}"
    if runs.running(training):
        return Entry(training.id, title, detail, "running", "accent")
    if training.state == "published":
        return Entry(training.id, title, detail, f"published as {training.model}", "muted")
    if training.state == "trained":
        return Entry(training.id, title, detail, "trained, not published", "positive")
    if training.state == "damaged":
        return Entry(training.id, title, detail, "damaged", "danger")
    if runs.error(training) is not None:
        return Entry(training.id, title, detail, "could not go on", "danger")
    return Entry(training.id, title, detail, "paused", "positive")
