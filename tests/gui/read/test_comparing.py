"""What a model compared a finding with, and what its parts said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtCore import QEvent
from PySide6.QtGui import QUndoStack
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from medtransfer.gui.read.comparing import Comparing, Thumbnail
from medtransfer.gui.read.reading import Shown
from medtransfer.gui.read.result_panel import ResultPanel
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Contribution, SimilarCase
from tests.result.results import result

KEYS = [f"{number:016x}" for number in range(3)]


def test_the_nearest_confirmed_cases_are_shown_side_by_side(qtbot: QtBot, tmp_path: Path) -> None:
    panel = ResultPanel(Settings(tmp_path), QUndoStack())
    qtbot.addWidget(panel)
    plain = result()
    first = plain.findings[0].model_copy(
        update={
            "similar": tuple(SimilarCase(case=key, distance=0.25 * place) for place, key in enumerate(KEYS, start=1)),
            "contributions": (
                Contribution(name="Nearest confirmed cases", kind="component", contribution=-0.12),
                Contribution(name="Random forest", kind="learner", probability=0.83),
            ),
        }
    )
    red = np.zeros((128, 128, 3), np.uint8)
    red[..., 0] = 200
    content = replace(plain, findings=(first, *plain.findings[1:]), pictures={KEYS[0]: red, KEYS[2]: red})
    panel.show_result(Shown(tmp_path, content, None, explains=True, verdicts={}))
    assert panel.findings.selected() == first
    assert not panel.comparing.isHidden()
    assert not panel.contributions.isHidden()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    labels = panel.comparing.findChildren(QLabel)
    shown = [label.pixmap().toImage().pixelColor(40, 40).red() for label in labels if not label.pixmap().isNull()]
    assert shown == [200, 200], "a case without a picture has its distance alone"
    assert [label.text() for label in labels if label.text().startswith("distance")] == [
        "distance 0.25", "distance 0.50", "distance 0.75",
    ]  # fmt: skip
    assert "Cases with diabetic retinopathy that the model learnt from." in panel.comparing.note.text()

    panel.findings.show_findings(content.findings, content.findings[1].label)
    panel.show_result(Shown(tmp_path, content, None, explains=True, verdicts={}))
    assert panel.comparing.isHidden(), "a finding that was answered by one network has nothing to show here"
    assert panel.contributions.isHidden()


def test_pictures_that_were_not_kept_are_said_to_be_missing(qtbot: QtBot) -> None:
    comparing = Comparing()
    qtbot.addWidget(comparing)
    finding = result().findings[0].model_copy(update={"similar": (SimilarCase(case=KEYS[0], distance=0.3),)})
    comparing.show_for(finding, {})
    assert comparing.note.text().endswith("Their pictures were not kept with the model.")
    assert not comparing.findChildren(Thumbnail)


def test_thumbnails_fill_their_column_but_are_not_blown_up(qtbot: QtBot) -> None:
    small = Thumbnail(SimilarCase(case=KEYS[0], distance=0.3), np.zeros((100, 100, 3), np.uint8))
    qtbot.addWidget(small)
    small.show()
    for width, drawn in ((60, 60), (140, 140), (600, 160)):
        small.resize(width, 50)
        assert small.pixmap().deviceIndependentSize().width() == drawn
