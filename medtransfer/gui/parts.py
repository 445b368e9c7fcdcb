"""The small parts that every panel is made of, so that they look and sound alike everywhere."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QPushButton, QToolButton, QVBoxLayout, QWidget

from medtransfer.gui import theme

ButtonKind = Literal["plain", "primary", "quiet", "danger"]
CardKind = Literal["card", "note", "notice", "warning", "failure"]
LabelKind = Literal["text", "muted", "accent", "warning", "danger"]


def label(text: str = "", kind: LabelKind = "text", size: int = theme.TEXT_SIZE, weight: int = theme.REGULAR) -> QLabel:
    """Return a line or paragraph of plain text that wraps. Text from files is never read as markup."""
    made = QLabel(text)
    made.setProperty("kind", kind)
    made.setFont(theme.font(size, weight))
    made.setTextFormat(Qt.TextFormat.PlainText)
    made.setWordWrap(True)
    return made


def heading(text: str) -> QLabel:
    """Return a panel's heading: small spaced capitals."""
    made = QLabel(text)
    made.setProperty("kind", "heading")
    made.setFont(theme.heading_font())
    made.setTextFormat(Qt.TextFormat.PlainText)
    return made


def title(text: str) -> QLabel:
    """Return a page's title."""
    return label(text, size=theme.TITLE_SIZE, weight=theme.SEMIBOLD)


def button(
    text: str, run: Callable[[], object], kind: ButtonKind = "plain", tip: str = "", parent: QWidget | None = None
) -> QPushButton:
    """Return a push button; a panel has at most one of kind ``primary``."""
    made = QPushButton(text, parent)
    made.setProperty("kind", kind)
    made.setFont(theme.font(weight=theme.SEMIBOLD if kind == "primary" else theme.MEDIUM))
    made.setToolTip(tip)
    made.setAccessibleName(text.replace("&", ""))
    made.setAutoDefault(False)
    made.clicked.connect(lambda _checked: run())
    return made


def switch(text: str, tip: str = "") -> QToolButton:
    """Return a flat button that stays pressed, for tool bars and tabs; put those of one choice in a QButtonGroup."""
    made = QToolButton()
    made.setText(text)
    made.setFont(theme.font())
    made.setToolTip(tip)
    made.setAccessibleName(text)
    made.setCheckable(True)
    made.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
    return made


def card(kind: CardKind = "card") -> tuple[QFrame, QVBoxLayout]:
    """Return a raised box with its column: plain, quiet, or framed as a notice, a warning or a failure."""
    frame = QFrame()
    frame.setProperty("kind", kind)
    column = QVBoxLayout(frame)
    column.setContentsMargins(theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5), theme.spacing(1.5))
    column.setSpacing(theme.spacing(0.75))
    return frame, column


def rule() -> QFrame:
    """Return a thin line across."""
    frame = QFrame()
    frame.setProperty("kind", "rule")
    return frame


def upright() -> QFrame:
    """Return a thin line down, for tool bars."""
    frame = QFrame()
    frame.setProperty("kind", "upright")
    return frame


def panel(kind: Literal["panel", "left", "right", "bar", "topbar", "statusbar"] = "panel") -> QWidget:
    """Return a surface for a region of the window; ``left`` and ``right`` have a line towards the centre."""
    widget = QWidget()
    widget.setProperty("kind", kind)
    widget.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
    return widget


def restyle(widget: QWidget, name: str, value: object) -> None:
    """Change a property that the style sheet looks at, and have it looked at again."""
    widget.setProperty(name, value)
    widget.style().unpolish(widget)
    widget.style().polish(widget)
