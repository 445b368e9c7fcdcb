"""What a model's page shows besides the figures of each finding."""

from __future__ import annotations

from collections.abc import Sequence

from pytestqt.qtbot import QtBot

from medtransfer.contract.evaluation import Ablation, Evaluation, Interval
from medtransfer.gui.evaluation import EvaluationView
from medtransfer.gui.tables import Table
from tests.work.report.models import card, evaluation


def tables(view: EvaluationView) -> dict[str, list[list[str]]]:
    """Return what each table says, by its name."""
    return {table.accessibleName(): [list(row) for row in table.cells()] for table in view.findChildren(Table)}


def shown(qtbot: QtBot, judged: Evaluation) -> dict[str, list[list[str]]]:
    view = EvaluationView()
    qtbot.addWidget(view)
    view.show_card(card().model_copy(update={"evaluation": judged}))
    return tables(view)


def ablation(rows: Sequence[tuple[str, float | None, bool]]) -> list[Ablation]:
    return [
        Ablation(
            label="dr", combination=name, answers=answers,
            auroc=None if value is None else Interval(value=value, low=value - 0.1, high=value + 0.05),
        )
        for name, value, answers in rows
    ]  # fmt: skip


def test_groups_and_components_have_their_tables(qtbot: QtBot) -> None:
    rows = ablation([("A", 0.81, False), ("C", None, False), ("A+B+C", 0.9, True)])
    found = shown(qtbot, evaluation().model_copy(update={"ablation": rows}))
    groups = found["Subgroups"]
    assert [row[0] for row in groups] == ["site: north", "site: south"]
    assert groups[0][4].startswith("0.84 (")
    assert groups[1][3:] == ["too few cases to say"] * 3
    assert found["What its components are worth"] == [
        ["Diabetic retinopathy", "0.81 (0.71\u20130.86)", "\u2013", "0.90 (0.80\u20130.95) *"]
    ]


def test_there_is_no_empty_table(qtbot: QtBot) -> None:
    plain = evaluation().model_copy(update={"subgroups": [], "ablation": [], "localisation": []})
    assert not {"Subgroups", "What its components are worth", "Whether heat maps find it"} & set(shown(qtbot, plain))
