"""A finding is added to a trio from a handful of pictures, and everything else stays as it was."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow

from medtransfer import study
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.requests import LearnRequest
from medtransfer.errors import UserError
from medtransfer.result.model import Finding, Result
from medtransfer.transfer import support, trio_files
from tests.transfer import small
from tests.transfer.small import PlainContext, Small

HANDFUL = 7


def picture(generator: np.random.Generator, *, green: bool) -> np.ndarray:
    pixels = generator.normal(80, 25, (48, 50, 3))
    pixels[12:36, 12:36, 1] += 70 * green
    return pixels.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def handful(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A table of seven pictures with a green middle and nine without, each of a patient of its own."""
    folder, generator = tmp_path_factory.mktemp("handful"), np.random.default_rng(5)
    with (folder / "labels.csv").open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["image", "patient", "green"])
        for number in range(16):
            Pillow.fromarray(picture(generator, green=number < HANDFUL)).save(folder / f"{number}.png")
            writer.writerow([f"{number}.png", f"g{number}", int(number < HANDFUL)])
    return folder / "labels.csv"


def add(table: Path, parent: ModelBundle, ctx: PlainContext, **changes: Any) -> ModelBundle:
    cases, _ = small.read(table)
    request = LearnRequest(
        name="more", recipe=parent.card.for_answers.changed(changes), labels=list(cases.labels),
        keeps=[label.id for label in parent.card.labels], parent=str(parent.folder),
    )  # fmt: skip
    return Small().learn(cases, dict.fromkeys((case.key for case in cases.cases), "train"), request, ctx)


@pytest.fixture(scope="module")
def added(handful: Path, trio_model: ModelBundle, tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    return add(handful, trio_model, PlainContext(tmp_path_factory.mktemp("added")))


def analysed(bundle: ModelBundle, path: Path, ctx: PlainContext, **wishes: Any) -> Result:
    return Small().analyse(study.open(path)[0].series[0].image(), bundle, small.request(bundle, **wishes), ctx)


def finding(result: Result, label: str) -> Finding:
    return next(one for one in result.findings if one.label == label)


def test_what_the_model_answered_before_stays_as_it_is(
    added: ModelBundle, trio_model: ModelBundle, many: Path, tmp_path: Path
) -> None:
    added.verify()
    own = set(added.card.files) - set(trio_model.card.files)
    assert trio_model.card.files.items() <= added.card.files.items()
    assert own == {trio_files.trio_file("green"), support.pictures_file("green")}
    assert added.card.parent == trio_model.sha256
    before, after = (analysed(bundle, many.parent / "3R.png", PlainContext(tmp_path)) for bundle in (trio_model, added))
    for label in small.LABELS:
        assert finding(after, label).probability == pytest.approx(finding(before, label).probability, abs=1e-6)


def test_the_new_finding_is_told_apart_in_pictures_that_it_has_not_seen(added: ModelBundle, tmp_path: Path) -> None:
    generator, said = np.random.default_rng(99), []
    plugin, ctx = Small(), PlainContext(tmp_path)
    for number in range(12):
        Pillow.fromarray(picture(generator, green=number % 2 == 0)).save(tmp_path / "new.png")
        image = study.open(tmp_path / "new.png")[0].series[0].image()
        wishes = {"explain": [], "uncertainty": False}
        said.append(finding(plugin.analyse(image, added, small.request(added, **wishes), ctx), "green").probability)
    assert min(said[::2]) > max(said[1::2])


def test_its_cases_its_map_and_what_it_was_learnt_from_are_told(
    added: ModelBundle, handful: Path, tmp_path: Path
) -> None:
    result = analysed(added, handful.parent / "0.png", PlainContext(tmp_path), explain=["green"])
    shown = finding(result, "green")
    assert [one.info.label for one in result.heatmaps] == ["green"]
    keys = {case.key for case in small.read(handful)[0].cases if case.labels["green"] == 1}
    assert {one.case for one in shown.similar} <= keys
    assert set(result.pictures) >= {one.case for one in shown.similar}, "the model keeps pictures, so also these"
    label = added.card.labels[-1]
    assert (label.id, label.positives, label.negatives, label.file) == ("green", HANDFUL, 16 - HANDFUL, "")
    assert "7 cases with it" in added.card.notes[-1]


def test_its_figures_are_those_of_cases_left_out(added: ModelBundle, trio_model: ModelBundle) -> None:
    evaluation, before = added.card.evaluation, trio_model.card.evaluation
    assert evaluation is not None
    assert before is not None
    tuned = evaluation.of("tuned").labels
    assert tuned[:-1] == before.of("tuned").labels
    assert (tuned[-1].label, tuned[-1].cases, tuned[-1].grade) == ("green", 16, "none")
    assert tuned[-1].metrics["auroc"].value > 0.8
    assert all(model.labels[-1].label == "green" for model in evaluation.models)
    assert len(evaluation.models) == len(before.models)
    assert "leaving patients out" in evaluation.verdict[-1]


def test_a_finding_that_was_added_can_be_learnt_anew_from_the_model(
    added: ModelBundle, handful: Path, tmp_path: Path
) -> None:
    again = small.learn(handful, PlainContext(tmp_path), ("green",), parent=added, **small.TRIO)
    assert again.card.parent == added.sha256
    assert again.card.labels[0].file, "now it has networks of its own"


def test_only_a_trio_can_be_added_to(handful: Path, trained: ModelBundle, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="this model is none") as caught:
        add(handful, trained, PlainContext(tmp_path))
    assert caught.value.code == "model.not-trio"
