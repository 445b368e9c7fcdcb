"""What stands in the way of adding a finding is said before anything is learnt."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.errors import MedTransferError
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work import adding
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.cohort.tables import case, cohort
from tests.conftest import BundleMaker, PictureMaker

PLUGIN = "medtransfer.fundus-trio"


@pytest.fixture
def model(home: Home, make_bundle: BundleMaker) -> str:
    """A published model with the findings ``bright`` and ``dark``."""
    return registry.publish(home.prepare(), make_bundle(PLUGIN), "eyes").reference


Refused = Callable[..., MedTransferError]


@pytest.fixture
def refused(home: Home, model: str, make_picture: PictureMaker, tmp_path: Path) -> Refused:
    """Try to add what a table says and return the error; per picture it has a patient and then the answers."""

    def attempt(columns: str, *rows: tuple[str, *tuple[int, ...]], labels: tuple[str, ...] = ()) -> MedTransferError:
        table = tmp_path / "handful.csv"
        with table.open("w", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream)
            writer.writerow(["image", "patient", *columns.split()])
            for number, row in enumerate(rows):
                make_picture(tmp_path / f"{number}.png", seed=number)
                writer.writerow([f"{number}.png", *row])
        with Session(home) as session, pytest.raises(MedTransferError) as caught:
            adding.add(session, Wish(PLUGIN, table, parent=model, labels=labels), tmp_path / "out")
        assert len(registry.list_models(home)) == 1
        return caught.value

    return attempt


def test_a_finding_that_the_model_has_is_not_added(refused: Refused) -> None:
    error = refused("bright", ("a", 1), ("b", 1), ("c", 0), ("d", 0))
    assert error.code == "adding.known"
    assert "learn --from" in error.hint
    rows = (("a", 1, 1), ("b", 1, 1), ("c", 0, 0), ("d", 0, 0))
    assert refused("bright rs", *rows, labels=("bright", "rs")).code == "adding.known"


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ((("a", 1), ("b", 0), ("c", 0)), "1 patient with"),
        ((("a", 1), ("b", 1), ("c", 0)), "1 patient without"),
        ((("a", 1), ("a", 1), ("b", 0), ("c", 0)), "1 patient with"),
    ],
    ids=["one positive", "one negative", "two eyes of one patient"],
)
def test_one_patient_is_too_few(refused: Refused, answers: tuple[tuple[str, int], ...], said: str) -> None:
    error = refused("rs", *answers)
    assert error.code == "label.too-few"
    assert said in error.message
    assert "at least 2" in error.message


@pytest.mark.parametrize("answer", [0, 1])
def test_without_the_other_answer_there_is_nothing_to_tell_apart(refused: Refused, answer: int) -> None:
    error = refused("rs", ("a", answer), ("b", answer), ("c", answer))
    assert error.code == "label.constant"
    assert "nothing to tell apart" in error.message


def test_patients_stay_where_the_model_had_them() -> None:
    known = FrozenSplit(
        fingerprint="",
        seed=1,
        validation_share=0.2,
        test_share=0.2,
        partitions={f"{1:016x}": "test", "f" * 16: "train"},
    )
    cases = cohort([case(1, "tested", {"rs": 1}), case(2, "tested", {"rs": 1}), case(3, "new", {"rs": 0})])
    found = adding._partitions(cases, known)
    assert found == {f"{1:016x}": "test", f"{2:016x}": "test", f"{3:016x}": "train", "f" * 16: "train"}
