"""The bar at the top: the name, the spaces, the search field and the menu."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QSize, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QToolButton, QWidget

from medtransfer.gui import icons, parts, theme
from medtransfer.gui.actions import Actions
from medtransfer.gui.context import Space
from medtransfer.gui.palette import SearchField


class TopBar(QWidget):
    """``chosen`` carries the id of the space whose tab was pressed."""

    chosen = Signal(str)

    def __init__(self, spaces: Sequence[Space], search: SearchField, actions: Actions) -> None:
        super().__init__()
        self._actions = actions
        self.tabs: dict[str, QToolButton] = {}
        bar = parts.panel("topbar")
        outer = QHBoxLayout(self)
        outer.setContentsMargins(0, 0, 0, 0)
        outer.addWidget(bar)
        row = QHBoxLayout(bar)
        row.setContentsMargins(theme.spacing(1.5), 4, theme.spacing(1.5), 5)
        row.setSpacing(2)
        row.addWidget(_wordmark())
        row.addSpacing(theme.spacing(1.5))
        group = QButtonGroup(self)
        for space in spaces:
            tab = parts.switch(space.title, f"Show the space “{space.title}”")
            tab.setMinimumHeight(30)
            tab.clicked.connect(partial(self.chosen.emit, space.id))
            group.addButton(tab)
            self.tabs[space.id] = tab
            row.addWidget(tab)
        row.addStretch(1)
        row.addWidget(search, stretch=2)
        row.addSpacing(4)
        self.menu_button = self._menu_button()
        row.addWidget(self.menu_button)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Draw the icon once the bar is on the screen: loading Qt's reader of drawings takes longer than the bar."""
        super().showEvent(event)
        QTimer.singleShot(0, self, self.recolour)

    def show_current(self, space_id: str) -> None:
        """Mark the tab of the space that is shown."""
        self.tabs[space_id].setChecked(True)

    def recolour(self) -> None:
        """Take the colours of the theme in force."""
        self.menu_button.setIcon(icons.icon("menu", "text"))

    def open_menu(self) -> None:
        """Open the menu below its button."""
        menu = self._actions.menu(self)
        menu.aboutToHide.connect(menu.deleteLater)
        menu.popup(self.menu_button.mapToGlobal(self.menu_button.rect().bottomLeft()))

    def _menu_button(self) -> QToolButton:
        made = QToolButton()
        made.setIconSize(QSize(16, 16))
        made.setToolTip("Menu (F10)")
        made.setAccessibleName("Menu")
        made.clicked.connect(self.open_menu)
        return made


def _wordmark() -> QWidget:
    widget = QWidget()
    widget.setAccessibleName("medtransfer")
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(0)
    for text, kind in (("med", "text"), ("transfer", "accent")):
        half = parts.label(text, "accent" if kind == "accent" else "text", weight=theme.SEMIBOLD)
        half.setWordWrap(False)
        row.addWidget(half)
    return widget
