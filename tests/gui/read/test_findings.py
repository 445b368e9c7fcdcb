"""Bars say what the figures say, in colour and in words."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QImage, QPainter
from pytestqt.qtbot import QtBot

from medtransfer.gui import theme
from medtransfer.gui.read import words
from medtransfer.gui.read.findings import SHOWN_BELOW, Findings, paint_bar
from medtransfer.gui.read.waiting import remaining
from medtransfer.result.model import Faithfulness, Finding, HeatmapInfo


def finding(label: str, probability: float, threshold: float = 0.5, uncertainty: float | None = None) -> Finding:
    return Finding(
        label=label,
        name=label.title(),
        probability=probability,
        threshold=threshold,
        positive=probability >= threshold,
        calibrated=True,
        uncertainty=uncertainty,
    )


def drawn(shown: Finding) -> QImage:
    image = QImage(200, 13, QImage.Format.Format_RGB32)
    image.fill(theme.colour("panel"))
    painter = QPainter(image)
    paint_bar(painter, QRectF(0, 3, 200, 7), shown)
    painter.end()
    return image


@pytest.mark.parametrize(("probability", "role"), [(0.8, "positive"), (0.3, "neutral")])
def test_the_bar_ends_at_the_probability_in_the_colour_of_the_call(probability: float, role: str) -> None:
    image = drawn(finding("dr", probability))
    end = round(200 * probability)
    assert image.pixelColor(end - 8, 6) == theme.colour(role)
    assert image.pixelColor(end + 4, 6) == theme.colour("track")
    assert image.pixelColor(100, 1) == theme.colour("mark")
    assert image.pixelColor(90, 1) == theme.colour("panel")


def test_the_band_covers_one_deviation_to_both_sides() -> None:
    plain, doubtful = drawn(finding("dr", 0.3)), drawn(finding("dr", 0.3, uncertainty=0.1))
    changed = [x for x in range(200) if plain.pixelColor(x, 6) != doubtful.pixelColor(x, 6)]
    assert abs(changed[0] - 40) <= 1
    assert abs(changed[-1] - 79) <= 1
    assert isinstance(doubtful.pixelColor(60, 6), QColor)


def test_those_above_their_threshold_come_first_and_far_ones_wait(qtbot: QtBot) -> None:
    widget = Findings()
    qtbot.addWidget(widget)
    widget.show()
    low = [finding(f"low{n}", 0.4 - n / 100) for n in range(SHOWN_BELOW + 3)]
    widget.show_findings([*low, finding("rare", 0.3, threshold=0.2), finding("dr", 0.9)])
    model = widget.model
    assert [model.index(row).data() for row in range(3)] == ["Dr", "Rare", "Low0"]
    assert model.rowCount() == 2 + SHOWN_BELOW
    assert widget.more.text() == "3 more below threshold"
    qtbot.mouseClick(widget.more, Qt.MouseButton.LeftButton)
    assert model.rowCount() == len(low) + 2
    assert widget.more.isHidden()


def test_a_map_no_better_than_chance_is_called_that() -> None:
    measured = Faithfulness(score=0.1, random_score=0.12, deletion_auc=0.5, insertion_auc=0.6, steps=10)
    info = HeatmapInfo(label="dr", method="gradcam", layer="x", raw_maximum=3.14159, faithfulness=measured)
    assert words.legend(info, "Retinopathy") == (
        "Grad-CAM \u00b7 Retinopathy",
        "raw 3.14",
        "faithfulness 0.10 (random 0.12)",
    )
    assert not words.worth_reading(info)


@pytest.mark.parametrize(
    ("elapsed", "fraction", "said"),
    [
        (10.0, None, ""),
        (10.0, 0.01, ""),
        (10.0, 0.5, "about 10 s left"),
        (300.0, 0.5, "about 5 min left"),
        (1.0, 1.0, ""),
    ],
)
def test_time_left_is_said_only_when_it_can_be_known(elapsed: float, fraction: float | None, said: str) -> None:
    assert remaining(elapsed, fraction) == said
