"""Colours by role, type and space, in a dark and a light theme. No other module names a colour."""

from __future__ import annotations

from collections.abc import Generator
from functools import cache
from string import Template
from types import MappingProxyType
from typing import Literal, get_args
from weakref import WeakKeyDictionary

from PySide6.QtGui import QColor, QFont, QFontDatabase, QPalette
from PySide6.QtWidgets import QApplication, QStyleFactory, QWidget
from shiboken6 import isValid

from medtransfer.gui import turns
from medtransfer.resources import resource

Name = Literal["dark", "light"]
NAMES: tuple[Name, ...] = get_args(Name)

FAMILY = "Inter"
GRID = 8
RADIUS = 7
TEXT_SIZE = 13
SMALL_SIZE = 11
TITLE_SIZE = 20
REGULAR, MEDIUM, SEMIBOLD = 400, 500, 600

# Every pair of text on ground below keeps a contrast of 4.5:1 (WCAG 2.2, success criterion 1.4.3).
COLOURS = MappingProxyType(
    {
        "dark": MappingProxyType(
            {
                "ground": "#0e1116",  # behind everything
                "panel": "#151a21",  # bars and side panels
                "raised": "#1c232c",  # cards, buttons, the selected row
                "hover": "#232b36",  # what the pointer is on
                "line": "#27303b",  # borders and rules
                "outline": "#6b7888",  # edges that must be seen, such as an unticked box
                "text": "#e7ebf0",
                "muted": "#93a0b0",  # second lines and headings
                "accent": "#38bdae",  # the one thing to do next; keyboard focus
                "accent_hover": "#4fcabc",
                "on_accent": "#06231f",  # text on accent
                "positive": "#f0ad4e",  # above threshold; warnings
                "danger": "#ef6a72",
                "neutral": "#6aa8f7",  # bars below threshold
                "track": "#0b0e12",  # the empty part of a bar
                "band": "#8b949f",  # the uncertainty band of a bar
                "mark": "#ffffff",  # the threshold on a bar
                "image": "#000000",  # behind images
                "image_line": "#27303b",  # between images
                "image_text": "#dfe5ec",  # on images
                "letters": "#f2d37a",  # orientation letters, on images
                "crosshair": "#38bdae",  # crosshair and measures, on images
            }
        ),
        "light": MappingProxyType(
            {
                "ground": "#f1f4f7",
                "panel": "#ffffff",
                "raised": "#eef1f5",
                "hover": "#e3e8ee",
                "line": "#d0d7df",
                "outline": "#7b8794",
                "text": "#16202b",
                "muted": "#53606e",
                "accent": "#0c7368",
                "accent_hover": "#0a5f56",
                "on_accent": "#ffffff",
                "positive": "#8f5400",
                "danger": "#b3262f",
                "neutral": "#1d62bd",
                "track": "#d9dfe6",
                "band": "#8a94a0",
                "mark": "#16202b",
                "image": "#000000",
                "image_line": "#27303b",
                "image_text": "#dfe5ec",
                "letters": "#f2d37a",
                "crosshair": "#38bdae",
            }
        ),
    }
)

_PALETTE = MappingProxyType(
    {
        QPalette.ColorRole.Window: "ground",
        QPalette.ColorRole.WindowText: "text",
        QPalette.ColorRole.Base: "panel",
        QPalette.ColorRole.AlternateBase: "raised",
        QPalette.ColorRole.Text: "text",
        QPalette.ColorRole.PlaceholderText: "muted",
        QPalette.ColorRole.Button: "raised",
        QPalette.ColorRole.ButtonText: "text",
        QPalette.ColorRole.BrightText: "danger",
        QPalette.ColorRole.Highlight: "accent",
        QPalette.ColorRole.HighlightedText: "on_accent",
        QPalette.ColorRole.Link: "accent",
        QPalette.ColorRole.LinkVisited: "accent",
        QPalette.ColorRole.ToolTipBase: "raised",
        QPalette.ColorRole.ToolTipText: "text",
        QPalette.ColorRole.Light: "hover",
        QPalette.ColorRole.Midlight: "hover",
        QPalette.ColorRole.Mid: "outline",
        QPalette.ColorRole.Dark: "outline",
        QPalette.ColorRole.Shadow: "image",
        QPalette.ColorRole.Accent: "accent",
    }
)


class _Current:
    """The theme in force: a process has one application and so one theme."""

    name: Name = "dark"
    fonts_loaded = False
    styled = False
    dressed: WeakKeyDictionary[QWidget, Name] = WeakKeyDictionary()
    """Windows and regions with the theme whose style sheet they wear."""


def apply(app: QApplication, name: Name) -> None:
    """Give the application a theme: what is dressed changes in the next turns of the event loop, what is seen first.

    Widgets that paint for themselves ask :func:`colour` when they paint.
    """
    _Current.name = name
    _load_fonts()
    if not _Current.styled:
        _Current.styled = True
        app.setStyle(QStyleFactory.create("Fusion"))
    app.setFont(font())
    app.setPalette(_palette())
    turns.take(_dress_anew(), app)


def dress(widget: QWidget) -> None:
    """Give a window, or a region of one, the style sheet, now and whenever the theme changes.

    Whatever is below it wears it too: menus, tooltips and dialogs with a parent there. The application itself has no
    style sheet. If it had, Qt would polish every widget once for each of its ancestors when the theme changes, and in
    one piece: that took 0.2 s for 550 widgets, five times what all regions together take.
    """
    _Current.dressed[widget] = _Current.name
    widget.setStyleSheet(_sheet(_Current.name))


def current() -> Name:
    """Return the name of the theme in force."""
    return _Current.name


def colour(role: str) -> QColor:
    """Return the colour of a role (see :data:`COLOURS`) in the theme in force."""
    return QColor(COLOURS[_Current.name][role])


def font(size: int = TEXT_SIZE, weight: int = REGULAR) -> QFont:
    """Return Inter in a size in pixels and a weight of 400 to 600, with figures of one width."""
    chosen = QFont(FAMILY)
    chosen.setPixelSize(size)
    chosen.setWeight(QFont.Weight(weight))
    chosen.setFeature(QFont.Tag.fromString("tnum"), 1)
    return chosen


def heading_font() -> QFont:
    """Return the font of headings: small, spaced, in capitals."""
    chosen = font(SMALL_SIZE, SEMIBOLD)
    chosen.setCapitalization(QFont.Capitalization.AllUppercase)
    chosen.setLetterSpacing(QFont.SpacingType.AbsoluteSpacing, 0.9)
    return chosen


def spacing(steps: float = 1) -> int:
    """Return a distance in pixels: steps of the 8 px grid."""
    return round(GRID * steps)


def _dress_anew() -> Generator[None, None, None]:
    outdated = [widget for widget, name in _Current.dressed.items() if name != _Current.name]
    for widget in sorted(outdated, key=lambda widget: not (isValid(widget) and widget.isVisible())):
        if isValid(widget) and _Current.dressed[widget] != _Current.name:
            dress(widget)
            yield


@cache
def _sheet(name: Name) -> str:
    template = Template(resource("window/style.qss").read_text(encoding="utf-8"))
    return template.substitute(COLOURS[name], radius=RADIUS, icons=resource("icons").as_posix())


def _load_fonts() -> None:
    if _Current.fonts_loaded:
        return
    for weight in ("Regular", "Medium", "SemiBold"):
        QFontDatabase.addApplicationFont(str(resource(f"fonts/Inter-{weight}.otf")))
    _Current.fonts_loaded = True


def _palette() -> QPalette:
    palette = QPalette()
    for role, name in _PALETTE.items():
        palette.setColor(role, colour(name))
    for role in (QPalette.ColorRole.WindowText, QPalette.ColorRole.Text, QPalette.ColorRole.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, role, colour("outline"))
    return palette
