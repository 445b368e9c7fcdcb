from __future__ import annotations

from pathlib import Path

import pytest

from medtransfer.cohort.model import Case, Cohort, MaskStructure
from medtransfer.contract.recipe import PRESETS, Recipe
from medtransfer.errors import DataError, EnvironmentFailure
from medtransfer.store import models as registry
from medtransfer.store import timings
from medtransfer.store.home import Home
from medtransfer.store.lock import exclusive
from medtransfer.work import estimates, learn, learners, planning, trainings
from medtransfer.work.planning import Wish
from medtransfer.work.session import Session
from tests.conftest import TableMaker


@pytest.fixture
def table(tmp_path: Path, make_table: TableMaker) -> Path:
    return make_table(tmp_path / "cohort")


@pytest.fixture
def session(home: Home) -> Session:
    return Session(Home(home.root).prepare())


def _train(session: Session, training: trainings.Training) -> learn.Trained:
    found = planning.examine(session, training.wish)
    return learn.train(session, training.wish, planning.settle(session, training.wish, found), training.folder)


def test_a_trained_model_is_not_published_before_the_person_says_so(session: Session, table: Path) -> None:
    training = trainings.begin(session.home, Wish("test.echo", table, "quick", "sample"))
    assert trainings.find(session.home, training.id).state == "unfinished"
    with session:
        trained = _train(session, training)
        assert trainings.find(session.home, training.id).state == "trained"
        assert registry.list_models(session.home) == []
        assert trained.report.is_file()
        model = learn.publish(session, trained)
        assert learn.publish(session, trained) == model
    listed = trainings.find(session.home, training.id)
    assert (listed.state, listed.model) == ("published", "sample@1")
    assert listed.wish == training.wish
    assert planning.split_file(session.home, trained.bundle).is_file()


def test_training_again_in_the_same_folder_returns_what_is_there(session: Session, table: Path) -> None:
    training = trainings.begin(session.home, Wish("test.echo", table, name="sample"))
    with session:
        first = _train(session, training)
        assert _train(session, training).bundle.sha256 == first.bundle.sha256
    again = learn.trained_in(training.folder)
    assert again is not None
    assert again.name == "sample"


def test_a_damaged_record_is_listed_as_damaged(session: Session, table: Path) -> None:
    training = trainings.begin(session.home, Wish("test.echo", table))
    (training.folder / learn.OUTCOME).write_text("{", encoding="utf-8")
    assert trainings.find(session.home, training.id).state == "damaged"
    with pytest.raises(DataError, match="damaged"):
        learn.trained_in(training.folder)


def test_a_running_training_is_not_removed(session: Session, table: Path) -> None:
    training = trainings.begin(session.home, Wish("test.echo", table))
    with (
        exclusive(training.folder / learn.LOCK, "a training"),
        pytest.raises(EnvironmentFailure, match="already running"),
    ):
        trainings.remove(training)
    trainings.remove(training)
    assert trainings.list_trainings(session.home) == []
    with pytest.raises(DataError, match="no such training"):
        trainings.find(session.home, training.id)


def test_errors_are_among_what_an_examination_finds_and_refused_by_settling(session: Session, table: Path) -> None:
    (table.parent / "3.png").write_bytes(b"")
    wish = Wish("test.echo", table)
    found = planning.examine(session, wish)
    assert found.split is None
    assert [problem.rows for problem in found.errors] == [(5,)]
    with pytest.raises(DataError, match="row 5"):
        planning.settle(session, wish, found)


def test_an_uninterrupted_training_makes_the_next_estimate_better(session: Session, table: Path) -> None:
    recipe = Recipe.preset("standard")
    before = estimates.estimate(session.home, "test.echo", recipe, estimates.amount(recipe, 48, 2))
    assert before.basis == "speed"
    with session:
        _train(session, trainings.begin(session.home, Wish("test.echo", table)))
    (rate,) = timings.rates(session.home, "test.echo", recipe.tune)
    after = estimates.estimate(session.home, "test.echo", recipe, estimates.amount(recipe, 48, 2))
    assert after.basis == "earlier"
    seconds = rate * estimates.amount(recipe, 48, 2)
    assert after.low < seconds < after.high
    assert after.high < before.low


def test_more_cases_findings_and_thoroughness_cost_more() -> None:
    amounts = [estimates.amount(Recipe.preset(name), 300, 3) for name in PRESETS]
    assert amounts == sorted(amounts)
    standard = Recipe.preset("standard")
    assert estimates.amount(standard, 600, 3) == pytest.approx(2 * estimates.amount(standard, 300, 3))
    assert estimates.amount(standard, 300, 6) > estimates.amount(standard, 300, 3)


def test_a_trio_costs_its_networks_for_all_cases_and_for_each_fold() -> None:
    standard = Recipe.preset("standard")
    alone = estimates.amount(standard, 300, 3)
    trio = estimates.amount(standard.changed({"ensemble": "trio", "folds": 2}), 300, 3)
    features = 300 * standard.views * standard.frozen_share
    assert trio - features == pytest.approx((alone - features) * (2 * 3 + 1))
    shared = estimates.amount(standard.changed({"ensemble": "trio", "folds": 2, "trunk": "shared"}), 300, 3)
    assert features < shared < trio / 2
    quick = Recipe.preset("quick")
    assert estimates.amount(quick, 300, 3) < estimates.amount(quick.changed({"ensemble": "trio"}), 300, 3) < trio


def test_what_a_person_changed_in_the_recipe_is_kept_with_the_training(session: Session, table: Path) -> None:
    wish = Wish("test.echo", table, settings={"ensemble": "trio", "keep_pictures": True})
    assert trainings.find(session.home, trainings.begin(session.home, wish).id).wish == wish


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("clinic/labels.csv", "clinic"),
        ("data/eyes 2026.xlsx", "eyes 2026"),
        ("data/Klinik M\u00fcnchen!.csv", "Klinik M-nchen"),
        ("x/???.csv", "my model"),
        ("x/starter.csv", "my model"),
    ],
)
def test_a_model_is_named_after_its_data(path: str, name: str) -> None:
    assert learners.suggested_name(Path(path)) == name
    registry.check_name(name)


def test_only_usable_plugins_that_learn_are_offered(home: Home) -> None:
    offered = {entry.id for entry in learners.learners(home)}
    assert {"test.echo", "test.trouble"} <= offered


def test_more_and_larger_patches_take_longer_and_more_cases_do_not() -> None:
    recipe = Recipe(batch_size=2, patch_side=64, iterations=100)
    assert estimates.amount_of_patches(recipe.changed({"iterations": 200})) == pytest.approx(
        2 * estimates.amount_of_patches(recipe)
    )
    assert estimates.amount_of_patches(recipe.changed({"patch_side": 128})) == pytest.approx(
        8 * estimates.amount_of_patches(recipe)
    )
    cases = tuple(Case(f"{n:016x}", Path("x"), f"p{n}", {}, n) for n in range(9))
    few, many = (Cohort(cases[:n], ("a",), "", structures=(MaskStructure("a", "A", 1),)) for n in (3, 9))
    assert estimates.amount_for(recipe, few) == estimates.amount_for(recipe, many)
