"""Help: every command with its shortcut, and what this program is."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QDialog, QFrame, QGridLayout, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from medtransfer import __version__
from medtransfer.gui import parts, theme
from medtransfer.gui.actions import MENUS
from medtransfer.gui.command import Command, Commands

# What works without a command of its own.
EVERYWHERE = (
    ("Tab", "Go to the next control"),
    ("Arrows", "Move within a list"),
    ("F10", "Open the menu"),
    ("Esc", "Leave the search field, a dialog or a panel"),
)


class ShortcutsDialog(QDialog):
    """All commands by menu, those without a shortcut too, since the search field finds them."""

    def __init__(self, commands: Commands, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Keyboard shortcuts")
        self.resize(theme.spacing(76), theme.spacing(76))
        page = parts.panel()
        grid = QGridLayout(page)
        grid.setContentsMargins(*[theme.spacing(3)] * 4)
        grid.setHorizontalSpacing(theme.spacing(3))
        grid.setVerticalSpacing(theme.spacing(0.75))
        grid.setColumnStretch(1, 1)
        self._rows = 0
        self._group(grid, "Everywhere", [_row(keys, title, "") for keys, title in EVERYWHERE])
        for place in MENUS:
            there = [_command_row(command) for command in commands if command.where == place]
            if there:
                self._group(grid, place, there)
        grid.setRowStretch(self._rows, 1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidget(page)
        scroll.setAccessibleName("Keyboard shortcuts")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(scroll)
        column.addLayout(closing_row(self))
        theme.dress(self)

    def _group(self, grid: QGridLayout, name: str, rows: list[tuple[QWidget, QWidget]]) -> None:
        if self._rows:
            grid.setRowMinimumHeight(self._rows, theme.spacing(1.5))
            self._rows += 1
        grid.addWidget(parts.heading(name), self._rows, 0, 1, 2)
        self._rows += 1
        for key, words in rows:
            grid.addWidget(key, self._rows, 0, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignTop)
            grid.addWidget(words, self._rows, 1)
            self._rows += 1


class AboutDialog(QDialog):
    """What this is, and what it is not."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("About medtransfer")
        self.setFixedWidth(theme.spacing(56))
        column = QVBoxLayout(self)
        column.setContentsMargins(*[theme.spacing(3)] * 4)
        column.setSpacing(theme.spacing(1.5))
        column.addWidget(parts.title(f"medtransfer {__version__}"))
        column.addWidget(
            parts.label(
                "Adapt a pretrained imaging network to your own patients, on your own computer,"
                " and see what it found and why."
            )
        )
        column.addWidget(
            parts.label("Research use only. It is not a medical device and must not decide about a patient.", "danger")
        )
        column.addWidget(
            parts.label(
                "Licensed under Apache-2.0. Typeface: Inter, SIL Open Font License 1.1."
                " Built with Qt (LGPL-3.0). Nothing is sent anywhere.",
                "muted",
            )
        )
        row = closing_row(self)
        row.setContentsMargins(0, theme.spacing(), 0, 0)
        column.addLayout(row)
        theme.dress(self)


def closing_row(dialog: QDialog) -> QHBoxLayout:
    """Return the row at the bottom of a dialog that one only reads."""
    row = QHBoxLayout()
    row.setContentsMargins(theme.spacing(2), theme.spacing(), theme.spacing(2), theme.spacing(2))
    row.addStretch(1)
    row.addWidget(parts.button("Close", dialog.close, "primary"))
    return row


def _command_row(command: Command) -> tuple[QWidget, QWidget]:
    keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
    return _row(keys, command.title, command.help)


def _row(keys: str, title: str, help_text: str) -> tuple[QWidget, QWidget]:
    key = parts.label(keys, "muted", theme.SMALL_SIZE)
    key.setWordWrap(False)
    if keys:
        key.setProperty("kind", "key")
    words = QWidget()
    column = QVBoxLayout(words)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(0)
    column.addWidget(parts.label(title))
    if help_text:
        column.addWidget(parts.label(help_text, "muted", theme.SMALL_SIZE))
    return key, words
