"""What a model compared a finding with, and what its parts said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from medtransfer.gui.read.reading import Shown
from medtransfer.gui.read.result_panel import ResultPanel
from medtransfer.gui.settings import Settings
from medtransfer.result.model import Contribution, SimilarCase
from tests.result.results import result

KEYS = [f"{number:016x}" for number in range(3)]


def test_the_nearest_confirmed_cases_are_shown_side_by_side(qtbot: QtBot, tmp_path: Path) -> None:
    panel = ResultPanel(Settings(tmp_path))
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
    labels = panel.comparing.findChildren(QLabel)
    shown = [label.pixmap().toImage().pixelColor(40, 40).red() for label in labels if not label.pixmap().isNull()]
    assert shown == [200, 200], "a case without a picture has its number and distance alone"
    texts = [label.text() for label in labels]
    assert f"Case {KEYS[1][:6]}\ndistance 0.50" in texts
    assert "Nearest confirmed cases: adds \u22120.12\nRandom forest: says 0.83" in texts

    panel.findings.show_findings(content.findings, content.findings[1].label)
    panel.show_result(Shown(tmp_path, content, None, explains=True, verdicts={}))
    assert panel.comparing.isHidden(), "a finding that was answered by one network has nothing to show here"
