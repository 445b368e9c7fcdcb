"""A researcher brings labelled cases, has a network learn from them, compares, publishes, and reads with the result."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QPushButton, QTableView

from medtransfer.cohort import phantom
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from tests.conftest import PictureMaker, TableMaker
from tests.journeys.conftest import DeskMaker
from tests.journeys.desk import Desk

FUNDUS = "medtransfer.fundus-trio"


def test_from_a_table_to_an_answer_by_the_new_model(
    sit_down: DeskMaker,
    home: Home,
    make_table: TableMaker,
    make_picture: PictureMaker,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = sit_down()
    _bring_cases(desk, make_table(tmp_path / "clinic"), "test.echo", monkeypatch)
    assert desk.learn.data.cases is not None
    assert desk.learn.data.cases.split.table is not None
    _learn(desk, "eyes", "standard")
    assert "nobody knows" in _said(desk)
    _publish(desk, home, "eyes@1")
    _read_with_it(desk, make_picture(tmp_path / "new.png", seed=99), "test.echo", "eyes@1")


@pytest.mark.slow
def test_the_fundus_plug_in_learns_and_is_compared_with_the_untuned_network(
    sit_down: DeskMaker, home: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("torch")
    table = _with_one_finding(phantom.write_cohort(tmp_path / "phantoms", 48, seed=4))
    desk = sit_down()
    _bring_cases(desk, table, FUNDUS, monkeypatch)
    _learn(desk, "phantoms", "quick")
    overview = desk.learn.report.evaluation.overview
    assert overview is not None
    assert _headings(overview)[2:4] == ["AUROC tuned", "AUROC untuned"]
    assert [row[0] for row in overview.cells()] == ["Diabetic retinopathy"]
    _publish(desk, home, "phantoms@1")
    _read_with_it(desk, next(table.parent.rglob("*.png")), FUNDUS, "phantoms@1")


def _bring_cases(desk: Desk, table: Path, plugin: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Go to Learn and choose the table in the dialog."""
    desk.click(desk.window.top_bar.tabs["learn"])
    data = desk.learn.data
    desk.until(lambda: data.plugins.findData(plugin) >= 0)
    data.plugins.setCurrentIndex(data.plugins.findData(plugin))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(table), ""))
    desk.click(next(made for made in data.findChildren(QPushButton) if made.text().startswith("Choose a table")))
    desk.until(lambda: data.examination is not None)
    assert data.examination is not None
    assert data.examination.errors == ()


def _learn(desk: Desk, name: str, recipe: str) -> None:
    """Go on with the cases, name the model, and wait for its report."""
    space = desk.learn
    desk.click(space.data.go_on)
    desk.until(lambda: space.recipe.cards[recipe].time.text().startswith("About"))
    desk.click(space.recipe.cards[recipe])
    space.recipe.name.setFocus()
    space.recipe.name.selectAll()
    desk.qtbot.keyClicks(space.recipe.name, name)
    desk.press(Qt.Key.Key_Return)
    desk.until(lambda: space.stack.currentWidget() is space.report)
    assert space.training.curves.plots["loss"].curves
    desk.rest()


def _publish(desk: Desk, home: Home, reference: str) -> None:
    report = desk.learn.report
    assert registry.list_models(home) == []
    desk.click(report.publish)
    desk.until(report.go_read.isVisible)
    desk.rest()
    assert [model.reference for model in registry.list_models(home)] == [reference]


def _read_with_it(desk: Desk, picture: Path, plugin: str, reference: str) -> None:
    """Go to Read, where the model is in the list, and analyse a picture with it."""
    desk.click(desk.learn.report.go_read)
    desk.drop(picture)
    desk.until(lambda: desk.window.spaces[0].loaded and desk.read.reading.image is not None)
    desk.rest()
    panel = desk.read.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData(plugin))
    assert panel.model.currentText() == reference
    desk.click(panel.analyse)
    desk.until(lambda: desk.read.reading.shown is not None)
    desk.rest()
    assert desk.read.reading.shown is not None
    passport = desk.read.reading.shown.result.passport
    assert (passport.plugin, passport.model) == (plugin, reference.partition("@")[0])


def _with_one_finding(table: Path) -> Path:
    """Leave only ``dr`` in the table: with so few patients the rarer findings could not be tested."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    with table.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, ["image", "patient", "dr"], extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return table


def _headings(table: QTableView) -> list[str]:
    model = table.model()
    return [str(model.headerData(at, Qt.Orientation.Horizontal)) for at in range(model.columnCount())]


def _said(desk: Desk) -> str:
    return " ".join(label.text() for label in desk.learn.report.findChildren(QLabel))
