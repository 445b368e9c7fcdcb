"""How trainings and pretrainings are listed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from medtransfer.errors import MedTransferError
from medtransfer.gui.learn.runs import Begun
from medtransfer.gui.lists import Entry
from medtransfer.work.pretrainings import Pretraining
from medtransfer.work.report.numbers import moment
from medtransfer.work.trainings import Training

PRETRAINING = "pretraining "
"""What the keys of pretrainings begin with."""


class Running(Protocol):
    """Knows which trainings and pretrainings run now."""

    def running(self, begun: Begun) -> bool:
        """Say whether this one does."""

    def error(self, begun: Begun) -> MedTransferError | None:
        """Return what it ended with, unless the person stopped it."""


def entries(found: Sequence[Training], before: Sequence[Pretraining], runs: Running) -> list[Entry]:
    """Return the list's lines, the latest first: of trainings, and of the pretrainings before them."""
    lines = [(training.created, _entry(training, runs)) for training in found]
    lines += [(pretraining.created, _pretraining(pretraining, runs)) for pretraining in before]
    return [line for _, line in sorted(lines, key=lambda line: line[0], reverse=True)]


def _pretraining(pretraining: Pretraining, runs: Running) -> Entry:
    wish, key = pretraining.wish, PRETRAINING + pretraining.id
    detail = f"{wish.recipe} \u00b7 {moment(pretraining.created).removesuffix(' UTC')}"
    if runs.running(pretraining):
        return Entry(key, wish.name, detail, "pretraining", "accent")
    if pretraining.state == "done":
        return Entry(key, wish.name, detail, "pretrained, to train from", "muted")
    if pretraining.state == "damaged":
        return Entry(key, wish.name, detail, "damaged", "danger")
    if runs.error(pretraining) is not None:
        return Entry(key, wish.name, detail, "could not go on", "danger")
    return Entry(key, wish.name, detail, "pretraining paused", "positive")


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
