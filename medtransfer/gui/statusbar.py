"""The bar at the bottom: what this program is for, what computes, what is going on, the value under the cursor."""

from __future__ import annotations

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QFontMetrics, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.context import Context

_MESSAGE_MS = 15_000


class StatusBar(QWidget):
    """Listens to the window's events; its button opens the jobs panel."""

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._background = context.background
        bar = parts.panel("statusbar")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(bar)
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.spacing(1.5), 1, theme.spacing(1.5), 0)
        row.setSpacing(theme.spacing(2))
        self.purpose = _text("Research use only", "danger", theme.SEMIBOLD)
        self.device = _text("", "muted")
        self.message = Elided()
        self.jobs = QToolButton()
        self.jobs.setFont(theme.font(theme.SMALL_SIZE))
        self.jobs.setToolTip("Show what is running (Ctrl+J)")
        self.cursor_value = _text("", "muted")
        self.cursor_value.setAccessibleName("Value under the cursor")
        row.addWidget(self.purpose)
        row.addWidget(self.device)
        row.addWidget(self.message, stretch=1)
        row.addWidget(self.jobs)
        row.addWidget(self.cursor_value)
        self.setFixedHeight(28)
        self._forget = QTimer(self, singleShot=True, interval=_MESSAGE_MS)
        self._forget.timeout.connect(lambda: self.message.say(""))
        context.events.message.connect(self._say)
        context.events.device.connect(self.device.setText)
        context.events.cursor.connect(self.cursor_value.setText)
        self.count()

    def count(self) -> None:
        """Say how many jobs run."""
        running = len(self._background.running())
        self.jobs.setText({0: "Jobs", 1: "1 job running"}.get(running, f"{running} jobs running"))
        self.jobs.setAccessibleName(self.jobs.text())

    def _say(self, text: str) -> None:
        self.message.say(text)
        self._forget.start()


class Elided(QLabel):
    """A line that gives way: what does not fit is cut with an ellipsis and shown whole as a tooltip."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "muted")
        self.setFont(theme.font(theme.SMALL_SIZE))
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self._whole = ""

    def say(self, text: str) -> None:
        """Show a text."""
        self._whole = " ".join(text.split())
        self.setToolTip(self._whole)
        self.setAccessibleName(self._whole)
        self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Cut the text anew."""
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        metrics = QFontMetrics(self.font())
        self.setText(metrics.elidedText(self._whole, Qt.TextElideMode.ElideRight, self.width()))


def _text(text: str, kind: parts.LabelKind, weight: int = theme.REGULAR) -> QLabel:
    made = parts.label(text, kind, theme.SMALL_SIZE, weight)
    made.setWordWrap(False)
    return made
