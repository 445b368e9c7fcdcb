"""The reading space from opening to report, by clicks and keys."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices

from medtransfer.gui.read import delivering
from medtransfer.gui.read.findings import Role as FindingRole
from medtransfer.gui.read.studies import Role
from medtransfer.study.model import Image, Level, Series
from medtransfer.work import verdicts
from tests.gui.read.conftest import Reader

PictureMaker = Callable[..., Path]
LEFT = Qt.MouseButton.LeftButton


def titles(reader: Reader) -> list[str]:
    model = reader.space.studies
    return [model.index(row).data() for row in range(model.rowCount())]


def test_what_is_opened_is_listed_and_the_first_is_shown(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"), make_picture(tmp_path / "b.png", seed=1), tmp_path / "absent.png")

    assert titles(reader) == ["No patient named", "a.png", "b.png", "Could not be opened", "absent.png"]
    missing = reader.space.studies.index(4)
    assert "not there any more" in missing.data(Role.DETAIL)
    assert "moved or deleted" in missing.data(Qt.ItemDataRole.AccessibleTextRole)
    assert reader.space.centre.currentWidget() is reader.space.viewer
    assert reader.space.studies.index(1).data(Role.THUMBNAIL) is not None


def test_the_series_that_is_shown_is_decoded_once_and_every_series_has_a_thumbnail(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decoded: list[str] = []
    original = Series.image

    def image(series: Series) -> Image:
        decoded.append(series.source.names[0])
        return original(series)

    monkeypatch.setattr(Series, "image", image)
    reader.open(*(make_picture(tmp_path / f"{name}.png", seed=seed) for seed, name in enumerate("abc")))
    assert sorted(decoded) == ["a.png", "b.png", "c.png"]
    assert all(entry.thumbnail is not None for entry in reader.space.studies.entries())


def test_plug_ins_that_fit_are_offered_and_the_others_say_why_not(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"))

    panel = reader.space.analyse_panel
    assert [panel.plugin.itemText(at) for at in range(panel.plugin.count())] == ["Echo"]
    assert panel.model.currentText() == "clinic@1"
    assert "3 cases" in panel.line.text()
    assert "nobody knows" in panel.line.text()
    assert panel.reasons.isHidden()
    reader.qtbot.mouseClick(panel.others, LEFT)
    assert "Thresholds: The plug-in takes images of 3 dimensions." in panel.reasons.text()
    assert "Trouble" in panel.reasons.text()
    assert panel.reasons.isVisible()


def test_an_analysis_shows_findings_a_heat_map_and_a_verdict_that_is_kept(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()

    panel, viewer = reader.space.result_panel, reader.space.viewer
    rows = [panel.findings.model.index(row) for row in range(panel.findings.model.rowCount())]
    assert [row.data() for row in rows] == ["Bright", "Dark"]
    assert rows[0].data(Qt.ItemDataRole.AccessibleTextRole) == (
        "Bright, probability 0.75. Called present: at or above the threshold 0.50. Not calibrated."
    )
    heatmap = viewer.grid.views[0].heatmap
    assert heatmap is not None
    assert heatmap.legend.title == "ramp \u00b7 Bright"
    assert heatmap.legend.maximum == "raw 1"
    assert "faithfulness not measured" in heatmap.legend.note

    reader.qtbot.mouseClick(panel.verdict.buttons["wrong"], LEFT)
    reader.rest()
    shown = reader.space.reading.shown
    assert shown is not None
    assert verdicts.of_result(reader.context.home, shown.folder) == {"bright": "wrong"}
    assert "Bright: wrong" in panel.verdict.said.text()
    reader.qtbot.mouseClick(panel.verdict.buttons["wrong"], LEFT)
    reader.rest()
    assert verdicts.of_result(reader.context.home, shown.folder) == {}


def test_a_finding_without_a_map_says_so_and_is_explained_when_asked(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    panel = reader.space.result_panel
    panel.findings.view.setFocus()
    reader.qtbot.keyClick(panel.findings.view, Qt.Key.Key_Down)

    assert panel.label == "dark"
    assert reader.space.viewer.grid.views[0].heatmap is None
    assert panel.heatmaps.none.text() == "No heat map was made for Dark."
    reader.qtbot.mouseClick(panel.heatmaps.ask, LEFT)
    reader.until(lambda: panel.heatmap is not None)
    assert panel.label == "dark"
    shown = reader.space.reading.shown
    assert shown is not None
    assert {heatmap.info.label for heatmap in shown.result.heatmaps} == {"bright", "dark"}


def test_opacity_and_colours_reach_the_picture_and_the_overlay_can_be_put_away(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    panel, view = reader.space.result_panel.heatmaps, reader.space.viewer.grid.views[0]

    panel.opacity.setFocus()
    reader.qtbot.keyClick(panel.opacity, Qt.Key.Key_Home)
    assert view.heatmap is not None
    assert view.heatmap.opacity == 0.0
    panel.colours.setCurrentIndex(1)
    assert view.heatmap.colour_map == "cividis"
    assert reader.context.settings.text("colour_map") == "cividis"
    reader.context.commands.run("read.overlay")
    assert view.heatmap is None


def test_a_second_analysis_uses_the_warm_worker(reader: Reader, make_picture: PictureMaker, tmp_path: Path) -> None:
    reader.open(make_picture(tmp_path / "a.png"), make_picture(tmp_path / "b.png", seed=1))
    reader.analyse()
    reader.context.commands.run("read.next")
    reader.rest()
    assert reader.space.result_panel.findings.isHidden()
    reader.analyse()

    shown = reader.space.reading.shown
    assert shown is not None
    assert shown.result.passport.parameters["analysed"] == 2
    reader.context.commands.run("read.last")
    reader.until(lambda: reader.space.reading.shown is not None and reader.space.reading.shown is not shown)
    assert reader.space.reading.shown is not None
    assert reader.space.reading.shown.result.passport.parameters["analysed"] == 1


def test_structures_are_listed_hidden_and_gone_to(reader: Reader, ct_file: Path) -> None:
    reader.open(ct_file)
    reader.analyse()
    panel, view = reader.space.result_panel, reader.space.viewer.grid.views[0]

    names = [panel.structures.view.model().index(row, 0).data() for row in range(3)]
    assert names == ["Air", "Soft tissue", "Bone"]
    assert view.segmentation is not None
    assert view.segmentation.visible == {1, 2, 3}
    panel.structures.view.setCurrentIndex(panel.structures.view.model().index(1, 0))
    panel.structures.view.setFocus()
    reader.qtbot.keyClick(panel.structures.view, Qt.Key.Key_Space)
    assert view.segmentation.visible == {1, 3}
    bone = panel.structures.view.model().index(2, 0)
    panel.structures.view.activated.emit(bone)
    reader.rest()
    assert view.index in {3, 4}
    reader.space.viewer.toolbar.outline_button.click()
    assert view.segmentation.outline
    assert "Warning: Thresholds alone" in " ".join(
        frame.accessibleName() for frame in reader.space.notices.findChildren(type(reader.space.analyse_panel.frame))
    )


@pytest.mark.parametrize("kind", ["html", "pdf"])
def test_the_report_is_saved_and_opened(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    target = tmp_path / f"r.{kind}"
    opened: list[str] = []
    monkeypatch.setattr(delivering, "ask_where", lambda *_asked: target)
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toLocalFile()))
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    reader.space.result_panel.verdict.press("unsure")
    reader.rest()
    reader.context.commands.run(f"read.report.{kind}")
    reader.rest()

    assert opened == [str(target)]
    assert not list(tmp_path.glob(".*partial"))
    content = target.read_bytes()
    if kind == "pdf":
        assert content.startswith(b"%PDF-")
        assert len(content) > 5_000
    else:
        assert "The reader&#x27;s verdict: unsure." in content.decode()


def test_a_worker_that_dies_is_explained_and_can_be_tried_again(
    reader: Reader, make_picture: PictureMaker, make_bundle: Callable[..., Path], tmp_path: Path
) -> None:
    from medtransfer.work import models

    models.import_bundle(reader.context.home, make_bundle("test.trouble"), "fragile")
    reader.open(make_picture(tmp_path / "white.png", value=255))
    panel = reader.space.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData("test.trouble"))
    panel.analyse.click()
    reader.until(panel.trouble.isVisible)

    assert "ended unexpectedly" in panel.trouble.accessibleName()
    reader.rest()
    assert panel.analyse.isEnabled()
    again = next(button for button in panel.trouble.findChildren(type(panel.analyse)) if button.text() == "Try again")
    reader.qtbot.mouseClick(again, LEFT)
    assert reader.space.reading.busy
    reader.rest()


def test_nothing_that_fits_is_said_with_the_reasons(reader: Reader, tmp_path: Path) -> None:
    import numpy as np
    from PIL import Image as Pillow

    Pillow.fromarray(np.zeros((40, 40), np.uint8)).save(tmp_path / "grey.png")
    reader.open(tmp_path / "grey.png")

    panel = reader.space.analyse_panel
    assert panel.frame.isHidden()
    assert "No plug-in fits this series" in panel.trouble.accessibleName()
    assert "Echo: The plug-in takes colour pictures and this one is grey." in panel.reasons.text()


def test_a_file_that_vanishes_is_noticed_and_a_broken_one_can_be_removed(
    reader: Reader, make_picture: PictureMaker, tmp_path: Path
) -> None:
    first, second = make_picture(tmp_path / "a.png"), make_picture(tmp_path / "b.png", seed=1)
    reader.open(first, second)
    first.unlink()
    reader.until(lambda: any(check.code == "study.gone" for check in reader.space.studies.index(1).data(Role.CHECKS)))
    assert reader.space.reading.image is not None

    second.unlink()
    reader.context.commands.run("read.next")
    reader.until(reader.space.centre.trouble.isVisible)
    assert reader.space.studies.index(2).data(Role.CHECKS)[0].level is Level.ERROR
    remove = next(
        b
        for b in reader.space.centre.trouble.findChildren(type(reader.space.analyse_panel.analyse))
        if "Remove" in b.text()
    )
    reader.qtbot.mouseClick(remove, LEFT)
    reader.rest()
    assert "b.png" not in titles(reader)


def test_removing_what_is_shown_empties_the_screen(reader: Reader, make_picture: PictureMaker, tmp_path: Path) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    reader.context.commands.run("read.remove")
    reader.rest()

    assert titles(reader) == []
    assert reader.space.reading.image is None
    assert reader.space.viewer.grid.image is None
    assert reader.space.result_panel.findings.isHidden()
    assert reader.space.state()["paths"] == []


def test_the_session_brings_study_and_result_back(reader: Reader, make_picture: PictureMaker, tmp_path: Path) -> None:
    reader.open(make_picture(tmp_path / "a.png"), make_picture(tmp_path / "b.png", seed=1))
    reader.context.commands.run("read.next")
    reader.rest()
    reader.analyse()
    state = json.loads(json.dumps(reader.space.state()))
    reader.space.remove_all()
    reader.space.restore(state)
    reader.until(lambda: reader.space.reading.shown is not None)

    entry = reader.space.reading.entry
    assert entry is not None
    assert entry.series.source.names == ("b.png",)
    assert reader.space.result_panel.findings.model.index(0).data(FindingRole.FINDING).label == "bright"
    reader.rest()


def test_a_result_folder_is_shown_with_its_picture(reader: Reader, make_picture: PictureMaker, tmp_path: Path) -> None:
    reader.open(make_picture(tmp_path / "a.png"))
    reader.analyse()
    assert reader.space.reading.shown is not None
    folder = reader.space.reading.shown.folder
    reader.space.remove_all()
    reader.context.events.show_result.emit(folder)
    reader.until(lambda: reader.space.reading.shown is not None)
    assert reader.space.reading.shown.folder == folder
    reader.rest()


def test_a_running_analysis_is_stopped(
    reader: Reader,
    make_picture: PictureMaker,
    make_bundle: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from medtransfer.work import models

    monkeypatch.setenv("TROUBLE_ANALYSE_S", "60")
    models.import_bundle(reader.context.home, make_bundle("test.trouble"), "slow")
    reader.open(make_picture(tmp_path / "a.png"))
    panel = reader.space.analyse_panel
    panel.plugin.setCurrentIndex(panel.plugin.findData("test.trouble"))
    panel.analyse.click()
    reader.until(panel.waiting.isVisible)
    reader.qtbot.mouseClick(panel.waiting.stop, LEFT)
    reader.until(lambda: not reader.space.reading.busy)
    reader.rest()

    assert panel.trouble.isHidden()
    assert panel.analyse.isEnabled()
