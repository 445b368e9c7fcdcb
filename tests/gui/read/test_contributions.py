"""What each part of a model had to do with a finding."""

from __future__ import annotations

import pytest
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from medtransfer.gui.read.contributions import Bar, Contributions
from medtransfer.result.model import Contribution, Finding

PARTS = (
    Contribution(name="A: network", kind="component", contribution=0.25),
    Contribution(name="C: nearest cases", kind="component", contribution=-0.12),
    Contribution(name="Random forest", kind="learner", probability=0.83, contribution=0.02),
)


def finding(*contributions: Contribution) -> Finding:
    return Finding(
        label="dr", name="Retinopathy", probability=0.9, threshold=0.5, positive=True, calibrated=True,
        contributions=contributions,
    )  # fmt: skip


def texts(shown: Contributions) -> set[str]:
    QApplication.processEvents()
    return {label.text() for label in shown.findChildren(QLabel) if label.isVisible()}


def test_components_add_or_take_away_and_learners_are_folded(qtbot: QtBot) -> None:
    shown = Contributions()
    qtbot.addWidget(shown)
    shown.show()
    shown.show_for(finding(*PARTS))
    assert {"A: network", "+0.25", "C: nearest cases", "\u22120.12"} <= texts(shown)
    assert "Random forest" not in texts(shown)
    assert shown.more.text() == "1 learner voted on what they say"
    shown.more.click()
    assert {"Random forest", "0.83"} <= texts(shown)
    assert "+0.02" not in texts(shown)
    tips = {label.toolTip() for label in shown.findChildren(QLabel)}
    assert "Its vote adds +0.02 to the answer" in tips
    shown.show_for(finding(*PARTS[:2]))
    assert not shown.more.isVisible()
    assert "0.83" not in texts(shown)
    shown.show_for(None)
    assert not texts(shown)


SPANS = [(0.5, 0.625), (0.44, 0.5), (0.0, 0.83)]


def test_bars_of_components_are_drawn_to_one_scale_on_which_the_largest_fills_its_side(qtbot: QtBot) -> None:
    shown = Contributions()
    qtbot.addWidget(shown)
    shown.show_for(finding(*PARTS))
    spans = {bar.part.name: bar.span() for bar in shown.findChildren(Bar)}
    assert spans["A: network"] == pytest.approx((0.5, 1.0))
    assert spans["C: nearest cases"] == pytest.approx((0.5 - 0.5 * 0.12 / 0.25, 0.5))
    assert spans["Random forest"] == pytest.approx((0.0, 0.83))
    tiny = Contribution(name="tiny", kind="component", contribution=0.01)
    shown.show_for(finding(tiny))
    (bar,) = (bar for bar in shown.findChildren(Bar) if bar.part is tiny)
    assert bar.span() == pytest.approx((0.5, 0.55)), "what is next to nothing looks like it"


@pytest.mark.parametrize(("part", "span"), list(zip(PARTS, SPANS, strict=True)))
def test_bars_go_to_the_side_to_which_a_part_pulls(qtbot: QtBot, part: Contribution, span: tuple[float, float]) -> None:
    bar = Bar(part)
    qtbot.addWidget(bar)
    assert bar.span() == pytest.approx(span)
    row = bar.grab().toImage()
    middle = [row.pixelColor(column, row.height() // 2) for column in range(2, row.width() - 2)]
    filled = [colour.lightness() > 80 for colour in middle]
    assert sum(filled) / len(filled) == pytest.approx(span[1] - span[0], abs=0.06)
