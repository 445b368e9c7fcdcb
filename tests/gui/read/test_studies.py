"""The study list as a model."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from medtransfer.errors import DataError
from medtransfer.gui.read import words
from medtransfer.gui.read.studies import Role, StudiesModel
from medtransfer.study import Scan
from medtransfer.study.model import Check, Image, Level, Patient, Series, Source, Study
from medtransfer.work.opening import Portion


def study(uid: str, patient: str, *names: str, checks: tuple[Check, ...] = ()) -> Study:
    def load() -> Image:
        return Image(np.zeros((4, 6, 3), np.uint8), "yxc", "OP", "display", "rgb")

    series = tuple(
        Series(f"{uid}.{name}", "OP", name, (4, 6, 3), "yxc", Source("dicom", (f"{name}.dcm",)), load, checks=checks)
        for name in names
    )
    return Study(uid, Patient(id=patient), "2026-03-12", "", series)


def portion(*studies: Study, problems: tuple[DataError, ...] = ()) -> Portion:
    return Portion((Path("x"),), Scan(studies, problems))


def rows(model: StudiesModel) -> list[str]:
    return [model.index(row).data() for row in range(model.rowCount())]


def test_series_of_one_patient_stay_together_however_they_arrive(qapp: object) -> None:
    model = StudiesModel()
    QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    problem = DataError("the file is cut short", code="study.truncated", hint="Copy it again.", subject="c.dcm")
    model.add(portion(study("1", "A", "left"), problems=(problem,)))
    model.add(portion(study("2", "B", "chest")))
    model.add(portion(study("3", "A", "right"), study("1", "A", "left")))
    assert rows(model) == ["A", "left", "right", "B", "chest", "Could not be opened", "c.dcm"]
    assert model.flags(model.index(0)) == Qt.ItemFlag.NoItemFlags
    assert model.index(6).data(Role.DETAIL) == "The file is cut short."


def test_a_heading_goes_with_its_last_series(qapp: object) -> None:
    model = StudiesModel()
    model.add(portion(study("1", "A", "left", "right"), study("2", "B", "chest")))
    model.remove(model.index_of("2.chest"))
    assert rows(model) == ["A", "left", "right"]
    model.remove(model.index(0))
    assert rows(model) == ["A", "left", "right"]


def test_the_worst_check_comes_first_and_is_said_aloud(qapp: object) -> None:
    model = StudiesModel()
    model.add(portion(study("1", "A", "left", checks=(Check("a", Level.INFO, "Small."),))))
    model.set_checks(
        "1.left", [Check("a", Level.INFO, "Small."), Check("b", Level.WARNING, "Soft focus.", "Retake it.")]
    )
    index = model.index_of("1.left")
    assert [check.code for check in index.data(Role.CHECKS)] == ["b", "a"]
    assert "Warning: Soft focus. Retake it." in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_words_for_series() -> None:
    eye = study("1", "A", "left").series[0]
    assert words.series_detail(eye) == "OP \u00b7 6 \u00d7 4"
    plain = Series("u", "OP", "", (4, 6, 3), "yxc", Source("dicom", ("f.dcm",)), eye.load, "2026-03-12", "L")
    assert words.series_title(plain) == "Left eye"
    assert words.series_detail(plain).endswith("12 Mar 2026")
