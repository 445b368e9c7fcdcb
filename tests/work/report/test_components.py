"""What a report says of the components of a trio."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from medtransfer.contract.evaluation import Ablation, Evaluation, Interval, LabelEvaluation, ModelEvaluation
from medtransfer.contract.evaluation import Confusion as Counts
from medtransfer.result.model import Contribution, Heatmap, SimilarCase
from medtransfer.work.report import components
from tests.result.results import result


def row(combination: str, value: float, *, answers: bool = False) -> Ablation:
    area = Interval(value=value, low=value - 0.1, high=value + 0.05)
    return Ablation(label="dr", combination=combination, answers=answers, auroc=area)


def evaluation(*rows: Ablation) -> Evaluation:
    counts = Counts(true_positive=1, false_positive=1, true_negative=1, false_negative=1)
    label = LabelEvaluation(
        label="dr", name="Retinopathy & more", cases=4, positives=2, positive_patients=2, grade="none", threshold=0.5,
        metrics={}, confusion=counts,
    )  # fmt: skip
    tuned = ModelEvaluation(model="tuned", description="", labels=[label])
    return Evaluation(cases=4, patients=4, bootstrap=100, seed=1, models=[tuned], ablation=list(rows))


def test_every_combination_has_its_figure_and_the_answer_is_bold() -> None:
    (shown,) = components.sections(evaluation(row("A", 0.81), row("A+B+C", 0.9, answers=True)))
    assert "Retinopathy &amp; more" in shown
    assert "<b>0.90</b>" in shown
    assert "<b>0.81</b>" not in shown
    assert "0.71\u20130.86" in shown
    assert components.sections(evaluation()) == []


def test_a_finding_names_what_it_was_compared_with() -> None:
    plain = result()
    key = f"{5:016x}"
    finding = plain.findings[0].model_copy(
        update={
            "similar": (SimilarCase(case=key, distance=0.5), SimilarCase(case=f"{6:016x}", distance=0.75)),
            "contributions": (
                Contribution(name="Nearest confirmed cases", kind="component", contribution=-0.12),
                Contribution(name="Random forest", kind="learner", probability=0.83, contribution=0.07),
            ),
        }
    )
    picture = np.zeros((12, 16, 3), np.uint8)
    info = plain.heatmaps[0].info.model_copy(update={"part": "a", "method": "Grad-CAM of the first network"})
    part = Heatmap(info, plain.heatmaps[0].array)
    content = replace(plain, heatmaps=(*plain.heatmaps, part), pictures={key: np.zeros((16, 16, 3), np.uint8)})
    said = "".join(components.of_finding(finding, content, picture))
    assert said.count("<img") == 3, "the picture, the case that has one, and the map of the part"
    assert "Distance 0.75, case 00000000" in said
    assert "\u22120.12" in said
    assert "0.83" in said
    assert "+0.07" in said
    assert said.count("Random forest") == 1
    assert "A: Grad-CAM of the first network" in said
    assert said.index("Confirmed cases") < said.index("<details"), "in the open, for it was called present"
    absent = finding.model_copy(update={"positive": False})
    folded = "".join(components.of_finding(absent, content, picture))
    assert folded.index("<details") < folded.index("Confirmed cases")
    without = "".join(components.of_finding(finding, replace(plain, pictures={}), picture))
    assert "were not kept with the model" in without
    assert "<img" not in without
    assert components.of_finding(plain.findings[0], plain, picture) == []
