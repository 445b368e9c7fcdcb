"""The frame of a page: what it is about in the middle, what to do about it at the right."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLayout, QScrollArea, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme

SIDE_WIDTH = 296
LIST_WIDTH = 264


class Page(QWidget):
    """A page with a ``body`` that scrolls and a ``side`` with the actions."""

    def __init__(self) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        inside = QWidget()
        inside.setObjectName("ground")
        self.body = QVBoxLayout(inside)
        self.body.setContentsMargins(theme.spacing(3), theme.spacing(2.5), theme.spacing(3), theme.spacing(3))
        self.body.setSpacing(theme.spacing(1.5))
        self.body.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.addWidget(scrolling(inside), 1)
        right = parts.panel("right")
        right.setFixedWidth(SIDE_WIDTH)
        self.side = QVBoxLayout(right)
        self.side.setContentsMargins(theme.spacing(1.5), theme.spacing(2), theme.spacing(1.5), theme.spacing(2))
        self.side.setSpacing(theme.spacing(1))
        self.side.setAlignment(Qt.AlignmentFlag.AlignTop)
        row.addWidget(right)


def scrolling(inside: QWidget) -> QScrollArea:
    """Return an area in which a widget scrolls upright."""
    area = QScrollArea()
    area.setWidgetResizable(True)
    area.setFrameShape(QFrame.Shape.NoFrame)
    area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
    area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
    area.setWidget(inside)
    return area


def left_panel(heading: str, listed: QWidget, below: QWidget) -> QWidget:
    """Return the list at the left of a space, with its heading above and its button below."""
    left = parts.panel("left")
    left.setFixedWidth(LIST_WIDTH)
    fill_list_panel(left, heading, listed, below)
    return left


def fill_list_panel(panel: QWidget, heading: str, listed: QWidget, below: QWidget) -> None:
    """Put a list into a panel, with its heading above and its button below."""
    column = QVBoxLayout(panel)
    column.setContentsMargins(theme.spacing(1), theme.spacing(2), theme.spacing(1), theme.spacing(2))
    column.setSpacing(theme.spacing(1))
    column.addWidget(parts.heading(heading))
    column.addWidget(listed, 1)
    column.addWidget(below)


def facts(pairs: Mapping[str, str]) -> QWidget:
    """Return names with their values; what has no value is left out."""
    widget = QWidget()
    grid = QGridLayout(widget)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.spacing(2))
    grid.setVerticalSpacing(theme.spacing(0.75))
    grid.setColumnStretch(1, 1)
    for row, (name, value) in enumerate((name, value) for name, value in pairs.items() if value):
        key = parts.label(name, "muted")
        key.setMinimumWidth(theme.spacing(14))
        shown = parts.label(value)
        shown.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        grid.addWidget(key, row, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(shown, row, 1)
    return widget


def tiles(numbers: Mapping[str, str]) -> QWidget:
    """Return large figures side by side, each with its name below."""
    widget = QWidget()
    row = QHBoxLayout(widget)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.spacing(5))
    for name, value in numbers.items():
        column = QVBoxLayout()
        column.setSpacing(0)
        figure = parts.label(value, size=theme.TITLE_SIZE, weight=theme.SEMIBOLD)
        figure.setWordWrap(False)
        words = parts.label(name, "muted", theme.SMALL_SIZE)
        words.setWordWrap(False)
        column.addWidget(figure)
        column.addWidget(words)
        row.addLayout(column)
    row.addStretch(1)
    return widget


def clear(layout: QLayout) -> None:
    """Take everything out of a layout."""
    while (item := layout.takeAt(0)) is not None:
        widget = item.widget()
        if widget is not None:
            widget.hide()
            widget.deleteLater()
        elif (inner := item.layout()) is not None:
            clear(inner)
