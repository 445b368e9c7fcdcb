"""What the reader must know about the picture and the result: framed, with the level in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.result.model import Notice
from medtransfer.study.model import Check, Level


@dataclass(frozen=True)
class Said:
    """One notice in words."""

    level: Literal["info", "warning", "error"]
    message: str
    fix: str = ""


def of_checks(checks: Sequence[Check]) -> list[Said]:
    """Return what the checks of a series say."""
    levels: dict[Level, Literal["info", "warning", "error"]] = {
        Level.INFO: "info",
        Level.WARNING: "warning",
        Level.ERROR: "error",
    }
    return [Said(levels[check.level], check.message, check.fix) for check in checks]


def of_result(notices: Sequence[Notice]) -> list[Said]:
    """Return what a result's notices say."""
    return [Said(notice.level, notice.message) for notice in notices]


class Notices(QWidget):
    """The notices, the worst first; hidden when there are none."""

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
        rank = ("error", "warning", "info")
        for notice in sorted(notices, key=lambda entry: rank.index(entry.level)):
            self._column.addWidget(_notice(notice))


def _notice(notice: Said) -> QWidget:
    if notice.level == "info":
        return parts.label(" ".join(filter(None, (notice.message, notice.fix))), "muted", theme.SMALL_SIZE)
    frame, column = parts.card("failure" if notice.level == "error" else "warning")
    frame.setAccessibleName(f"{notice.level.capitalize()}: {notice.message} {notice.fix}")
    kind: parts.LabelKind = "danger" if notice.level == "error" else "warning"
    column.addWidget(parts.label(f"{notice.level.capitalize()}", kind, theme.SMALL_SIZE, theme.SEMIBOLD))
    column.addWidget(parts.label(notice.message))
    if notice.fix:
        column.addWidget(parts.label(notice.fix, "muted"))
    return frame
