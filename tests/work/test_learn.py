from __future__ import annotations

import csv
import json
import threading
from pathlib import Path
from typing import Any

import pytest

from medtransfer.errors import DataError, EnvironmentFailure, MedTransferError, UserError
from medtransfer.store import jobs, models
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import learn as module
from medtransfer.work.learn import learn
from medtransfer.work.planning import Plan, Wish
from medtransfer.work.session import Session
from tests.conftest import BundleMaker, TableMaker


@pytest.fixture
def table(tmp_path: Path, make_table: TableMaker) -> Path:
    return make_table(tmp_path / "cohort")


@pytest.fixture
def session(home: Home) -> Session:
    return Session(home)


def _wish(table: Path, **changes: Any) -> Wish:
    return Wish(**{"plugin": "test.trouble", "data": table, "name": "sample", **changes})


def test_a_training_publishes_a_model_with_its_report(session: Session, table: Path, tmp_path: Path) -> None:
    plans: list[Plan] = []
    with session:
        learnt = learn(session, _wish(table), tmp_path / "out", plans.append)
    assert learnt.model.reference == "sample@1"
    assert models.find(session.home, "sample").sha256 == learnt.bundle.sha256
    assert {file.name for file in (tmp_path / "out").iterdir()} >= {
        "model", "report.html", "split.json", "checks.json", "learn.json",
    }  # fmt: skip
    (plan,) = plans
    by_patient: dict[str, set[str]] = {}
    for case in plan.cohort.cases:
        by_patient.setdefault(case.patient, set()).add(plan.split.partitions[case.key])
    assert len(by_patient) == 24
    assert all(len(parts) == 1 for parts in by_patient.values())
    assert not any(session.home.jobs.iterdir())
    everything = "".join(file.read_text() for file in (tmp_path / "out").glob("*.json"))
    assert "patient 3" not in everything
    assert str(table.parent) not in everything


def test_the_same_command_again_returns_the_finished_model(session: Session, table: Path, tmp_path: Path) -> None:
    with session:
        first = learn(session, _wish(table), tmp_path / "out")
        again = learn(session, _wish(table), tmp_path / "out")
    assert again.model == first.model
    assert len(models.list_models(session.home)) == 1


def test_another_training_does_not_overwrite_a_model(session: Session, table: Path, tmp_path: Path) -> None:
    with session:
        learn(session, _wish(table), tmp_path / "out")
        with pytest.raises(UserError, match="never overwritten"):
            learn(session, _wish(table, recipe="quick"), tmp_path / "out")
        second = learn(session, _wish(table, recipe="quick"), tmp_path / "out2")
    assert second.model.reference == "sample@2"


def test_a_stopped_training_goes_on_at_its_checkpoint(
    home: Home, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.2")
    wish = threading.Event()
    with (
        Session(home, lambda stage, *_: wish.set() if stage == "epoch 4" else None, wish) as session,
        pytest.raises(UserError) as caught,
    ):
        learn(session, _wish(table), tmp_path / "out")
    assert caught.value.code == jobs.CANCELLED
    assert models.list_models(home) == []
    monkeypatch.setenv("TROUBLE_EPOCH_S", "0.01")
    with Session(home) as session:
        epochs = learn(session, _wish(table), tmp_path / "out").bundle.card.extra["epochs"]
    assert len(epochs) == 8
    assert len(set(epochs)) == 2
    assert epochs.count(epochs[0]) >= 3


def test_a_parent_keeps_its_test_set(session: Session, table: Path, tmp_path: Path) -> None:
    plans: list[Plan] = []
    with session:
        learn(session, _wish(table), tmp_path / "a", plans.append)
        changed = {"settings": {"seed": 7}}
        learn(session, _wish(table, parent="sample@1", **changed), tmp_path / "b", plans.append)
        learn(session, _wish(table, **changed), tmp_path / "c", plans.append)
    assert plans[1].split.partitions == plans[0].split.partitions
    assert plans[2].split.partitions != plans[0].split.partitions


def test_a_parent_whose_split_is_unknown_is_pointed_out(
    session: Session, table: Path, tmp_path: Path, make_bundle: BundleMaker
) -> None:
    models.publish(session.home, make_bundle(plugin="test.trouble"), "foreign")
    plans: list[Plan] = []
    with session:
        learn(session, _wish(table, parent="foreign"), tmp_path / "out", plans.append)
    assert "split.parent-unknown" in {problem.code for problem in plans[0].problems}


def test_a_full_disk_while_training_is_said_and_leaves_nothing_half_written(
    session: Session, table: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE_FULL_DISK", "1")
    with session, pytest.raises(EnvironmentFailure, match="disk is full") as caught:
        learn(session, _wish(table), tmp_path / "out")
    assert "again" in caught.value.hint
    assert models.list_models(session.home) == []
    assert not (tmp_path / "out" / "model").exists()
    assert not (tmp_path / "out" / "report.html").exists()
    monkeypatch.delenv("TROUBLE_FULL_DISK")
    with Session(session.home) as later:
        assert learn(later, _wish(table), tmp_path / "out").model.reference == "sample@1"


def test_two_trainings_in_one_folder_exclude_each_other(session: Session, table: Path, tmp_path: Path) -> None:
    lock = exclusive(tmp_path / "out" / module.LOCK, "a training")
    with lock, pytest.raises(EnvironmentFailure, match="already running") as caught:
        learn(session, _wish(table), tmp_path / "out")
    assert "--out" in caught.value.hint


def test_two_trainings_at_once_in_two_folders_both_work(home: Home, table: Path, tmp_path: Path) -> None:
    references: list[str] = []

    def train(name: str) -> None:
        with Session(home) as session:
            references.append(learn(session, _wish(table, name=name), tmp_path / name).model.reference)

    threads = [threading.Thread(target=train, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(references) == ["a@1", "b@1"]


def _rewrite(table: Path, change: Any) -> None:
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream))
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows(change(rows))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda rows: [row[1:] for row in rows], ("image",)),
        (lambda rows: [*rows[:4], ["gone.png", *rows[4][1:]], *rows[5:]], ("5",)),
        (lambda rows: [[*rows[0][:2], "shiny", "dark"], *rows[1:]], ("shiny", "bright")),
        (lambda rows: [rows[0], *([*row[:2], "1", row[3]] for row in rows[1:])], ("bright",)),
        (
            lambda rows: [
                [*rows[0], "split"],
                *([*row, "train" if number % 2 else "test"] for number, row in enumerate(rows[1:])),
            ],
            ("patient",),
        ),
    ],
    ids=["missing column", "missing image", "unknown label", "one class only", "patient in two given splits"],
)
def test_a_bad_table_is_refused_naming_what_is_wrong_and_what_to_do(
    session: Session, table: Path, tmp_path: Path, change: Any, words: tuple[str, ...]
) -> None:
    _rewrite(table, change)
    with session, pytest.raises(DataError) as caught:
        learn(session, _wish(table), tmp_path / "out")
    shown = caught.value.shown()
    assert all(word in shown for word in words), shown
    assert caught.value.hint
    assert models.list_models(session.home) == []
    assert not (tmp_path / "out" / "model").exists()


@pytest.mark.parametrize("content", [b"", b"not a picture at all"], ids=["empty", "wrong type"])
def test_a_broken_picture_is_refused_with_its_row(
    session: Session, table: Path, tmp_path: Path, content: bytes
) -> None:
    (table.parent / "3.png").write_bytes(content)
    with session, pytest.raises(DataError) as caught:
        learn(session, _wish(table), tmp_path / "out")
    assert "5" in caught.value.shown()


@pytest.mark.parametrize(
    ("changes", "kind", "message"),
    [
        ({"recipe": "hasty"}, MedTransferError, "recipe"),
        ({"settings": {"epochs": 0}}, UserError, "epochs"),
        ({"settings": {"epoch": 3}}, UserError, "epoch"),
        ({"name": "../x"}, UserError, "cannot be the name"),
        ({"parent": "nobody"}, UserError, "no such model"),
        ({"plugin": "test.nobody"}, UserError, "no plug-in"),
    ],
)
def test_a_wish_that_cannot_be_met_is_refused_before_anything_runs(
    session: Session, table: Path, tmp_path: Path, changes: dict[str, Any], kind: type[Exception], message: str
) -> None:
    with session, pytest.raises(kind, match=message):
        learn(session, _wish(table, **changes), tmp_path / "out")
    assert not (tmp_path / "out" / "model").exists()


def test_only_the_chosen_labels_are_learnt(session: Session, table: Path, tmp_path: Path) -> None:
    with session:
        learnt = learn(session, _wish(table, labels=("dark",)), tmp_path / "out")
    assert [label.id for label in learnt.bundle.card.labels] == ["dark"]


def test_the_outcome_names_the_model(session: Session, table: Path, tmp_path: Path) -> None:
    with session:
        learnt = learn(session, _wish(table), tmp_path / "out")
    outcome = json.loads((tmp_path / "out" / module.OUTCOME).read_text())
    assert (outcome["model"], outcome["sha256"]) == ("sample@1", learnt.model.sha256)
