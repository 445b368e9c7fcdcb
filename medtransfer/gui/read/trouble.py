"""What went wrong, why, and what a person can do now: never a dialog, always where the work was started."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtWidgets import QFrame, QHBoxLayout, QVBoxLayout, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import parts, theme
from medtransfer.gui.read import words

Action = tuple[str, Callable[[], None]]


class Trouble(QWidget):
    """A framed message that is replaced by the next one and hidden when all is well."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._frame: QFrame | None = None
        self.hide()

    def clear(self) -> None:
        """All is well."""
        if self._frame is not None:
            self._frame.hide()
            self._frame.deleteLater()
            self._frame = None
        self.hide()

    def show_error(self, title: str, error: MedTransferError, *actions: Action) -> None:
        """Show an error: what happened, what to do, and, on demand, what the plug-in's process last wrote."""
        column = self._begin("failure", "danger", title, words.sentence(error.message), error.hint)
        notes = "\n".join(getattr(error, "__notes__", ()))
        if not notes:
            _add_actions(column, actions)
            return
        details = parts.label(notes, "muted", theme.SMALL_SIZE)
        details.hide()
        _add_actions(column, (*actions, ("Details", lambda: details.setVisible(details.isHidden()))))
        column.addWidget(details)

    def show_warning(self, title: str, message: str, *actions: Action) -> None:
        """Show something that is in the way without being an error."""
        _add_actions(self._begin("warning", "warning", title, message, ""), actions)

    def _begin(
        self, frame_kind: parts.CardKind, title_kind: parts.LabelKind, title: str, message: str, hint: str
    ) -> QVBoxLayout:
        self.clear()
        self._frame, column = parts.card(frame_kind)
        column.addWidget(parts.label(title, title_kind, weight=theme.SEMIBOLD))
        column.addWidget(parts.label(message))
        if hint:
            column.addWidget(parts.label(hint, "muted"))
        self._column.addWidget(self._frame)
        self.setAccessibleName(f"{title}. {message} {hint}".strip())
        self.show()
        return column


def _add_actions(column: QVBoxLayout, actions: Sequence[Action]) -> None:
    if actions:
        row = QHBoxLayout()
        row.setSpacing(theme.spacing())
        for text, run in actions:
            row.addWidget(parts.button(text, run))
        row.addStretch()
        column.addLayout(row)
