from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from medtransfer import study
from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import InternalError
from medtransfer.result import reading, writing
from medtransfer.transfer import trio, trio_files, trio_learning
from medtransfer.transfer.folds import Fold
from medtransfer.transfer.prepared import PictureFolder
from medtransfer.transfer.publication import label_file
from medtransfer.transfer.trio_answering import TrioAnswerer
from medtransfer.transfer.trio_learning import TrioLearning
from tests.transfer import small
from tests.transfer.small import PlainContext, Small

pytestmark = pytest.mark.usefixtures("few_trees")


def facts(ctx: PlainContext, label: str) -> dict[str, dict[str, dict[str, float]]]:
    found: dict[str, dict[str, dict[str, float]]] = json.loads(
        (ctx.checkpoints / label_file(label)).with_suffix(".json").read_text()
    )
    return found


def test_every_combination_is_judged_on_the_same_cases(trio_model: ModelBundle) -> None:
    evaluation = trio_model.card.evaluation
    assert evaluation is not None
    rows = {(row.label, row.combination): row for row in evaluation.ablation}
    assert all(row.answers == (row.combination == "A+B+C") for row in evaluation.ablation)
    assert set(rows) == {(label, name) for label in small.LABELS for name in trio.COMBINATIONS}
    for label in evaluation.of("tuned").labels:
        own = rows[label.label, "A+B+C"]
        assert own.auroc is not None
        assert own.auroc.value == pytest.approx(label.metrics["auroc"].value, abs=0.02)
        assert own.answer_minus_this is not None
        assert own.answer_minus_this.value == 0.0
    assert trio_model.card.extra["training"]["bright"]["answered_by"] == "A+B+C"
    assert trio_model.card.extra["training"]["bright"]["shared_learnt"]


@pytest.mark.parametrize("tune", ["head", "last-stages", "all"])
def test_the_stored_trio_answers_as_the_training_said(pictures: Path, tmp_path: Path, tune: str) -> None:
    ctx = PlainContext(tmp_path / "learn")
    bundle = small.learn(pictures, ctx, **{**small.TRIO, "tune": tune})
    answerer = TrioAnswerer.load(bundle, ctx)
    card = bundle.card.for_pictures
    folder = PictureFolder(tmp_path, lambda case: Small().open_case(case, card), card, Small.augmentation)
    cases = small.read(pictures)[0].cases[:12]
    folder.fill(cases, lambda _: None)
    logits = answerer.answer(folder.batch([case.key for case in cases], 0))[1]
    for index, label in enumerate(small.LABELS):
        said = facts(ctx, label)["logits"]["tuned"]
        # Cached maps are float16; a vote can jump where a number lies on a tree's threshold, so most must agree.
        apart = np.abs(logits[:, index] - [said[case.key] for case in cases])
        assert np.median(apart) < 0.02
        assert apart.max() < 1.0


def test_what_learners_learn_from_is_out_of_fold(many: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every component that answers a training case for the learners was trained without its patient."""
    seen: list[tuple[set[str], set[str]]] = []
    trained: list[set[str]] = []
    components, numbers = TrioLearning._components, trio_learning._Components.numbers
    cohort = small.read(many)[0]

    def watch_training(self, label, fold, train):  # type: ignore[no-untyped-def]
        trained.append({case.patient for case in self._cohort.cases if case.key in set(train.keys)})
        disease = set(self._train_keys(fold))
        trained[-1] |= {case.patient for case in self._cohort.cases if case.key in disease}
        return components(self, label, fold, train)

    def watch_answers(self, keys):  # type: ignore[no-untyped-def]
        seen.append((trained[-1], {case.patient for case in cohort.cases if case.key in set(keys)}))
        return numbers(self, keys)

    monkeypatch.setattr(TrioLearning, "_components", watch_training)
    monkeypatch.setattr(trio_learning._Components, "numbers", watch_answers)
    small.learn(many, PlainContext(tmp_path), ("bright",), **small.TRIO)
    of_folds = seen[:-1]
    assert len(of_folds) == small.TRIO["folds"]
    assert all(not (learnt & answered) for learnt, answered in of_folds)
    everybody = set.union(*(answered for _, answered in of_folds))
    assert everybody == trained[0], "each training patient was answered once"


def test_the_same_patient_in_two_folds_is_refused(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The two pictures of each patient go to different folds: no case is answered by itself, but by its patient."""

    def leaking(labels: np.ndarray, patients: np.ndarray, *_: object) -> list[Fold]:
        first = np.array(
            [position == np.flatnonzero(patients == patient)[0] for position, patient in enumerate(patients)]
        )
        one, other = np.flatnonzero(first), np.flatnonzero(~first)
        return [Fold(one, other), Fold(other, one)]

    monkeypatch.setattr("medtransfer.transfer.folds.shared", leaking)
    with pytest.raises(InternalError, match="learnt from") as caught:
        small.learn(pictures, PlainContext(tmp_path), ("bright",), **small.TRIO)
    assert caught.value.code == "folds.leak"
    assert not any((tmp_path / "output").iterdir())


def test_few_positive_cases_are_answered_by_the_siamese_component(pictures: Path, tmp_path: Path) -> None:
    bundle = small.learn(pictures, PlainContext(tmp_path), ("red",), **small.TRIO)
    assert bundle.card.labels[0].positives < trio.RARE
    assert bundle.card.extra["training"]["red"]["answered_by"] == "C"
    rows = {row.combination for row in bundle.card.evaluation.ablation} if bundle.card.evaluation else set()
    assert {"A", "B", "C"} <= rows

    image = study.open(pictures.parent / "3L.png")[0].series[0].image()
    result = Small().analyse(image, bundle, small.request(bundle, explain=["red"]), PlainContext(tmp_path / "analyse"))
    assert [(entry.info.part, entry.info.method) for entry in result.heatmaps] == [
        ("", "Grad-CAM of the likeness to confirmed cases")
    ], "A and B have no part in this answer"
    assert [part.name for part in result.findings[0].contributions if part.kind == "component"] == [
        "C: nearest confirmed cases"
    ]


def test_it_goes_on_where_it_was_stopped_with_the_same_model(
    many: Path, trio_model: ModelBundle, tmp_path: Path
) -> None:
    stopped = PlainContext(tmp_path)

    def interrupt() -> None:
        if any("red: part 1" in stage for _, stage, _ in stopped.told):
            raise JobCancelled

    stopped.interrupt = interrupt
    with pytest.raises(JobCancelled):
        small.learn(many, stopped, keep_pictures=True, **small.TRIO)
    stopped.interrupt = lambda: None
    again = small.learn(many, stopped, keep_pictures=True, **small.TRIO)
    assert {name: file_sha256(again.folder / name) for name in again.card.files} == trio_model.card.files


def test_a_finding_tells_its_parts_and_the_cases_most_alike(
    trio_model: ModelBundle, many: Path, tmp_path: Path
) -> None:
    image = study.open(many.parent / "1L.png")[0].series[0].image()
    ctx = PlainContext(tmp_path)
    result = Small().analyse(image, trio_model, small.request(trio_model, explain=["all"]), ctx)
    bright = result.findings[0]
    components = [part for part in bright.contributions if part.kind == "component"]
    learners = [part for part in bright.contributions if part.kind == "learner"]
    assert len(components) == 3
    assert len(learners) == 5
    assert all(part.contribution is not None and abs(part.contribution) <= 1 for part in components)
    assert all(part.probability is not None and part.contribution is not None for part in learners)
    surest = max(learners, key=lambda part: part.probability or 0.0)
    least = min(learners, key=lambda part: part.probability or 0.0)
    assert (surest.contribution or 0.0) >= 0 >= (least.contribution or 0.0), "a vote pulls towards what it says"
    cases = {case.key: case for case in small.read(many)[0].cases}
    assert len(bright.similar) == 3
    assert all(cases[one.case].labels["bright"] == 1 for one in bright.similar), "confirmed cases of this finding"
    distances = [one.distance for one in bright.similar]
    assert distances == sorted(distances)
    wholes = [heatmap.info for heatmap in result.heatmaps if not heatmap.info.part]
    assert wholes
    assert {info.method for info in wholes} == {"Grad-CAM, mean of both networks"}
    for info in wholes:
        positive = next(finding.positive for finding in result.findings if finding.label == info.label)
        maps = {heatmap.info.part: heatmap for heatmap in result.heatmaps if heatmap.info.label == info.label}
        assert list(maps) == (["", "a", "b"] if positive else [""])
        if positive:
            mean = maps["a"].array + maps["b"].array
            assert np.allclose(maps[""].array, mean / mean.max(), atol=0.02)
            assert info.faithfulness is not None
            assert maps["a"].info.faithfulness is None
    writing.write(result, tmp_path / "result")
    again = reading.read(tmp_path / "result")
    assert [one.picture for one in again.findings[0].similar] == [f"similar-{one.case}.png" for one in bright.similar]
    assert again.pictures.keys() == result.pictures.keys()
    assert all(pixels.shape == (128, 128, 3) for pixels in again.pictures.values())


def test_pictures_of_people_go_along_only_when_asked(pictures: Path, tmp_path: Path) -> None:
    bundle = small.learn(pictures, PlainContext(tmp_path), ("bright",), **small.TRIO)
    assert not any(name.startswith("pictures") for name in bundle.card.files)
    image = study.open(pictures.parent / "1L.png")[0].series[0].image()
    result = Small().analyse(image, bundle, small.request(bundle), PlainContext(tmp_path / "analyse"))
    assert result.pictures == {}
    assert [one.picture for one in result.findings[0].similar] == [""] * 3


def test_labels_share_what_does_not_depend_on_them(trio_model: ModelBundle) -> None:
    sizes = {name: (trio_model.folder / name).stat().st_size for name in trio_model.card.files}
    shared = sizes["trunk.safetensors"] + sizes[trio_files.DISEASE]
    own = sizes[trio_files.second_file("red")]
    assert own < 0.1 * shared, "component B of a label adds a last layer to what is shared"


@pytest.mark.parametrize("trunk", ["own", "shared"])
def test_the_bar_never_goes_back_and_what_goes_into_the_model_has_its_curves(
    pictures: Path, tmp_path: Path, trunk: str
) -> None:
    ctx = PlainContext(tmp_path)
    small.learn(pictures, ctx, **{**small.TRIO, "trunk": trunk, "tune": "last-stages", "epochs": 2, "patience": 2})
    trained = [(fraction, stage, values) for fraction, stage, values in ctx.told if "epoch" in stage]
    assert [fraction for fraction, _, _ in trained] == sorted(fraction for fraction, _, _ in trained)
    drawn = {stage.partition(":")[0] for _, stage, values in trained if "loss" in values}
    own = {line for label in small.LABELS for line in (label, f"{label}, from all")} if trunk == "own" else set()
    assert drawn == {"what all findings share", *own}
    assert not any("left out" in line for line in drawn)
    assert sum("part 1 of" in stage for _, stage, _ in trained) == 2 * len(drawn)
