"""The drawer at the bottom of the window: jobs and log."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QStackedWidget, QToolButton, QVBoxLayout, QWidget

from medtransfer.gui import icons, parts, theme
from medtransfer.gui.context import Context
from medtransfer.gui.drawer_place import Page
from medtransfer.gui.jobs_panel import JobsPanel
from medtransfer.gui.log_view import LogView

HEIGHT = 232


class Drawer(QWidget):
    """Jobs and log side by side in tabs; ``put_away`` is what its cross and Escape do."""

    def __init__(self, context: Context, put_away: Callable[[], object]) -> None:
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
            tab.clicked.connect(partial(self._clicked, name))
        head.addStretch(1)
        cross = QToolButton()
        icons.put(cross, "close")
        cross.setIconSize(QSize(14, 14))
        cross.setToolTip("Put this panel away (Esc)")
        cross.setAccessibleName("Put this panel away")
        cross.clicked.connect(put_away)
        head.addWidget(cross)
        column = QVBoxLayout(surface)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addLayout(head)
        column.addWidget(self._stack)
        escape = QShortcut(QKeySequence("Esc"), self, put_away)
        escape.setContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
        self.setMaximumHeight(HEIGHT)

    def page(self) -> Page:
        """Return which page is chosen."""
        return next(name for name, (_, page) in self._pages.items() if page is self._stack.currentWidget())

    def choose(self, name: Page) -> None:
        """Bring a page to the front."""
        tab, page = self._pages[name]
        tab.setChecked(True)
        self._stack.setCurrentWidget(page)

    def _clicked(self, name: Page, _checked: bool) -> None:  # noqa: FBT001 - Qt's argument
        self.choose(name)
