"""The drawer at the bottom of the window: jobs and log."""

from __future__ import annotations

from typing import Literal

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from medtransfer.gui import icons, parts, theme
from medtransfer.gui.context import Context
from medtransfer.gui.jobs_panel import JobsPanel
from medtransfer.gui.log_view import LogView

Page = Literal["jobs", "log"]
HEIGHT = 232


class Drawer(QWidget):
    """Hidden until asked for; ``closed`` is sent when it is put away from within."""

    closed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        surface = parts.panel("statusbar")
        outer = QVBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(surface)
        self.jobs = JobsPanel(context.background)
        self.log = LogView(context.home.logs)
        self._pages: dict[Page, tuple[QToolButton, QWidget]] = {
            "jobs": (parts.switch("Jobs"), self.jobs),
            "log": (parts.switch("Log"), self.log),
        }
        self._stack = QStackedWidget()
        head = QHBoxLayout()
        head.setContentsMargins(theme.spacing(), theme.spacing(0.5), theme.spacing(), 0)
        group = QButtonGroup(self)
        for name, (tab, page) in self._pages.items():
            group.addButton(tab)
            head.addWidget(tab)
            self._stack.addWidget(page)
            tab.clicked.connect(lambda _checked, name=name: self.show_page(name))
        head.addStretch(1)
        cross = QToolButton()
        cross.setIcon(icons.icon("close"))
        cross.setIconSize(QSize(14, 14))
        cross.setToolTip("Put this panel away (Esc)")
        cross.setAccessibleName("Put this panel away")
        cross.clicked.connect(self.put_away)
        head.addWidget(cross)
        column = QVBoxLayout(surface)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addLayout(head)
        column.addWidget(self._stack)
        escape = QShortcut(QKeySequence("Esc"), self, self.put_away)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.setMaximumHeight(HEIGHT)
        self.hide()

    def page(self) -> Page | None:
        """Return which page is shown, if any."""
        if self.isHidden():
            return None
        return next(name for name, (_, page) in self._pages.items() if page is self._stack.currentWidget())

    def show_page(self, name: Page) -> None:
        """Show the drawer at a page."""
        tab, page = self._pages[name]
        tab.setChecked(True)
        self._stack.setCurrentWidget(page)
        self.show()

    def toggle(self, name: Page) -> None:
        """Show a page, or put the drawer away if that page is shown."""
        if self.page() == name:
            self.put_away()
        else:
            self.show_page(name)

    def put_away(self) -> None:
        """Hide the drawer."""
        self.hide()
        self.closed.emit()
