"""Where a file is saved: the suffix, and the question before something is replaced."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

from medtransfer.gui.saving import ask_where, completed

NIFTI = (".nii.gz", ".nii")


@pytest.mark.parametrize(
    ("name", "whole"),
    [
        ("map", "map.nii.gz"),
        ("map.nii", "map.nii"),
        ("map.nii.gz", "map.nii.gz"),
        ("MAP.NII.GZ", "MAP.NII.GZ"),
        ("case 1.2", "case 1.2.nii.gz"),
    ],
)
def test_a_name_gets_the_suffix_that_it_lacks(name: str, whole: str) -> None:
    assert completed(Path("folder") / name, NIFTI) == Path("folder") / whole


@pytest.mark.parametrize(
    ("typed", "answer", "saved", "questions"),
    [
        ("", "Yes", None, 0),
        ("new", "Yes", "new.nii.gz", 0),
        ("old", "Yes", "old.nii.gz", 1),
        ("old", "Cancel", None, 1),
        ("old.nii.gz", "Cancel", "old.nii.gz", 0),  # the dialog itself has asked
    ],
)
def test_a_file_is_replaced_only_after_a_yes(
    qtbot: QtBot,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    answer: str,
    saved: str | None,
    questions: int,
) -> None:
    (tmp_path / "old.nii.gz").touch()
    asked: list[str] = []

    def question(_parent: QWidget, _title: str, text: str, _buttons: object) -> QMessageBox.StandardButton:
        asked.append(text)
        return QMessageBox.StandardButton[answer]

    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / typed) if typed else "", ""))
    monkeypatch.setattr(QMessageBox, "question", question)
    parent = QWidget()
    qtbot.addWidget(parent)
    path = ask_where(parent, "Save", "map.nii.gz", "NIfTI", NIFTI)
    assert path == (tmp_path / saved if saved else None)
    assert asked == ["old.nii.gz is there already. Replace it?"] * questions
