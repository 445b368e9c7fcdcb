from __future__ import annotations

from typing import Any

from medtransfer.contract.bundle import BundleCard, BundleLabel, DataStatement, Preprocessing
from medtransfer.contract.recipe import Recipe
from medtransfer.work.report import learning_sections


def card(labels: list[BundleLabel], training: dict[str, Any]) -> BundleCard:
    return BundleCard(
        name="eyes", plugin="test.eyes", plugin_version="1", created="", labels=labels, backbone="resnet18",
        preprocessing=Preprocessing(size=64, mean=(0, 0, 0), std=(1, 1, 1)), recipe=Recipe(), weights=[],
        data=DataStatement(fingerprint="", split_sha256="", cases=1, patients=1, train=1, validation=0, test=0),
        versions={}, seed=1, extra={"training": training},
    )  # fmt: skip


def test_every_finding_tells_its_cases_and_what_answers_it() -> None:
    labels = [
        BundleLabel(id="dr", name="Retinopathy", positives=1376, negatives=544),
        BundleLabel(id="rp", name="Pigment <disease>", positives=6, negatives=1914),
    ]
    training = {"dr": {"answered_by": "A+B+C", "seconds": 12.4}, "rp": {"answered_by": "C"}}
    (shown,) = learning_sections.sections(card(labels, training))
    for said in ("1,376", "544", "three components together", "12 s", "Pigment &lt;disease&gt;", ">6<", "too few"):
        assert said in shown


def test_a_single_network_needs_no_words_about_components() -> None:
    (shown,) = learning_sections.sections(card([BundleLabel(id="dr", name="DR", positives=3, negatives=4)], {}))
    assert "Answered by" not in shown
    assert "Learnt in" not in shown


def test_a_card_without_numbers_says_nothing() -> None:
    assert learning_sections.sections(card([BundleLabel(id="dr", name="DR")], {})) == []
