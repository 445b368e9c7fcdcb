"""Time or detail in volumes: what is offered, what is said of it, and what an analysis is asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from medtransfer.contract.bundle import CARD, ModelBundle
from medtransfer.contract.plan import VolumePlan
from medtransfer.contract.requests import QUALITIES, Quality
from medtransfer.gui.read.quality import QualityChoice, cost
from medtransfer.gui.settings import QUALITY, Settings
from medtransfer.work import models
from tests.gui.read.conftest import Reader

BundleMaker = Callable[..., Path]
POOLS = ((2, 2, 2),)


def plan(**changes: Any) -> VolumePlan:
    return VolumePlan(**{"spacing": (1.5, 1.5, 1.5), "patch": (32, 32, 32), "pools": POOLS, **changes})


@pytest.fixture
def for_volumes(make_bundle: BundleMaker) -> ModelBundle:
    """A model of the thresholding plug-in, with a plan for volumes."""
    folder = make_bundle("test.labelmap")
    card = ModelBundle.open(folder).card.model_copy(update={"task": "segmentation", "preprocessing": plan()})
    (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    return ModelBundle.open(folder)


def test_the_setting_knows_every_quality() -> None:
    assert tuple(QUALITY.options) == QUALITIES


@pytest.mark.parametrize(
    ("quality", "asked", "said"),
    [
        ("fast", plan(), "On a grid of 3 mm: about 8 times as fast as full. Small structures suffer."),
        (
            "fast",
            plan(spacing=(5.0, 0.75, 0.75)),
            "On a grid of 5 \u00d7 3 \u00d7 3 mm: about 16 times as fast as full. Small structures suffer.",
        ),
        ("fast", plan(spacing=(3.0, 3.0, 3.0)), "This model knows no finer grid than 3 mm: the same as full."),
        ("full", plan(), "On the grid that the model was trained on: 1.5 mm."),
        ("thorough", plan(), "This model was trained without mirrored images: the same as full."),
        (
            "thorough",
            plan(mirrored=(0, 1, 2)),
            "Looks 8 times, mirrored, and takes the mean: about 8 times as long as full.",
        ),
    ],
)
def test_every_quality_says_what_it_costs(quality: Quality, asked: VolumePlan, said: str) -> None:
    assert cost(quality, asked) == said


def test_it_is_chosen_by_keys_remembered_and_said_aloud(qtbot: QtBot, tmp_path: Path, for_volumes: ModelBundle) -> None:
    choice = QualityChoice(Settings(tmp_path))
    qtbot.addWidget(choice)
    choice.show_for(for_volumes.card)
    choice.show()
    values = [choice.value]
    choice.box.setFocus()
    qtbot.keyClick(choice.box, Qt.Key.Key_Up)
    values.append(choice.value)
    assert values == ["full", "fast"]
    assert "8 times as fast" in choice.line.text()
    assert choice.box.accessibleName() == "Quality"
    assert choice.box.accessibleDescription() == choice.line.text()
    assert Settings(tmp_path).text("quality") == "fast"


def test_it_follows_the_settings_and_a_model_for_pictures_knows_one(
    qtbot: QtBot, tmp_path: Path, for_volumes: ModelBundle, make_bundle: BundleMaker
) -> None:
    settings = Settings(tmp_path)
    choice = QualityChoice(settings)
    qtbot.addWidget(choice)
    settings.set("quality", "thorough")
    choice.show_for(for_volumes.card)
    assert choice.box.currentText() == "Thorough"
    values = [choice.value]
    choice.show_for(ModelBundle.open(make_bundle("test.echo")).card)
    values.append(choice.value)
    assert choice.isHidden()
    assert values == ["thorough", "full"]


def test_a_setting_that_cannot_be_kept_counts_and_is_said(
    qtbot: QtBot, tmp_path: Path, for_volumes: ModelBundle
) -> None:
    (tmp_path / "file").touch()
    choice = QualityChoice(Settings(tmp_path / "file" / "below"))
    qtbot.addWidget(choice)
    choice.show_for(for_volumes.card)
    choice.box.setCurrentIndex(0)
    assert choice.value == "fast"
    assert "could not be kept" in choice.line.text()


def test_an_analysis_has_the_quality_that_was_chosen_and_an_explanation_that_of_the_result(
    reader: Reader, ct_file: Path, for_volumes: ModelBundle
) -> None:
    models.import_bundle(reader.context.home, for_volumes.folder, "volumes")
    reader.open(ct_file)
    panel = reader.space.analyse_panel
    assert panel.model.currentText() == "volumes@1"
    assert panel.quality.isVisible()
    panel.quality.box.setCurrentIndex(0)
    reader.analyse()
    shown = reader.space.reading.shown
    assert shown is not None
    assert shown.result.passport.parameters["quality"] == "fast"

    panel.quality.box.setCurrentIndex(2)
    reader.space.result_panel.explain.emit("bright")
    reader.until(lambda: reader.space.reading.shown is not shown)
    reader.rest()
    again = reader.space.reading.shown
    assert again is not None
    assert again.result.passport.parameters["quality"] == "fast"
    assert again.result.passport.parameters["explain"] == ["bright"]

    panel.model.setCurrentIndex(panel.model.findText("starter"))  # it has no plan for volumes
    assert panel.quality.isHidden()
    reader.analyse()
    reader.until(lambda: reader.space.reading.shown is not again)
    last = reader.space.reading.shown
    assert last is not None
    assert "quality" not in last.result.passport.parameters
