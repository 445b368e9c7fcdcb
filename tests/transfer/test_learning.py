from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from medtransfer.contract.bundle import ModelBundle, file_sha256
from medtransfer.contract.verbs import JobCancelled
from medtransfer.errors import DataError
from medtransfer.sdk import Case
from medtransfer.transfer import bundles, fit, weights
from medtransfer.transfer.answering import Answerer
from medtransfer.transfer.fit import LabelTask, Progress
from medtransfer.transfer.prepared import PictureFolder
from medtransfer.transfer.publication import label_file
from tests.transfer import small
from tests.transfer.small import PlainContext, Small


def label_sums(bundle: ModelBundle) -> dict[str, str]:
    return {label.id: file_sha256(bundle.folder / label.file) for label in bundle.card.labels}


def stored_logits(ctx: PlainContext, label: str, model: str) -> dict[str, float]:
    """What a training kept about every case: its logits, by case key."""
    facts = json.loads((ctx.checkpoints / label_file(label)).with_suffix(".json").read_text())
    found: dict[str, float] = facts["logits"][model]
    return found


def answers(bundle: ModelBundle, cases: list[Case], folder: Path, label: str) -> dict[str, float]:
    """The logits that a bundle gives for these cases when it is opened for analysis."""
    answerer = Answerer.load(bundle, PlainContext(folder))
    index = [own.id for own in bundle.card.labels].index(label)
    found = {}
    for case in cases:
        unit = PictureFolder(
            folder,
            lambda c: Small().open_case(c, bundle.card.for_pictures),
            bundle.card.for_pictures,
            Small.augmentation,
        )
        unit.fill([case], lambda _: None)
        found[case.key] = float(answerer.answer(unit.batch([case.key], 0))[1][0, index])
    return found


def assert_same(one: dict[str, float], other: dict[str, float], tolerance: float) -> None:
    assert one.keys() == other.keys()
    assert max(abs(one[key] - other[key]) for key in one) < tolerance


def test_the_bundle_tells_how_it_came_about(trained: ModelBundle, pictures: Path) -> None:
    card = trained.card
    cohort, split = small.read(pictures)
    assert [label.id for label in card.labels] == ["bright", "red"]
    train = [case for case in cohort.cases if split[case.key] == "train"]
    for label in card.labels:
        known = [case.labels[label.id] for case in train]
        assert (label.positives, label.negatives) == (known.count(1), known.count(0))
    assert card.labels[1].positives + card.labels[1].negatives < len(train)
    assert (card.data.cases, card.data.patients, card.data.fingerprint) == (48, 24, cohort.fingerprint)
    assert (card.data.train, card.data.validation + card.data.test) == (len(train), 48 - len(train))
    assert card.for_pictures.crop == Small.crop
    assert card.versions["torch"] == torch.__version__
    assert card.evaluation is not None
    tuned = card.evaluation.models[0]
    assert tuned.labels[0].metrics["auroc"].value > 0.5
    for training in card.extra["training"].values():
        assert training["best_epoch"] > 0, "nothing learnt: the tests below would compare untuned models"
        assert len(training["history"]) == training["epochs"] + 1
        assert set(training["weight_randomisation"]) == {"layers", "similarity", "explained"}
    text = (trained.folder / "model.json").read_text()
    assert not any(case.patient in text.split('"') for case in cohort.cases)
    assert str(pictures.parent) not in text


@pytest.mark.parametrize("tune", ["head", "last-stages", "all"])
def test_labels_are_independent(pictures: Path, tmp_path: Path, tune: str) -> None:
    together = small.learn(pictures, PlainContext(tmp_path / "both"), tune=tune)
    alone = {
        label: small.learn(pictures, PlainContext(tmp_path / label), (label,), tune=tune) for label in small.LABELS
    }
    assert label_sums(together) == {label: label_sums(bundle)[label] for label, bundle in alone.items()}
    assert len(set(label_sums(together).values())) == 2


def test_the_published_way_of_training_takes_its_course(pictures: Path, tmp_path: Path) -> None:
    """RandAugment and dropped paths in every step, and a model that answers without either."""
    published: dict[str, Any] = {"tune": "all", "augmentation": "randaugment", "drop_path": 0.2, "layer_decay": 0.55}
    ctx = PlainContext(tmp_path / "published")
    bundle = small.learn(pictures, ctx, ("bright",), **published, epochs=2)
    again = small.learn(pictures, PlainContext(tmp_path / "again"), ("bright",), **published, epochs=2)
    assert label_sums(again) == label_sums(bundle)
    plain = small.learn(pictures, PlainContext(tmp_path / "plain"), ("bright",), tune="all", layer_decay=0.55, epochs=2)
    assert label_sums(plain) != label_sums(bundle)
    cases = list(small.read(pictures)[0].cases)
    assert_same(stored_logits(ctx, "bright", "tuned"), answers(bundle, cases, tmp_path / "answers", "bright"), 1e-2)


@pytest.mark.parametrize("tune", ["head", "last-stages", "all"])
def test_the_stored_model_answers_as_the_training_said(pictures: Path, tmp_path: Path, tune: str) -> None:
    ctx = PlainContext(tmp_path / "learn")
    bundle = small.learn(pictures, ctx, tune=tune)
    cases = list(small.read(pictures)[0].cases)
    for label in small.LABELS:
        # Cached maps are float16, of which a logit of about 1 shows some thousandths at most.
        assert_same(stored_logits(ctx, label, "tuned"), answers(bundle, cases, tmp_path / label, label), 1e-2)


def test_training_changes_the_answers(pictures: Path, tmp_path: Path) -> None:
    ctx = PlainContext(tmp_path)
    small.learn(pictures, ctx)
    moved, before = stored_logits(ctx, "red", "tuned"), stored_logits(ctx, "red", "untuned")
    assert max(abs(moved[key] - before[key]) for key in moved) > 0.05


class StopAt:
    """Stops a training when it has told a stage so many times."""

    def __init__(self, ctx: PlainContext, stage: str, times: int) -> None:
        self._ctx, self._stage, self._times = ctx, stage, times

    def __call__(self) -> None:
        if sum(self._stage in stage for _, stage, _ in self._ctx.told) >= self._times:
            raise JobCancelled


@pytest.mark.parametrize(
    ("stage", "times"),
    [("preparing", 20), ("frozen part", 30), ("bright: epoch", 1), ("bright: epoch", 3), ("red: epoch", 2)],
)
def test_a_stopped_learning_goes_on_to_the_same_model(
    pictures: Path, tmp_path: Path, trained: ModelBundle, stage: str, times: int
) -> None:
    ctx = PlainContext(tmp_path)
    ctx.interrupt = StopAt(ctx, stage, times)
    with pytest.raises(JobCancelled):
        small.learn(pictures, ctx)
    assert not any(ctx.output.iterdir())
    resumed = small.learn(pictures, PlainContext(tmp_path))
    assert resumed.card.files == trained.card.files
    assert resumed.card.evaluation == trained.card.evaluation
    assert resumed.card.extra == trained.card.extra


def test_a_finished_label_is_not_trained_again(pictures: Path, tmp_path: Path) -> None:
    ctx = PlainContext(tmp_path)
    first = small.learn(pictures, ctx)
    again = PlainContext(tmp_path)
    assert label_sums(small.learn(pictures, again)) == label_sums(first)
    assert not any("epoch" in stage for _, stage, _ in again.told)


def test_labels_with_the_names_of_our_files_do_no_harm(pictures: Path, tmp_path: Path) -> None:
    table = tmp_path / "pictures" / "labels.csv"
    shutil.copytree(pictures.parent, table.parent)
    table.write_text(table.read_text().replace("bright,red", "trunk,reference"))
    bundle = small.learn(table, PlainContext(tmp_path / "ctx"), ("trunk", "reference"))
    bundle.verify()
    Answerer.load(bundle, PlainContext(tmp_path / "ctx"))


def test_a_parents_answers_are_the_untuned_model(pictures: Path, tmp_path: Path, trained: ModelBundle) -> None:
    ctx = PlainContext(tmp_path)
    child = small.learn(pictures, ctx, parent=trained)
    cases = list(small.read(pictures)[0].cases)
    for label in small.LABELS:
        assert_same(stored_logits(ctx, label, "untuned"), answers(trained, cases, tmp_path / label, label), 1e-2)
    assert child.card.parent == trained.sha256
    assert child.card.evaluation is not None
    assert trained.card.evaluation is not None
    before = {label.label: label.threshold for label in trained.card.evaluation.models[0].labels}
    after = {label.label: label.threshold for label in child.card.evaluation.models[1].labels}
    assert after == before


def test_a_new_label_beside_an_old_one(pictures: Path, tmp_path: Path) -> None:
    parent = small.learn(pictures, PlainContext(tmp_path / "parent"), ("bright",))
    ctx = PlainContext(tmp_path / "child")
    child = small.learn(pictures, ctx, ("red", "bright"), parent=parent)
    assert [label.id for label in child.card.labels] == ["red", "bright"]
    cases = list(small.read(pictures)[0].cases)
    assert_same(stored_logits(ctx, "bright", "untuned"), answers(parent, cases, tmp_path / "a", "bright"), 1e-2)
    for label in small.LABELS:
        assert_same(stored_logits(ctx, label, "tuned"), answers(child, cases, tmp_path / f"b{label}", label), 1e-2)
    assert file_sha256(child.folder / bundles.TRUNK) == file_sha256(parent.folder / bundles.TRUNK)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_labels_keep_what_a_parent_tuned_below_the_cut(pictures: Path, tmp_path: Path, runtime: str) -> None:
    parent = small.learn(pictures, PlainContext(tmp_path / "parent"), tune="all", learning_rate=0.01)
    ctx = PlainContext(tmp_path / "child", runtime="openvino" if runtime == "openvino" else "torch")
    child = small.learn(pictures, ctx, parent=parent, tune="head", epochs=1)
    stems = [weights.load(parent.folder / label_file(label))["conv_stem.weight"] for label in small.LABELS]
    assert not torch.equal(*stems)
    assert torch.equal(weights.load(child.folder / bundles.TRUNK)["conv_stem.weight"], stems[0])
    assert torch.equal(weights.load(child.folder / label_file("red"))["conv_stem.weight"], stems[1])
    cases = list(small.read(pictures)[0].cases)
    for label in small.LABELS:
        assert_same(stored_logits(ctx, label, "tuned"), answers(child, cases, tmp_path / label, label), 1e-2)


def test_frozen_features_are_shared_by_labels_and_trainings(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ctx = PlainContext(tmp_path / "a")
    small.learn(pictures, ctx)
    assert len(list(ctx.cache.glob("features-*"))) == 1
    again = PlainContext(tmp_path / "b")
    shutil.copytree(ctx.cache, again.cache, dirs_exist_ok=True)
    monkeypatch.setattr(Small, "open_case", lambda *_: pytest.fail("a picture was prepared again"))
    small.learn(pictures, again, learning_rate=2e-3)
    assert len(list(again.cache.glob("features-*"))) == 1


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda split, labels: 1 if split == "train" else labels["bright"], "learn.one-class"),
        (lambda split, labels: None if split == "validation" else labels["bright"], "learn.no-cases"),
        (lambda split, labels: None if split == "test" else labels["bright"], "learn.no-cases"),
    ],
    ids=["train of one class", "validation unknown", "test unknown"],
)
def test_a_label_that_cannot_be_learnt_is_named_before_anything_is_computed(
    pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: object, code: str
) -> None:
    assert callable(change)
    cases, split = small.read(pictures)
    for case in cases.cases:
        assert isinstance(case.labels, dict)
        case.labels["red"] = change(split[case.key], case.labels)
    monkeypatch.setattr(small, "read", lambda _: (cases, split))
    ctx = PlainContext(tmp_path)
    with pytest.raises(DataError) as caught:
        small.learn(pictures, ctx)
    assert caught.value.code == code
    assert "'red'" in caught.value.message
    assert ctx.told == []


def test_unknown_labels_take_no_part(pictures: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: dict[str, LabelTask] = {}
    original = fit.fit

    def noted(task: LabelTask, *rest: Any) -> Progress:
        given[task.label] = task
        return original(task, *rest)

    monkeypatch.setattr(fit, "fit", noted)
    small.learn(pictures, PlainContext(tmp_path))
    cases, split = small.read(pictures)
    for label, task in given.items():
        for labelled, partition in ((task.train, "train"), (task.validation, "validation")):
            expected = {
                case.key: case.labels[label]
                for case in cases.cases
                if split[case.key] == partition and case.labels[label] is not None
            }
            assert dict(zip(labelled.keys, labelled.truth.astype(int), strict=True)) == expected
    assert len(given["red"].train.keys) < len(given["bright"].train.keys)


@pytest.mark.parametrize("runtime", ["torch", "openvino"])
def test_both_runtimes_learn_alike(pictures: Path, tmp_path: Path, trained: ModelBundle, runtime: str) -> None:
    ctx = PlainContext(tmp_path, runtime="openvino" if runtime == "openvino" else "torch")
    bundle = small.learn(pictures, ctx)
    history = bundle.card.extra["training"]["red"]["history"]
    expected = trained.card.extra["training"]["red"]["history"]
    for mine, theirs in zip(history, expected, strict=True):
        assert mine["log_loss"] == pytest.approx(theirs["log_loss"], abs=1e-2)


def test_progress_only_rises(pictures: Path, tmp_path: Path) -> None:
    ctx = PlainContext(tmp_path)
    small.learn(pictures, ctx)
    shares = [share for share, _, _ in ctx.told]
    assert np.all(np.diff(shares) >= 0)
    assert 0 <= shares[0] <= shares[-1] <= 1
    assert any(values.get("loss", 0) > 0 for _, _, values in ctx.told)
