from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from medtransfer.cohort import checks
from medtransfer.cohort.model import Case, Cohort
from medtransfer.contract.manifest import read_manifest
from medtransfer.errors import DataError
from medtransfer.store.home import Home
from medtransfer.work import labels, planning, trainings
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.conftest import PLUGINS, TableMaker

ECHO = read_manifest(PLUGINS / "echo" / "medtransfer_echo" / "medtransfer-plugin.toml")


@pytest.fixture
def session(home: Home) -> Session:
    return Session(home.prepare())


@pytest.fixture
def table(tmp_path: Path, make_table: TableMaker) -> Path:
    return make_table(tmp_path / "clinic")


def add_column(table: Path, heading: str, values: list[str]) -> None:
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    lines = [f"{head},{heading}", *(f"{row},{value}" for row, value in zip(rows, values, strict=True))]
    table.write_text("\n".join(lines) + "\n", encoding="utf-8")


def rename(table: Path, old: str, new: str) -> None:
    table.write_text(table.read_text(encoding="utf-8").replace(old, new, 1), encoding="utf-8")


def test_every_label_is_counted_by_case_and_by_patient(session: Session, table: Path) -> None:
    with session:
        surveyed = labels.survey(session, Wish("test.echo", table))
    assert [(c.id, c.name, c.present, c.absent, c.unknown) for c in surveyed.labels] == [
        ("bright", "Bright", 24, 24, 0),
        ("dark", "Dark", 24, 24, 0),
    ]
    assert {(c.patients_with, c.patients_without, c.reason) for c in surveyed.labels} == {(12, 12, "")}
    assert surveyed.wish.labels == ("bright", "dark")
    assert surveyed.examination.split is not None


def test_labels_that_cannot_be_learnt_are_left_out_with_their_reason(session: Session, table: Path) -> None:
    rename(table, ",dark", ",gender")  # a column of 1 and 0 that the plug-in does not know
    add_column(table, "dark", ["1"] * 2 + ["0"] * 20 + [""] * 26)
    with session:
        surveyed = labels.survey(session, Wish("test.echo", table))
    by_id = {count.id: count for count in surveyed.labels}
    assert by_id["gender"].reason == "The plug-in does not know it."
    assert by_id["dark"].reason == "1 patient with it; 6 are needed."
    assert (by_id["dark"].present, by_id["dark"].absent, by_id["dark"].unknown) == (2, 20, 26)
    assert surveyed.wish.labels == ("bright",)
    assert surveyed.examination.cohort.labels == ("bright",)
    assert not surveyed.examination.errors


def test_a_label_that_the_split_leaves_too_few_patients_of_is_left_out_too(session: Session, table: Path) -> None:
    parts = ["train"] * 28 + ["validation"] * 10 + ["test"] * 10
    add_column(table, "split", parts)
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    cells = [row.split(",") for row in rows]
    for row in cells:
        row[3] = "0" if row[4] == "test" else row[3]  # nobody in the test part is dark
    table.write_text("\n".join([head, *map(",".join, cells)]) + "\n", encoding="utf-8")
    with session:
        surveyed = labels.survey(session, Wish("test.echo", table))
    dark = surveyed.labels[1]
    assert "test has 0 patients" in dark.reason.casefold()
    assert surveyed.wish.labels == ("bright",)
    assert surveyed.examination.split is not None
    assert not surveyed.examination.errors


def test_where_nothing_can_be_learnt_what_is_wrong_is_still_told(session: Session, table: Path) -> None:
    head, *rows = table.read_text(encoding="utf-8").splitlines()
    table.write_text("\n".join([head, *(f"{row[: row.rindex(',') - 2]},1,1" for row in rows)]), encoding="utf-8")
    with session:
        surveyed = labels.survey(session, Wish("test.echo", table))
    assert {count.reason for count in surveyed.labels} == {"It is positive wherever it is known."}
    assert surveyed.wish.labels == ()
    assert {problem.code for problem in surveyed.examination.errors} == {"label.constant"}


def test_a_table_with_labels_that_the_plugin_does_not_know_at_all_is_refused(session: Session, table: Path) -> None:
    rename(table, "bright,dark", "wet,dry")
    with session, pytest.raises(DataError, match="does not know the labels wet, dry"):
        labels.survey(session, Wish("test.echo", table))


def test_other_labels_are_examined_without_opening_an_image_again(
    session: Session, table: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with session:
        surveyed = labels.survey(session, Wish("test.echo", table))

        def refuse(_case: Case) -> None:
            raise AssertionError("an image was opened again")

        wish = Wish("test.echo", table, labels=("dark",))
        with monkeypatch.context() as patched:
            patched.setattr(checks, "_open", refuse)
            again = planning.examine(session, wish, surveyed.examination.looks)
        afresh = planning.examine(session, wish)
    assert again.cohort.fingerprint == afresh.cohort.fingerprint
    assert again.split == afresh.split
    assert again.problems == afresh.problems


def test_an_interrupted_training_remembers_which_labels_were_chosen(session: Session, table: Path) -> None:
    begun = trainings.begin(session.home, Wish("test.echo", table, name="one", labels=("dark",)))
    assert trainings.find(session.home, begun.id).wish.labels == ("dark",)


values = st.lists(st.tuples(st.integers(0, 9), st.sampled_from([0, 1, None])), min_size=1, max_size=30)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(values)
def test_a_label_has_a_reason_exactly_when_the_checks_refuse_it(cases: list[tuple[int, int | None]]) -> None:
    cohort = Cohort(
        cases=tuple(
            Case(f"{row:016x}", Path("a.png"), f"p{patient}", {"bright": value}, row)
            for row, (patient, value) in enumerate(cases)
        ),
        labels=("bright",),
        fingerprint="",
    )
    looks = {case.key: checks.Look(pixels=case.key) for case in cohort.cases}
    refused = any(problem.level == "error" for problem in checks.judge(cohort, looks))
    assert bool(labels.counted_in(cohort, ECHO)[0].reason) is refused
