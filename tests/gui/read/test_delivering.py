"""Files of a segmentation, saved from the window."""

from __future__ import annotations

import csv
import errno
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt

from medtransfer.gui.read import delivering
from medtransfer.result.importing import read_on
from medtransfer.study import scan
from tests.gui.read.conftest import Reader
from tests.study.builders import ct_slice, save

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def ct_folder(tmp_path: Path) -> Path:
    """A CT of 4 slices of 12 x 14 pixels with random values, as DICOM."""
    folder = tmp_path / "ct"
    folder.mkdir()
    rng = np.random.default_rng(5)
    for n in range(4):
        pixels = rng.integers(0, 2500, (12, 14)).astype(np.uint16)
        save(ct_slice(pixels, (0.0, 0.0, 2.0 * n), InstanceNumber=n), folder / f"{n}.dcm")
    return folder


def asked(monkeypatch: pytest.MonkeyPatch, path: Path | None) -> None:
    """Have the person choose this file whenever they are asked where to."""
    monkeypatch.setattr(delivering, "ask_where", lambda *_asked: path)


def test_a_ct_is_saved_as_a_dicom_segmentation(
    reader: Reader, ct_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.open(ct_folder)
    panel, commands = reader.space.result_panel.saving, reader.context.commands
    assert not commands.get("read.save.seg").enabled()
    plugins = reader.space.analyse_panel.plugin
    plugins.setCurrentIndex(plugins.findData("test.labelmap"))
    reader.analyse()
    shown = reader.space.reading.shown
    assert shown is not None
    assert shown.result.segmentation is not None
    before = {path.name: path.read_bytes() for path in shown.folder.iterdir()}
    assert panel.no_dicom.isHidden()

    asked(monkeypatch, tmp_path / "ours.dcm")
    with reader.qtbot.waitSignal(reader.context.events.message) as said:
        reader.qtbot.mouseClick(panel.files["seg"], LEFT)
    assert said.args == ["ours.dcm was saved."]
    found = scan([ct_folder, tmp_path / "ours.dcm"])
    saved = read_on(found.annotations[0], found.studies[0].series[0].image()).segmentation
    assert np.array_equal(saved.array, shown.result.segmentation.array)
    assert [structure.name for structure in saved.structures] == ["Air", "Soft tissue", "Bone"]
    assert {path.name: path.read_bytes() for path in shown.folder.iterdir()} == before


def test_a_nifti_is_saved_as_label_map_and_table_and_says_why_not_as_dicom(
    reader: Reader, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.open(ct_file)
    reader.analyse()
    panel, commands = reader.space.result_panel.saving, reader.context.commands
    assert not panel.files["seg"].isEnabled()
    assert not commands.get("read.save.seg").enabled()
    assert "needs a DICOM image" in panel.no_dicom.text()
    assert panel.no_dicom.isVisible()

    asked(monkeypatch, tmp_path / "map.nii.gz")
    reader.qtbot.mouseClick(panel.files["nifti"], LEFT)
    reader.rest()
    asked(monkeypatch, tmp_path / "table.csv")
    assert commands.run("read.save.csv")
    reader.rest()
    shown = reader.space.reading.shown
    assert shown is not None
    assert shown.result.segmentation is not None
    saved = scan([tmp_path / "map.nii.gz"]).studies[0].series[0].image()
    assert np.array_equal(saved.array, shown.result.segmentation.array)
    rows = list(csv.DictReader((tmp_path / "table.csv").read_text(encoding="utf-8").splitlines()))
    assert [float(row["volume_ml"]) for row in rows] == [one.volume_ml for one in shown.result.segmentation.structures]


def test_what_keeps_a_file_from_being_written_is_said_beside_the_buttons(
    reader: Reader, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.open(ct_file)
    reader.analyse()
    panel = reader.space.result_panel.saving
    asked(monkeypatch, tmp_path / "map.nii.gz")

    def full(_self: Path, _target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(Path, "replace", full)
        reader.qtbot.mouseClick(panel.files["nifti"], LEFT)
        reader.rest()
    assert panel.trouble.isVisible()
    assert panel.trouble.accessibleName() == (
        "Not saved. The disk is full. Free some space, or choose another disk. The result itself is kept."
    )
    assert reader.space.reading.shown is not None
    assert reader.space.viewer.grid.views[0].segmentation is not None
    reader.qtbot.mouseClick(panel.files["nifti"], LEFT)
    reader.rest()
    assert panel.trouble.isHidden()
    assert (tmp_path / "map.nii.gz").is_file()


def test_nothing_is_written_without_a_place_or_after_a_stop(
    reader: Reader, ct_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reader.open(ct_file)
    reader.analyse()
    asked(monkeypatch, None)
    reader.context.commands.run("read.save.csv")
    assert not reader.context.background.running()
    asked(monkeypatch, tmp_path / "table.csv")
    with reader.qtbot.waitSignal(reader.context.events.message) as said:
        reader.context.background.started.connect(lambda job: job.cancel())
        reader.context.commands.run("read.save.csv")
    assert said.args == ["Nothing was saved."]
    assert not list(tmp_path.glob("*.csv")) + list(tmp_path.glob(".*partial"))
    assert reader.space.result_panel.saving.trouble.isHidden()


def test_a_picture_has_no_segmentation_to_save(reader: Reader, tmp_path: Path) -> None:
    from PIL import Image as Pillow

    Pillow.fromarray(np.zeros((32, 32, 3), np.uint8)).save(tmp_path / "a.png")
    reader.open(tmp_path / "a.png")
    reader.analyse()
    panel = reader.space.result_panel.saving
    assert not any(button.isVisible() for button in panel.files.values())
    assert all(button.isVisible() for button in panel.reports.values())
