from __future__ import annotations

import pytest

from medtransfer.contract.bundle import CARD, REFERENCE, BundleLabel, ModelBundle, file_sha256, label_of
from medtransfer.contract.evaluation import (
    Confusion,
    Difference,
    Evaluation,
    Interval,
    LabelEvaluation,
    ModelEvaluation,
    Together,
)
from medtransfer.contract.recipe import Recipe
from medtransfer.errors import UserError
from medtransfer.store import models as registry
from medtransfer.store.home import Home
from medtransfer.work import planning
from medtransfer.work.dropping import drop
from tests.conftest import BundleMaker

LABELS = ("dr", "dr_referable", "rs")
FILES = ("trunk", "label-dr", "label-dr_referable", "pictures-dr", "trio-dr", "trio-rs", "trio-dr_referable")


def evaluated(label: str) -> LabelEvaluation:
    counts = Confusion(true_positive=1, false_positive=1, true_negative=1, false_negative=1)
    return LabelEvaluation(
        label=label, name=label.upper(), cases=4, positives=2, positive_patients=2, grade="none", threshold=0.5,
        metrics={"auroc": Interval(value=0.8)}, confusion=counts,
    )  # fmt: skip


@pytest.fixture
def published(home: Home, make_bundle: BundleMaker) -> ModelBundle:
    """A model of three findings, of which the last one was added later and has no networks."""
    folder = make_bundle()
    for name in (*FILES, REFERENCE.partition(".")[0]):
        (folder / f"{name}.safetensors").write_bytes(name.encode())
    bundle = ModelBundle.open(folder)
    evaluation = Evaluation(
        cases=4, patients=4, bootstrap=100, seed=1,
        models=[ModelEvaluation(model="tuned", description="", labels=[evaluated(label) for label in LABELS])],
        differences=[Difference(label=label, metric="auroc", difference=Interval(value=0.1)) for label in LABELS],
        together=[Together(labels=("dr", "dr_referable"), both=1, cases=4)],
        verdict=["Of 3 labels ...", "DR: good.", "DR_REFERABLE: bad."],
    )  # fmt: skip
    card = bundle.card.model_copy(
        update={
            "labels": [
                BundleLabel(id=label, name=label.upper(), file="" if label == "rs" else f"label-{label}.safetensors")
                for label in LABELS
            ],
            "files": {path.name: file_sha256(path) for path in folder.iterdir() if path.name != CARD},
            "evaluation": evaluation,
            "extra": {"training": {label: {"support": []} for label in LABELS}},
        }
    )
    (folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    model = registry.publish(home, folder, "eyes")
    planning.split_file(home, model.open()).parent.mkdir(parents=True, exist_ok=True)
    planning.split_file(home, model.open()).write_text("{}", encoding="utf-8")
    return model.open()


def test_nothing_of_the_finding_is_left_and_the_rest_is_as_it_was(home: Home, published: ModelBundle) -> None:
    model = drop(home, "eyes", ["dr"])
    bundle = model.open()
    bundle.verify()
    assert model.reference == "eyes@2"
    assert {path.name for path in bundle.folder.iterdir()} - {CARD} == set(bundle.card.files)
    gone = {f"{name}-dr.safetensors" for name in ("label", "pictures", "trio")}
    assert set(published.card.files) - set(bundle.card.files) == gone
    assert bundle.card.files.items() <= published.card.files.items()
    assert [label.id for label in bundle.card.labels] == ["dr_referable", "rs"]
    assert set(bundle.card.extra["training"]) == {"dr_referable", "rs"}
    assert bundle.card.parent == published.sha256
    evaluation = bundle.card.evaluation
    assert evaluation is not None
    assert [label.label for label in evaluation.of("tuned").labels] == ["dr_referable", "rs"]
    assert [entry.label for entry in evaluation.differences] == ["dr_referable", "rs"]
    assert evaluation.together == []
    assert evaluation.verdict == ["Without DR; what is left answers as before.", "DR_REFERABLE: bad."]
    assert planning.split_file(home, bundle).exists()


def test_a_network_that_tells_familiar_pictures_takes_that_along(home: Home, published: ModelBundle) -> None:
    """Where whole networks were tuned, the first finding's network makes the features that pictures are told by."""
    assert REFERENCE in drop(home, "eyes", ["dr"]).open().card.files
    card = published.card.model_copy(update={"recipe": Recipe(tune="all")})
    (published.folder / CARD).write_text(card.model_dump_json(), encoding="utf-8")
    whole = registry.publish(home, published.folder, "whole")
    assert REFERENCE in drop(home, whole.reference, ["rs"]).open().card.files
    without = drop(home, whole.reference, ["dr"]).open().card
    assert REFERENCE not in without.files
    assert "no longer told" in without.notes[-1]


@pytest.mark.parametrize(
    ("labels", "code"),
    [(["dme"], "dropping.unknown"), (["dr", "dr_referable"], "dropping.all"), (LABELS, "dropping.all")],
)
@pytest.mark.usefixtures("published")
def test_what_cannot_be_dropped_is_refused(home: Home, labels: list[str], code: str) -> None:
    with pytest.raises(UserError) as caught:
        drop(home, "eyes", labels)
    assert caught.value.code == code
    assert len(registry.list_models(home)) == 1


def test_only_files_of_one_label_name_it() -> None:
    assert label_of("trio-dr_referable.safetensors") == "dr_referable"
    assert label_of("trunk.safetensors") == ""


def test_the_original_stays(home: Home, published: ModelBundle) -> None:
    drop(home, "eyes", ["dr"], "fewer")
    assert registry.find(home, "eyes").sha256 == published.sha256
    assert registry.find(home, "fewer").version == 1
