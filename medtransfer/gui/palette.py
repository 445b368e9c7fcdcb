"""The search field of the top bar: commands, studies and models by a few letters (Ctrl+K)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QFocusEvent, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QApplication, QLabel, QLineEdit, QWidget

from medtransfer.gui import theme
from medtransfer.gui.command import Commands
from medtransfer.gui.search import Hit, Search

if TYPE_CHECKING:
    from medtransfer.gui.hit_list import HitList


def command_hits(commands: Commands) -> Iterator[Hit]:
    """Return the commands that can be used now."""
    for command in commands:
        if command.enabled():
            keys = QKeySequence(command.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            yield Hit("Command", command.title, command.help, partial(_run, commands, command.id), keys)


def _run(commands: Commands, command_id: str) -> None:
    commands.run(command_id)


class SearchField(QLineEdit):
    """The field: typing searches, the arrows choose, Enter does it, Escape goes back to where one was."""

    def __init__(self, search: Search, window: QWidget) -> None:
        super().__init__()
        self._search = search
        self._window = window
        self._before: QWidget | None = None
        self._hits: HitList | None = None
        self.setPlaceholderText("Find a command, study or model")
        self.setAccessibleName("Find a command, study or model")
        self.setToolTip("Find a command, study or model (Ctrl+K)")
        self.setFont(theme.font())
        self.setMinimumWidth(theme.spacing(15))
        self.setMaximumWidth(theme.spacing(36))
        self.setTextMargins(0, 0, theme.spacing(7), 0)
        self._key = QLabel(QKeySequence("Ctrl+K").toString(QKeySequence.SequenceFormat.NativeText), self)
        self._key.setProperty("kind", "key")
        self._key.setFont(theme.font(theme.SMALL_SIZE))
        self.textEdited.connect(self._look)

    @property
    def hits(self) -> HitList:
        """The list below the field, made when it is first needed."""
        if self._hits is None:
            from medtransfer.gui.hit_list import HitList

            self._hits = HitList(self._window)
            self._hits.chosen.connect(self._choose)
        return self._hits

    def begin(self) -> None:
        """Start to search from wherever the person is."""
        if not self.hasFocus():
            self._before = QApplication.focusWidget()
            self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()
        self._look(self.text())

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Show what there is to find when the field is clicked."""
        super().focusInEvent(event)
        if event.reason() == Qt.FocusReason.MouseFocusReason:
            self._look(self.text())

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802 - Qt's name
        """Put the list away."""
        super().focusOutEvent(event)
        self._hide_hits()

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Choose with the arrows and Enter, leave with Escape."""
        key = event.key()
        listed = self._hits is not None and self._hits.isVisible()
        if key in {Qt.Key.Key_Down, Qt.Key.Key_Up} and listed:
            self.hits.step(1 if key == Qt.Key.Key_Down else -1)
        elif key == Qt.Key.Key_Down:
            self._look(self.text())
        elif key in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and listed:
            self._choose(self.hits.current())
        elif key == Qt.Key.Key_Escape:
            self._leave()
        else:
            super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Keep the shortcut at the right end."""
        super().resizeEvent(event)
        size = self._key.sizeHint()
        self._key.move(self.width() - size.width() - theme.spacing(0.75), (self.height() - size.height()) // 2)

    def _look(self, typed: str) -> None:
        corner = self.mapTo(self._window, QPoint(self.width(), self.height() + 4))
        self.hits.show_below(corner, self._search.find(typed))

    def _hide_hits(self) -> None:
        if self._hits is not None:
            self._hits.hide()

    def _choose(self, hit: Hit | None) -> None:
        self._leave()
        if hit is not None:
            hit.run()

    def _leave(self) -> None:
        self._hide_hits()
        self.clear()
        self.clearFocus()
        if self._before is not None:
            self._before.setFocus(Qt.FocusReason.OtherFocusReason)
            self._before = None
