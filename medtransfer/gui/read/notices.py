"""What the reader must know about the picture and the result: each with its level, what it is, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.result.model import Notice
from medtransfer.study.modality import LOOKS_LIKE_CT
from medtransfer.study.model import Check, Level

Word = Literal["info", "warning", "error"]


@dataclass(frozen=True)
class Offer:
    """A button: what it says, and the id of the command that it runs."""

    title: str
    command: str


@dataclass(frozen=True)
class Said:
    """One notice in words. Where there is an offer it takes the place of the fix."""

    level: Word
    message: str
    fix: str = ""
    offer: Offer | None = None

    @property
    def aloud(self) -> str:
        """All of it, for a screen reader."""
        return " ".join(filter(None, (f"{self.level.capitalize()}: {self.message}", "" if self.offer else self.fix)))


_OFFERS = {LOOKS_LIKE_CT: Offer("This is a CT", "read.state.CT")}
_FRAMES: dict[Word, parts.CardKind] = {"info": "note", "warning": "warning", "error": "failure"}
_LEVELS: dict[Word, parts.LabelKind] = {"info": "muted", "warning": "warning", "error": "danger"}


def of_checks(checks: Sequence[Check]) -> list[Said]:
    """Return what the checks of a series say."""
    levels: dict[Level, Word] = {Level.INFO: "info", Level.WARNING: "warning", Level.ERROR: "error"}
    return [Said(levels[check.level], check.message, check.fix, _OFFERS.get(check.code)) for check in checks]


def of_problem(name: str, checks: Sequence[Check]) -> list[Said]:
    """Return why a file could not be opened."""
    return [replace(said, message=f"{name}: {said.message}") for said in of_checks(checks)]


def of_result(notices: Sequence[Notice]) -> list[Said]:
    """Return what a result's notices say."""
    return [Said(notice.level, notice.message) for notice in notices]


class Notices(QWidget):
    """The notices, the worst first; hidden when there are none.

    Each can be gone to with the Tab key, which scrolls it into sight, and its text marked with the pointer.
    ``wanted`` carries the id of the command that a person chose.
    """

    wanted = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing())
        self.hide()

    def show_notices(self, notices: Sequence[Said]) -> None:
        """Show these and no others."""
        pages.clear(self._column)
        self.setVisible(bool(notices))
        if not notices:
            return
        heading = parts.heading("Notices")
        heading.setContentsMargins(0, theme.spacing(), 0, 0)
        self._column.addWidget(heading)
        for notice in sorted(notices, key=lambda entry: ("error", "warning", "info").index(entry.level)):
            self._column.addWidget(self._notice(notice))

    def _notice(self, notice: Said) -> QWidget:
        frame, column = parts.card(_FRAMES[notice.level])
        frame.setAccessibleName(notice.aloud)
        frame.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        kind = _LEVELS[notice.level]
        column.addWidget(parts.label(notice.level.capitalize(), kind, theme.SMALL_SIZE, theme.SEMIBOLD))
        quiet = notice.level == "info"
        size = theme.SMALL_SIZE if quiet else theme.TEXT_SIZE
        said = [parts.label(notice.message, "muted" if quiet else "text", size)]
        if notice.offer is None and notice.fix:
            said.append(parts.label(notice.fix, "muted", size))
        for label in said:
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            column.addWidget(label)
        if notice.offer is not None:
            column.addWidget(parts.button(notice.offer.title, partial(self.wanted.emit, notice.offer.command)))
        return frame
