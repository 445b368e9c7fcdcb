"""Notices below the top bar: something to know and perhaps to do, never in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QFrame, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from medtransfer.gui import icons, parts, theme


class Banners(QWidget):
    """The notices that are shown, the latest below."""

    def __init__(self) -> None:
        super().__init__()
        self._shown: list[QFrame] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(theme.spacing(), 0, theme.spacing(), 0)
        self._column.setSpacing(theme.spacing(0.5))

    def add(
        self, text: str, act: str = "", run: Callable[[], None] | None = None, kind: parts.CardKind = "notice"
    ) -> QFrame:
        """Show a notice, with a button if something can be done about it; that button or the cross ends it."""
        frame = QFrame()
        frame.setProperty("kind", kind)
        frame.setAccessibleName(text)
        row = QHBoxLayout(frame)
        row.setContentsMargins(theme.spacing(1.5), 4, 6, 4)
        row.addWidget(parts.label(text), stretch=1)
        if run is not None:
            row.addWidget(parts.button(act, lambda: self._act(frame, run)))
        cross = QToolButton()
        icons.put(cross, "close")
        cross.setIconSize(QSize(14, 14))
        cross.setAccessibleName("Put this notice away")
        cross.setToolTip("Put this notice away")
        cross.clicked.connect(lambda: self._remove(frame))
        row.addWidget(cross)
        self._column.addWidget(frame)
        self._shown.append(frame)
        self._frame_margins()
        return frame

    def texts(self) -> list[str]:
        """Return what is said at present."""
        return [frame.accessibleName() for frame in self._shown]

    def _act(self, frame: QFrame, run: Callable[[], None]) -> None:
        self._remove(frame)
        run()

    def _remove(self, frame: QFrame) -> None:
        self._shown.remove(frame)
        self._column.removeWidget(frame)
        frame.hide()
        frame.deleteLater()
        self._frame_margins()

    def _frame_margins(self) -> None:
        gap = theme.spacing(0.75) if self._shown else 0
        self._column.setContentsMargins(theme.spacing(), gap, theme.spacing(), gap)
