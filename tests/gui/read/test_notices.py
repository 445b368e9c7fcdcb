"""What the checks found can be read: by the pointer, by the keyboard, and aloud."""

from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFrame, QLabel, QScrollArea

from tests.gui.read.conftest import Reader

STUDIES = {"ct": "dicom/head-ct-tilted", "radiograph": "dicom/chest-cr", "fundus": "fundus/idrid/images/IDRiD_001.jpg"}


def frames(reader: Reader) -> list[QFrame]:
    kinds = {"note", "warning", "failure"}
    found = [frame for frame in reader.space.notices.findChildren(QFrame) if not isinstance(frame, QLabel)]
    return [frame for frame in found if frame.property("kind") in kinds]


@pytest.mark.parametrize("kind", STUDIES)
def test_every_check_is_shown_with_level_message_and_fix(reader: Reader, data_folder: Path, kind: str) -> None:
    reader.open(data_folder / STUDIES[kind])
    entry = reader.space.studies_panel.selected()
    assert entry is not None
    assert entry.checks
    read = [" ".join(label.text() for label in frame.findChildren(QLabel)) for frame in frames(reader)]
    for check in entry.checks:
        assert f"{check.level.value.capitalize()} {check.message} {check.fix}".strip() in read
    spoken = [frame.accessibleName() for frame in frames(reader)]
    assert any(check.message in text and check.fix in text for check in entry.checks for text in spoken)


@pytest.mark.parametrize("kind", STUDIES)
def test_the_tab_key_goes_to_every_notice_and_brings_it_into_sight(
    reader: Reader, data_folder: Path, kind: str
) -> None:
    reader.window.resize(1024, 640)
    reader.open(data_folder / STUDIES[kind])
    wanted = frames(reader)
    seen = []
    for _ in range(60):
        QTest.keyClick(QApplication.focusWidget() or reader.window, Qt.Key.Key_Tab)
        focused = QApplication.focusWidget()
        if focused in wanted and focused not in seen:
            seen.append(focused)
            area = next(area for area in reader.space.regions.findChildren(QScrollArea) if area.isAncestorOf(focused))
            top = focused.mapTo(area.viewport(), QPoint(0, 0))
            assert area.viewport().rect().contains(top)
    assert len(seen) == len(wanted)


def test_the_text_can_be_marked_with_the_pointer(reader: Reader, data_folder: Path) -> None:
    reader.open(data_folder / STUDIES["fundus"])
    labels = [label for frame in frames(reader) for label in frame.findChildren(QLabel)]
    flag = Qt.TextInteractionFlag.TextSelectableByMouse
    assert any(label.textInteractionFlags() & flag for label in labels)
    assert all(label.textFormat() is Qt.TextFormat.PlainText for label in labels)


def test_a_file_that_could_not_be_opened_says_what_to_do_when_it_is_gone_to(reader: Reader, tmp_path: Path) -> None:
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    reader.open(broken)
    view = reader.space.studies_panel.view
    view.setFocus()
    QTest.keyClick(view, Qt.Key.Key_Down)
    name, checks = reader.space.studies_panel.problem()
    assert name == "broken.png"
    texts = [label.text() for frame in frames(reader) for label in frame.findChildren(QLabel)]
    assert any("broken.png" in text and checks[0].message in text for text in texts)
    assert checks[0].fix in texts
