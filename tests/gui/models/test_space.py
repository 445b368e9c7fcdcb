from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QLabel, QMessageBox
from pytestqt.qtbot import QtBot

from medtransfer.contract.bundle import CARD, file_sha256
from medtransfer.gui.context import Context
from medtransfer.gui.models import comparison
from medtransfer.gui.models.space import ModelsSpace
from medtransfer.store import models as registry
from medtransfer.work import models
from tests.conftest import BundleMaker
from tests.work.report import models as reported

Shown = Callable[[], ModelsSpace]


@pytest.fixture
def shown(context: Context, qtbot: QtBot) -> Shown:
    """Show the space once its list has been read."""

    def show() -> ModelsSpace:
        space = ModelsSpace(context)
        widget = space.widget()
        qtbot.addWidget(widget)
        widget.resize(1389, 800)
        widget.show()
        qtbot.waitUntil(lambda: all(not job.title.startswith("Reading") for job in context.background.running()))
        return space

    return show


@pytest.fixture
def evaluated(tmp_path: Path) -> Callable[[int], Path]:
    """Write a bundle of ``test.echo`` that carries an evaluation."""

    def make(seed: int) -> Path:
        folder = tmp_path / f"evaluated-{seed}"
        folder.mkdir()
        (folder / "weights.txt").write_text(f"{seed}\n", encoding="utf-8")
        files = {"weights.txt": file_sha256(folder / "weights.txt")}
        card = reported.card().model_copy(update={"plugin": "test.echo", "seed": seed, "files": files})
        (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
        return folder

    return make


def _texts(space: ModelsSpace) -> str:
    return "\n".join(label.text() for label in space.widget().findChildren(QLabel))


def _wait_for(space: ModelsSpace, key: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: key in {entry.key for entry in space.list.entries})


def test_a_model_shows_its_figures_and_where_it_comes_from(
    shown: Shown, context: Context, evaluated: Callable[[int], Path], qtbot: QtBot
) -> None:
    model = registry.publish(context.home, evaluated(1), "clinic")
    space = shown()
    _wait_for(space, "clinic@1", qtbot)
    space.show_model("clinic@1")
    card = model.open().card
    assert card.evaluation is not None
    overview = space.card.evaluation.overview
    assert overview is not None
    rows = overview.cells()
    assert [row[0] for row in rows] == [label.name for label in card.evaluation.of("tuned").labels]
    few = [entry.grade == "none" for entry in card.evaluation.of("tuned").labels]
    assert [row[2] == "too few cases to say" for row in rows] == few
    said = _texts(space)
    assert model.sha256 in said
    assert card.weights[0].licence in said
    assert card.evaluation.verdict[0] in said


def test_choosing_a_finding_by_key_shows_its_curves_beside_the_untuned_model(
    shown: Shown, context: Context, evaluated: Callable[[int], Path], qtbot: QtBot
) -> None:
    card = registry.publish(context.home, evaluated(1), "clinic").open().card
    space = shown()
    _wait_for(space, "clinic@1", qtbot)
    space.show_model("clinic@1")
    view = space.card.evaluation
    assert view.overview is not None
    assert view.finding is not None
    assert card.evaluation is not None
    view.overview.setFocus()
    view.overview.selectRow(0)
    qtbot.keyClick(view.overview, Qt.Key.Key_Down)
    second = card.evaluation.of("tuned").labels[1]
    curves = {curve.name.partition(" ")[0]: curve for curve in view.finding.roc.curves}
    assert list(curves["tuned"].points) == second.curves.roc
    assert list(curves["untuned"].points) == card.evaluation.of("untuned").labels[1].curves.roc
    assert [(x, y) for x, y, _ in second.curves.reliability] == list(view.finding.reliability.curves[1].points)


def test_two_models_are_compared_finding_by_finding(
    shown: Shown, context: Context, evaluated: Callable[[int], Path], qtbot: QtBot
) -> None:
    for seed in (1, 2):
        registry.publish(context.home, evaluated(seed), "clinic")
    space = shown()
    _wait_for(space, "clinic@2", qtbot)
    space.show_model("clinic@2")
    second = space.comparer.second
    second.setCurrentIndex(second.findData("clinic@1"))
    space.comparer.compare()
    assert space.comparer.table is not None
    assert len(space.comparer.table.cells()) == len(reported.card().labels)
    assert space.comparer.said.text() == comparison.SAME


def test_a_model_without_an_evaluation_says_so(
    shown: Shown, context: Context, make_bundle: BundleMaker, qtbot: QtBot
) -> None:
    registry.publish(context.home, make_bundle(), "plain")
    space = shown()
    _wait_for(space, "plain@1", qtbot)
    space.show_model("plain@1")
    assert "nobody knows" in _texts(space)
    assert space.list.entries[0].mark == "not evaluated"


def test_a_model_whose_files_are_gone_is_listed_with_the_reason(
    shown: Shown, context: Context, make_bundle: BundleMaker, qtbot: QtBot
) -> None:
    shutil.rmtree(registry.publish(context.home, make_bundle(), "lost").folder)
    space = shown()
    _wait_for(space, "lost@1", qtbot)
    space.show_model("lost@1")
    assert "model.json" in _texts(space)
    assert not space.read.isEnabled()
    assert space.delete.isEnabled()


def test_a_newly_published_model_is_at_once_in_the_list(
    shown: Shown, context: Context, make_bundle: BundleMaker, qtbot: QtBot
) -> None:
    space = shown()
    registry.publish(context.home, make_bundle(), "new")
    context.events.models_changed.emit()
    _wait_for(space, "new@1", qtbot)


def test_export_import_and_delete(
    shown: Shown,
    context: Context,
    make_bundle: BundleMaker,
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = registry.publish(context.home, make_bundle(), "sample")
    target = tmp_path / "sample.zip"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(target), ""))
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (str(target), ""))
    monkeypatch.setattr(QMessageBox, "question", lambda *_: QMessageBox.StandardButton.Yes)
    space = shown()
    _wait_for(space, "sample@1", qtbot)
    space.show_model("sample@1")
    qtbot.mouseClick(space.export, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(target.exists)
    assert models.is_bundle(target)
    qtbot.mouseClick(space.delete, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "sample@1" not in {entry.key for entry in space.list.entries})
    assert registry.list_models(context.home) == []
    qtbot.mouseClick(space.bring, Qt.MouseButton.LeftButton)
    _wait_for(space, "sample@1", qtbot)
    assert registry.find(context.home, "sample").sha256 == model.sha256


def test_a_file_that_is_no_model_is_refused(shown: Shown, tmp_path: Path, qtbot: QtBot) -> None:
    source = tmp_path / "x.zip"
    source.write_bytes(b"no zip")
    space = shown()
    space.import_model(source)
    qtbot.waitUntil(lambda: "neither a model bundle" in space.trouble.text())
