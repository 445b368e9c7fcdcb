from __future__ import annotations

import re
from pathlib import Path

import pytest
import shiboken6
from PySide6.QtCore import QTimer
from PySide6.QtGui import QColor, QFontInfo
from PySide6.QtWidgets import QApplication, QLabel, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from medtransfer.gui import icons, parts, theme
from medtransfer.gui.theme import Name

ROOT = Path(__file__).resolve().parents[2]
GROUNDS = ("ground", "panel", "raised", "hover")
TEXTS = ("text", "muted", "accent", "positive", "danger", "neutral")


def contrast(one: str, two: str) -> float:
    """Contrast ratio by WCAG 2.2."""

    def luminance(colour: str) -> float:
        mixed = QColor(colour)
        channels = (mixed.redF(), mixed.greenF(), mixed.blueF())
        linear = [float(value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4) for value in channels]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    lighter, darker = sorted((luminance(one), luminance(two)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("name", theme.NAMES)
def test_text_can_be_read_on_every_ground(name: Name) -> None:
    colours = theme.COLOURS[name]
    pairs = [(text, ground) for text in TEXTS for ground in GROUNDS]
    pairs += [("on_accent", "accent"), ("on_accent", "accent_hover"), ("image_text", "image"), ("letters", "image")]
    low = {pair: round(contrast(colours[pair[0]], colours[pair[1]]), 2) for pair in pairs}
    assert {pair: ratio for pair, ratio in low.items() if ratio < 4.5} == {}


@pytest.mark.parametrize("name", theme.NAMES)
def test_what_is_no_text_but_must_be_seen_stands_out(name: Name) -> None:
    colours = theme.COLOURS[name]
    assert contrast(colours["outline"], colours["panel"]) >= 3
    assert contrast(colours["mark"], colours["track"]) >= 3


def test_both_themes_have_the_same_roles() -> None:
    assert theme.COLOURS["dark"].keys() == theme.COLOURS["light"].keys()


def ground(widget: QWidget) -> str:
    return widget.grab().toImage().pixelColor(10, 10).name()


def dressed_panel(qtbot: QtBot) -> QWidget:
    panel = parts.panel()
    qtbot.addWidget(panel)
    panel.resize(20, 20)
    theme.dress(panel)
    return panel


@pytest.mark.parametrize("name", theme.NAMES)
def test_changing_the_theme_changes_what_is_on_the_screen(qapp: QApplication, qtbot: QtBot, name: Name) -> None:
    panel = dressed_panel(qtbot)
    theme.apply(qapp, name)
    assert theme.current() == name
    qtbot.waitUntil(lambda: ground(panel) == theme.COLOURS[name]["panel"])


def test_the_theme_changes_one_region_in_each_turn_of_the_event_loop(qapp: QApplication, qtbot: QtBot) -> None:
    panels = [dressed_panel(qtbot) for _ in range(3)]
    panels[2].show()
    light = theme.COLOURS["light"]["panel"]
    seen: list[tuple[bool, ...]] = []
    ticker = QTimer(panels[0], interval=0)
    ticker.timeout.connect(lambda: seen.append(tuple(ground(panel) == light for panel in panels)))
    ticker.start()
    theme.apply(qapp, "light")
    qtbot.waitUntil(lambda: bool(seen) and all(seen[-1]))
    ticker.stop()
    assert list(dict.fromkeys(map(sum, seen)))[-3:] == [1, 2, 3]
    assert (False, False, True) in seen  # what is on the screen comes first


def test_a_theme_that_is_changed_back_at_once_leaves_nothing_half_done(qapp: QApplication, qtbot: QtBot) -> None:
    panels = [dressed_panel(qtbot) for _ in range(3)]
    theme.apply(qapp, "light")
    theme.apply(qapp, "dark")
    qtbot.wait(20)
    assert {ground(panel) for panel in panels} == {theme.COLOURS["dark"]["panel"]}


def test_a_region_may_be_gone_before_its_turn_comes(qapp: QApplication, qtbot: QtBot) -> None:
    panels = [dressed_panel(qtbot) for _ in range(3)]
    theme.apply(qapp, "light")
    shiboken6.delete(panels[2])
    shiboken6.delete(panels[1])
    qtbot.waitUntil(lambda: ground(panels[0]) == theme.COLOURS["light"]["panel"])


def test_what_is_below_a_dressed_region_wears_its_style(qapp: QApplication, qtbot: QtBot) -> None:
    region = QWidget()
    qtbot.addWidget(region)
    theme.dress(region)
    column = QVBoxLayout(region)
    later = parts.panel()
    column.addWidget(later)
    region.resize(60, 60)
    assert ground(later) == theme.COLOURS["dark"]["panel"]


def test_the_bundled_typeface_is_used() -> None:
    assert QFontInfo(QLabel().font()).family() == "Inter"
    assert QFontInfo(theme.font(weight=theme.SEMIBOLD)).exactMatch()


def test_figures_are_of_one_width(qapp: QApplication) -> None:
    label = parts.label()
    widths = {label.fontMetrics().horizontalAdvance(figure * 10) for figure in "0123456789"}
    assert len(widths) == 1


def test_icons_take_the_colour_of_the_theme(qapp: QApplication) -> None:
    def strongest() -> str:
        image = icons.pixmap("stop", "danger").toImage()
        pixels = [image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height())]
        return max(pixels, key=lambda pixel: pixel.alpha()).name()

    seen = set()
    for name in theme.NAMES:
        theme.apply(qapp, name)
        assert strongest() == theme.COLOURS[name]["danger"]
        seen.add(strongest())
    assert len(seen) == 2


def test_no_other_module_names_a_colour() -> None:
    hexadecimal = re.compile(r"[\"']#[0-9a-fA-F]{3,8}\b")
    sources = [ROOT / "resources/window/style.qss", *(ROOT / "medtransfer/gui").rglob("*.py")]
    guilty = [
        path.name
        for path in sources
        if path.name != "theme.py" and (hexadecimal.search(path.read_text(encoding="utf-8")))
    ]
    assert guilty == []
