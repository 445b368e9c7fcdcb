from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from medtransfer.cohort.model import Problem
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.evaluation import Interval, Localisation
from medtransfer.errors import DataError
from medtransfer.result.model import RESEARCH_USE_ONLY, Faithfulness, Heatmap, Notice, Result
from medtransfer.result.writing import write
from medtransfer.work.report import Reading, demo_report, evaluation_report, result_report
from tests.result.results import result
from tests.work.report.models import bundle, card, evaluation

PICTURE = np.full((12, 16, 3), 90, dtype=np.uint8)
VOID = {"meta", "img", "br", "link", "input"}


class Page(HTMLParser):
    """Text, pictures and balance of a page."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.tags: list[str] = []
        self.sources: list[str] = []
        self.feed(path.read_text(encoding="utf-8"))
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.sources += [value or "" for name, value in attrs if name in {"src", "href", "xlink:href"}]
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not {"style", "svg"} & set(self.open):
            self.words.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))


def shown(tmp_path: Path, content: Result, caption: str = "") -> Page:
    write(content, tmp_path / "result")
    result_report(tmp_path / "result", PICTURE, bundle(), tmp_path / "r.html", caption)
    return Page(tmp_path / "r.html")


def test_evaluation_says_how_good_with_intervals_and_on_whom(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    page = Page(tmp_path / "e.html")
    assert page.open == []
    assert RESEARCH_USE_ONLY in page.text
    assert "on 110 cases of 104 patients that it never saw" in page.text
    auroc = evaluation().of("tuned").labels[0].metrics["auroc"]
    assert f"{auroc.value:.2f} ({auroc.low:.2f}\u2013{auroc.high:.2f})" in page.text
    for line in evaluation().verdict:
        assert line in page.text
    assert page.tags.count("svg") == 4, "a forest plot and the curves of three labels"
    assert "SYNTHETIC" not in page.text


def test_few_cases_get_words_instead_of_a_figure(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    text = Page(tmp_path / "e.html").text
    assert "Macular oedema too few cases to say" in text
    assert "Not to be relied on, for want of cases: Macular oedema." in text


def test_no_figure_pretends_to_more_than_two_decimals(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    assert not re.findall(r"\d\.\d{3,}", Page(tmp_path / "e.html").text)


def test_confusion_adds_up_to_the_cases(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    counts = evaluation().of("tuned").labels[0].confusion
    text = Page(tmp_path / "e.html").text
    assert f"has the finding {counts.true_positive} {counts.false_negative} missed" in text
    assert f"has it not {counts.false_positive} false alarms {counts.true_negative}" in text


def test_accuracy_stands_beside_one_answer_for_everybody(tmp_path: Path) -> None:
    """Macular oedema is rare: always "absent" is nearly as often right as the model."""
    evaluation_report(bundle(), tmp_path / "e.html")
    text = Page(tmp_path / "e.html").text
    labels = {entry.label: entry for entry in evaluation().of("tuned").labels}
    for key, always in (("dr", "present"), ("dme", "absent")):
        counts, cases = labels[key].confusion, labels[key].cases
        right = 100 * (counts.true_positive + counts.true_negative) / cases
        rarer = min(labels[key].positives, cases - labels[key].positives)
        assert f"{right:.0f} % of the calls are right; calling it {always} in every case would be right in" in text
        assert f"right in {100 * (cases - rarer) / cases:.0f} %." in text


def test_every_site_has_its_figures_at_the_threshold_of_all(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    text = Page(tmp_path / "e.html").text
    north = re.search(
        r"site: north Diabetic retinopathy 60, 41 positive ([^)]*\)) ([^)]*\)) ([^)]*\)) site: south", text
    )
    assert north is not None
    assert [figure[:4] for figure in north.groups()] == ["0.90", "0.84", "0.66"]
    assert "site: south Diabetic retinopathy 12, 5 positive too few cases to say" in text
    assert "Groups of fewer than 10 test cases are left out" in text


def test_findings_that_stand_together_are_counted(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    text = Page(tmp_path / "e.html").text
    positives = [entry.positives for entry in evaluation().of("tuned").labels]
    assert f"Diabetic retinopathy {positives[0]} 49 7 Referable" in text
    assert f"Referable diabetic retinopathy 49 {positives[1]} \u2013 Macular" in text
    alone = card().model_copy(update={"evaluation": evaluation().model_copy(update={"together": []})})
    evaluation_report(ModelBundle(Path("unused"), alone, "ef" * 32), tmp_path / "one.html")
    assert "stand together" not in Page(tmp_path / "one.html").text


def test_plots_carry_figures_in_their_legends(tmp_path: Path) -> None:
    evaluation_report(bundle(), tmp_path / "e.html")
    drawing = (tmp_path / "e.html").read_text(encoding="utf-8")
    auroc = evaluation().of("tuned").labels[0].metrics["auroc"]
    assert f"tuned AUROC {auroc.value:.2f} ({auroc.low:.2f}" in drawing
    assert "guessing: prevalence 0.67" in drawing


def test_page_loads_and_runs_nothing(tmp_path: Path) -> None:
    page = shown(tmp_path, result())
    assert page.sources
    assert all(source.startswith(("data:image/", "#")) for source in page.sources)
    assert "script" not in page.tags


def test_same_model_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.html", "b.html"):
        evaluation_report(bundle(), tmp_path / name)
    assert (tmp_path / "a.html").read_bytes() == (tmp_path / "b.html").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"a.html", "b.html"}


def test_model_without_evaluation_says_so(tmp_path: Path) -> None:
    evaluation_report(bundle(evaluated=False), tmp_path / "e.html")
    page = Page(tmp_path / "e.html")
    assert "carries no evaluation" in page.text
    assert "svg" not in page.tags


def test_synthetic_is_said(tmp_path: Path) -> None:
    evaluation_report(bundle(synthetic=True), tmp_path / "e.html")
    assert "SYNTHETIC" in Page(tmp_path / "e.html").text
    notice = Notice(code="image.synthetic", level="info", message="This image is synthetic.")
    assert "SYNTHETIC" in shown(tmp_path, replace(result(), notices=(notice,))).text


def test_data_checks_are_listed_with_their_rows(tmp_path: Path) -> None:
    problem = Problem("cohort.repeated", "warning", "2 rows repeating an image", "Remove them.", (4, 9))
    evaluation_report(bundle(), tmp_path / "e.html", [problem])
    text = Page(tmp_path / "e.html").text
    assert "Warning 2 rows repeating an image. Remove them. Rows 4, 9" in text


def test_result_shows_calls_in_words_with_threshold_and_doubt(tmp_path: Path) -> None:
    page = shown(tmp_path, result(), caption="Left eye")
    assert page.open == []
    assert "Left eye" in page.text
    assert "Diabetic retinopathy 0.94 \u00b1 0.03" in page.text
    assert "Called present: at or above the threshold 0.41." in page.text
    assert "Called absent: below the threshold 0.50. The probability is not calibrated." in page.text
    assert "110 test cases, 74 with the finding: AUROC" in page.text
    assert "The picture is out of focus." in page.text
    assert "ab" * 32 in page.text


def test_heat_map_carries_its_faithfulness_beside_chance(tmp_path: Path) -> None:
    page = shown(tmp_path, result())
    assert page.tags.count("img") == 2
    assert "1 = 3.1 (raw maximum)" in page.text
    assert "Grad-CAM at blocks.6. Faithfulness 0.41, random map 0.12" in page.text


def test_what_is_known_of_such_maps_stands_below_each(tmp_path: Path) -> None:
    content = result()
    heatmap = content.heatmaps[0]
    for method, meaning in (("Grad-CAM", "what moved the answer"), ("Attention rollout", "for every finding alike")):
        info = heatmap.info.model_copy(update={"method": method, "caution": "Such maps localise weakly."})
        page = shown(tmp_path / method, replace(content, heatmaps=(Heatmap(info, heatmap.array),)))
        assert meaning in page.text
        assert "Such maps localise weakly." in page.text


def test_figures_against_boxes_stand_beside_chance(tmp_path: Path) -> None:
    model = bundle()
    evaluation = model.card.evaluation
    assert evaluation is not None
    figures = [
        Localisation(
            label="dr",
            method=method,
            maps=24,
            patients=21,
            pointing=Interval(value=hits, low=hits - 0.1, high=hits + 0.1),
            iou=Interval(value=0.12),
            iou_quarter=0.25,
            threshold=threshold,
        )
        for method, hits, threshold in (("Grad-CAM", 0.5, 0.31), ("Chance", 0.18, None))
    ]
    card = model.card.model_copy(
        update={"evaluation": evaluation.model_copy(update={"localisation": figures}), "notes": ["Maps are weak."]}
    )
    evaluation_report(replace(model, card=card), tmp_path / "e.html", [])
    text = Page(tmp_path / "e.html").text
    assert "Whether heat maps find it" in text
    assert "Grad-CAM 24 of 21 patients 0.50 (0.40\u20130.60) 0.12, from 0.31 on 25 %" in text
    assert "Chance 24 of 21 patients 0.18 (0.08\u20130.28) 0.12 25 %" in text
    assert "Maps are weak." in text
    evaluation_report(model, tmp_path / "without.html", [])
    assert "Whether heat maps find it" not in Page(tmp_path / "without.html").text


def test_heat_map_no_better_than_chance_is_said_to_be_so(tmp_path: Path) -> None:
    content = result()
    heatmap = content.heatmaps[0]
    useless = Faithfulness(score=0.1, random_score=0.2, deletion_auc=0.5, insertion_auc=0.6, steps=8)
    info = heatmap.info.model_copy(update={"faithfulness": useless})
    page = shown(tmp_path, replace(content, heatmaps=(Heatmap(info, heatmap.array),)))
    assert "no better than chance" in page.text


def test_heat_map_of_another_grid_is_not_drawn(tmp_path: Path) -> None:
    content = result()
    other = Heatmap(content.heatmaps[0].info, np.zeros((5, 5), dtype=np.float32))
    page = shown(tmp_path, replace(content, heatmaps=(other,)))
    assert "does not lie on this picture" in page.text
    assert page.tags.count("img") == 1


def test_text_from_a_plug_in_is_never_markup(tmp_path: Path) -> None:
    content = result()
    evil = content.findings[0].model_copy(update={"name": '<script>alert("x")</script> $\\frac{1}{$'})
    page = shown(tmp_path, replace(content, findings=(evil,)))
    assert "script" not in page.tags
    assert '<script>alert("x")</script>' in page.text


def test_without_a_model_card_the_report_says_so(tmp_path: Path) -> None:
    write(result(), tmp_path / "result")
    result_report(tmp_path / "result", PICTURE, None, tmp_path / "r.html")
    assert "nobody knows" in Page(tmp_path / "r.html").text


def test_damaged_result_gives_no_report(tmp_path: Path) -> None:
    (tmp_path / "result").mkdir()
    with pytest.raises(DataError):
        result_report(tmp_path / "result", PICTURE, None, tmp_path / "r.html")
    assert not (tmp_path / "r.html").exists()


def test_demo_shows_pictures_and_model_on_one_page(tmp_path: Path) -> None:
    write(result(), tmp_path / "result")
    demo_report(bundle(), [Reading(tmp_path / "result", PICTURE, "A real photograph")], [], tmp_path / "d.html")
    page = Page(tmp_path / "d.html")
    assert page.open == []
    assert page.text.index("A real photograph") < page.text.index("How good it is")
    assert page.tags.count("svg") == 4


def test_importing_reports_is_cheap() -> None:
    check = "import sys, medtransfer.work.report; print({'matplotlib', 'PIL', 'nibabel', 'torch'} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert answer.stdout.strip() == "set()"
