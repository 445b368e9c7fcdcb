"""Cohorts with masks on the host's side: what is counted, split and refused before a worker starts."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from medtransfer.errors import DataError
from medtransfer.store.home import Home
from medtransfer.work import labels, planning
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.conftest import PLUGINS, ROOT, TableMaker
from tests.transfer.small_volumes import PARTS, write_volumes

STUNET = "medtransfer.stunet"


@pytest.fixture
def session(home: Home, monkeypatch: pytest.MonkeyPatch) -> Session:
    folders = (PLUGINS / "echo", ROOT / "plugins" / "stunet")
    monkeypatch.setenv("MEDTRANSFER_PLUGIN_PATH", os.pathsep.join(map(str, folders)))
    return Session(home.prepare())


@pytest.fixture
def wish(tmp_path: Path) -> Wish:
    return Wish(STUNET, write_volumes(tmp_path / "volumes"), recipe="quick")


def test_structures_are_counted_from_the_masks(session: Session, wish: Wish) -> None:
    with session:
        surveyed = labels.survey(session, wish)
    counts = [(count.id, count.present, count.absent, count.patients_with, count.reason) for count in surveyed.labels]
    assert counts == [("box", 6, 0, 6, ""), ("ball", 6, 0, 6, "")]
    assert surveyed.wish.labels == ("box", "ball")


def test_the_plan_keeps_the_split_of_the_table_and_takes_the_plug_ins_preset(session: Session, wish: Wish) -> None:
    with session:
        plan = planning.settle(session, wish, planning.examine(session, wish))
    assert [plan.split.partitions[case.key] for case in plan.cohort.cases] == list(PARTS)
    assert (plan.recipe.patch_side, plan.recipe.spacing, plan.recipe.batch_size) == (48, 3.0, 2)
    assert not [problem for problem in plan.problems if problem.level == "error"]


def test_a_structure_that_training_cannot_show_is_refused_and_can_be_left_out(session: Session, wish: Wish) -> None:
    table = wish.data / "structures.csv"
    table.write_text(table.read_text(encoding="utf-8") + "9,thymus\n", encoding="utf-8")
    with session:
        surveyed = labels.survey(session, wish)
        examination = planning.examine(session, replace(wish, labels=("ball",)))
    assert {count.id: bool(count.reason) for count in surveyed.labels} == {"box": False, "ball": False, "thymus": True}
    assert examination.errors == ()


def test_masks_and_answers_are_not_confused(
    session: Session, wish: Wish, tmp_path: Path, make_table: TableMaker
) -> None:
    with session:
        with pytest.raises(DataError, match="answers of yes or no") as caught:
            planning.examine(session, replace(wish, plugin="test.echo", recipe="standard", labels=()))
        assert caught.value.code == "cohort.other-task"
        with pytest.raises(DataError, match="a mask for each image") as caught:
            planning.examine(session, Wish(STUNET, make_table(tmp_path / "answers")))
    assert caught.value.code == "cohort.other-task"
