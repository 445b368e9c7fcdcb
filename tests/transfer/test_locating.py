"""Heat maps of a trained model against boxes in test cases."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from medtransfer import cohort
from medtransfer.cohort.model import Case, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.evaluation import Localisation
from medtransfer.contract.requests import LearnRequest
from medtransfer.inference.localisation import THRESHOLDS, Overlap
from medtransfer.result.model import HeatmapInfo
from medtransfer.study.model import Image
from medtransfer.transfer import locating
from medtransfer.transfer.locating import CENTRE, CHANCE, Compared, MapOf
from tests.transfer.small import MANIFEST, RECIPE, PlainContext, Small, write_pictures

SHARE = 24 * 24 / (48 * 50)
"""Of a picture that the box around its red part covers."""


def _compared(method: str, patient: str, hit: float, iou: float, best: int = 9) -> Compared:
    overlaps = np.zeros(len(THRESHOLDS))
    overlaps[best] = iou
    return Compared("mass", method, patient, Overlap(hit, overlaps, 0.2))


def test_figures_are_means_over_maps_at_the_threshold_that_suits_them_best() -> None:
    one, other, third = (
        _compared("Grad-CAM", "p1", 1.0, 0.6),
        _compared("Grad-CAM", "p2", 0.0, 0.2),
        _compared("Grad-CAM", "p3", 0.5, 0.3, best=20),
    )
    (found,) = locating.summarised([one, other, third], 200, seed=1)
    assert (found.label, found.method, found.maps, found.patients) == ("mass", "Grad-CAM", 3, 3)
    assert found.pointing.value == pytest.approx(0.5)
    assert found.iou.value == pytest.approx(0.8 / 3)
    assert found.threshold == pytest.approx(0.10)
    assert found.iou_quarter == pytest.approx(1 / 3)
    assert found.pointing.low is not None
    assert found.pointing.low < 0.5


def test_maps_of_one_patient_are_drawn_together() -> None:
    alone = [_compared("Grad-CAM", f"p{n}", float(n % 2), 0.3) for n in range(8)]
    twins = [_compared("Grad-CAM", f"p{n % 2}", float(n % 2), 0.3) for n in range(8)]
    (wide,), (wider,) = (locating.summarised(some, 400, seed=1) for some in (alone, twins))
    assert wide.pointing.value == wider.pointing.value == 0.5
    assert wider.pointing.low == 0.0
    assert wide.pointing.low is not None
    assert wide.pointing.low > 0.1


def test_a_share_of_nothing_has_an_interval_too() -> None:
    (found,) = locating.summarised([_compared("Grad-CAM", f"p{n}", 0.0, 0.1) for n in range(10)], 100, seed=1)
    assert found.pointing.value == found.pointing.low == 0.0
    assert found.pointing.high == pytest.approx(1 - 0.025 ** (1 / 10))


def test_several_labels_are_also_judged_together() -> None:
    first = _compared("Grad-CAM", "p1", 1.0, 0.4)
    second = Compared("nodule", "Grad-CAM", "p2", first.overlap)
    found = locating.summarised([first, second], 100, seed=1)
    assert [(one.label, one.maps) for one in found] == [("mass", 1), ("nodule", 1), ("", 2)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelBundle:
    """Return a model of pictures whose red ones have a box around the red part."""
    folder = tmp_path_factory.mktemp("located")
    table = write_pictures(folder / "pictures")
    with table.open(encoding="utf-8", newline="") as stream:
        rows = [row for row in csv.DictReader(stream) if row["red"] == "1"]
    lines = ["image,label,left,top,width,height", *(f"{row['image']},red,12,12,24,24" for row in rows)]
    (table.parent / "boxes.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    cases = cohort.read(table)
    split = FrozenSplit.make(cases, RECIPE.validation_share, RECIPE.test_share, seed=1)
    request = LearnRequest(name="small", recipe=RECIPE, labels=["bright", "red"])
    return Small().learn(cases, split.partitions, request, PlainContext(folder / "job"))


def _of(model: ModelBundle, method: str) -> Localisation:
    assert model.card.evaluation is not None
    return next(one for one in model.card.evaluation.localisation if one.method == method)


def test_learning_measures_the_maps_where_test_cases_have_boxes(model: ModelBundle) -> None:
    model.verify()
    evaluation = model.card.evaluation
    assert evaluation is not None
    assert [(one.label, one.method) for one in evaluation.localisation] == [
        ("red", "Grad-CAM"),
        ("red", CENTRE),
        ("red", CHANCE),
    ]
    positives = next(entry.positives for entry in evaluation.of("tuned").labels if entry.label == "red")
    assert {one.maps for one in evaluation.localisation} == {positives}
    own = _of(model, "Grad-CAM")
    assert 0 <= own.iou.value <= 1
    assert own.threshold is not None


def test_guesses_that_see_no_picture_are_known_beforehand(model: ModelBundle) -> None:
    chance, centre = _of(model, CHANCE), _of(model, CENTRE)
    assert [chance.pointing.value, chance.iou.value] == pytest.approx([SHARE, SHARE])
    assert chance.threshold is None
    assert centre.pointing.value == 1.0
    assert centre.iou.value > 0.5


def test_a_map_says_how_well_its_kind_finds_things(model: ModelBundle, trained: ModelBundle) -> None:
    info = HeatmapInfo(label="red", method="Grad-CAM", layer="x", raw_maximum=1.0)
    said = locating.cautioned(info, model.card, MANIFEST).caution
    positives = _of(model, CHANCE).maps
    assert said.startswith(f"On {positives} test pictures with a drawn box its hottest point was inside in ")
    assert said.endswith("(chance 24 %, centre 100 %).")
    weak = MANIFEST.model_copy(update={"card": MANIFEST.card.model_copy(update={"maps": "They are weak."})})
    assert locating.cautioned(info, model.card, weak).caution == f"{said} They are weak."
    assert locating.cautioned(info, trained.card, weak).caution == "They are weak."
    other = info.model_copy(update={"method": "Attention rollout"})
    assert locating.cautioned(other, model.card, MANIFEST).caution == ""


def test_without_boxes_nothing_is_loaded_or_changed(trained: ModelBundle, pictures: Path, tmp_path: Path) -> None:
    def opened(_case: Case) -> Image:
        raise AssertionError("no picture is to be opened")

    def maps() -> MapOf:
        raise AssertionError("no model is to be loaded")

    cases = cohort.read(pictures)
    split: dict[str, Partition] = {case.key: "test" for case in cases.cases}
    assert locating.with_localisation(trained, cases, split, opened, maps, PlainContext(tmp_path)) is trained
