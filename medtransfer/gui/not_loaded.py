"""What is shown in the place of a space that could not be built."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from medtransfer.gui import diagnostics, parts, theme

_WIDTH = 480


class NotLoaded(QWidget):
    """Says which space failed and where, and offers to try again; the other spaces go on working."""

    def __init__(self, title: str, error: Exception, again: Callable[[], object]) -> None:
        super().__init__()
        self.setObjectName("ground")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        frame, column = parts.card("failure")
        frame.setMaximumWidth(_WIDTH)
        column.setContentsMargins(*[theme.spacing(3)] * 4)
        column.setSpacing(theme.spacing(1.5))
        column.addWidget(parts.label(f"“{title}” could not be loaded", size=15, weight=theme.SEMIBOLD))
        column.addWidget(
            parts.label(
                "A part of medtransfer is missing or has a fault. The other spaces are not affected;"
                " installing medtransfer again usually helps.",
                "muted",
            )
        )
        trace = parts.label(diagnostics.trace_of(error).strip(), "muted", theme.SMALL_SIZE)
        trace.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        column.addWidget(trace)
        row = QHBoxLayout()
        self.again = parts.button("Try again", again, "primary")
        row.addWidget(self.again)
        row.addStretch(1)
        column.addLayout(row)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        middle = QHBoxLayout()
        middle.addStretch(1)
        middle.addWidget(frame, stretch=8)
        middle.addStretch(1)
        outer.addLayout(middle)
        outer.addStretch(1)
