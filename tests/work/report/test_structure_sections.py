"""A model of structures in its report, in the console and in the window."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pytestqt.qtbot import QtBot

from medtransfer.cli.evaluation import say_evaluation
from medtransfer.contract.bundle import ModelBundle
from medtransfer.contract.evaluation import (
    Difference,
    Evaluation,
    Interval,
    ModelEvaluation,
    StructureEvaluation,
)
from medtransfer.gui.evaluation import EvaluationView
from medtransfer.work.report import evaluation_report, figures
from medtransfer.work.report.model_sections import model_line
from tests.work.report.models import card

HISTORY = [
    {"epoch": 0.0, "score": 0.1, "validation_dice": 0.1},
    {"epoch": 1.0, "score": 0.6, "validation_dice": 0.6, "loss": 0.9},
    {"epoch": 2.0, "score": 0.7, "validation_dice": 0.7, "loss": 0.5},
]


def structure(label: str, dice: float) -> StructureEvaluation:
    metrics = {
        "dice": Interval(value=dice, low=dice - 0.05, high=dice + 0.04),
        "nsd": Interval(value=dice + 0.01),
        "hd95_mm": Interval(value=7.25),
    }
    return StructureEvaluation(label=label, name=label.title(), cases=9, patients=8, metrics=metrics)


@pytest.fixture
def bundle() -> ModelBundle:
    models = [
        ModelEvaluation(model="tuned", description="after", structures=[structure("liver", 0.91)]),
        ModelEvaluation(model="untuned", description="before", structures=[structure("liver", 0.42)]),
    ]
    gain = Difference(label="liver", metric="dice", difference=Interval(value=0.49, low=0.4, high=0.6))
    evaluation = Evaluation(cases=9, patients=8, bootstrap=500, seed=1, models=models, differences=[gain])
    changed = card().model_copy(
        update={"evaluation": evaluation, "extra": {"training": {"history": HISTORY, "best_epoch": 2}}}
    )
    return ModelBundle(Path("unused"), changed, "ef" * 32)


def test_the_report_has_the_figures_and_the_course(bundle: ModelBundle, tmp_path: Path) -> None:
    evaluation_report(bundle, tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    for shown in (
        "Liver",
        "0.91 (0.86\u20130.95)",
        "0.42 (0.37\u20130.46)",
        "+0.49",
        "0.92",
        "7.25",
        "How training went",
        "before 0.10",
        "kept: epoch 2, 0.70",
    ):
        assert shown in page
    assert page.count("<svg") == 2
    assert "AUROC" not in page


def test_a_model_without_a_course_has_none(bundle: ModelBundle, tmp_path: Path) -> None:
    plain = bundle.card.model_copy(update={"extra": {}})
    evaluation_report(ModelBundle(bundle.folder, plain, bundle.sha256), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1  # how good it is
    assert "How training went" not in page


def test_every_structure_has_a_mark_of_every_model_where_it_was_measured(bundle: ModelBundle) -> None:
    from matplotlib.figure import Figure

    evaluation = bundle.card.evaluation
    assert evaluation is not None
    unmeasured = StructureEvaluation(label="spleen", name="Spleen", cases=0, patients=0, metrics={})
    models = {
        "fine-tuned": [structure("liver", 0.91), structure("spleen", 0.5)],
        "starter": [structure("liver", 0.42), unmeasured],
    }
    axes = Figure().subplots()
    figures.draw_dice(
        axes,
        {
            name: ModelEvaluation(model="tuned", description=name, structures=entries)
            for name, entries in models.items()
        },
    )
    marks = [np.asarray(line.get_xdata(), float) for line in axes.lines if line.get_marker() in {"o", "s"}]
    assert np.concatenate(marks).tolist() == [0.91, 0.5, 0.42]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["Liver", "Spleen"]
    legend = axes.get_legend()
    assert legend is not None
    assert [entry.get_text() for entry in legend.get_texts()] == ["fine-tuned", "starter"]


def test_one_line_says_how_good_it_is(bundle: ModelBundle) -> None:
    assert "Dice with 95 % interval on 9 cases of 8 patients" in model_line(bundle.card)
    assert "Liver 0.91 (0.86\u20130.95)" in model_line(bundle.card)


def test_the_console_lists_the_structures(bundle: ModelBundle, capsys: pytest.CaptureFixture[str]) -> None:
    say_evaluation(bundle)
    lines = capsys.readouterr().out.splitlines()
    assert any(line.split()[:3] == ["Liver", "tuned", "0.910"] for line in lines)
    assert any(line.split()[:3] == ["Liver", "untuned", "0.420"] for line in lines)


def test_the_window_lists_the_structures(bundle: ModelBundle, qtbot: QtBot) -> None:
    view = EvaluationView()
    qtbot.addWidget(view)
    view.show_card(bundle.card)
    assert view.overview is not None
    assert view.overview.cells()[0][:4] == ("Liver", "9 cases", "0.91 (0.86\u20130.95)", "0.42 (0.37\u20130.46)")
    assert view.finding is None
