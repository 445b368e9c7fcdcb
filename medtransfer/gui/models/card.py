"""One model on a page: how good it is, what it learnt from, what it is made of."""

from __future__ import annotations

from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.contract.bundle import BundleCard, ModelBundle
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.evaluation import EvaluationView
from medtransfer.work.report.numbers import counted, moment
from medtransfer.work.shelf import ShelfModel


class ModelCard(QWidget):
    """The card; empty until :meth:`show_model`."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing(1.5))
        self.evaluation = EvaluationView()

    def show_model(self, model: ShelfModel) -> None:
        """Show another model."""
        pages.clear(self._column)
        self._column.addWidget(parts.title(title_of(model)))
        if model.bundle is None:
            frame, column = parts.card("failure")
            problem = f"{model.problem[:1].upper()}{model.problem[1:].rstrip('.')}."
            column.addWidget(parts.label(problem, "danger", weight=theme.MEDIUM))
            column.addWidget(parts.label("Import it again from where it came from, or delete it."))
            self._column.addWidget(frame)
            return
        card = model.bundle.card
        figures = {
            "cases": card.data.cases,
            "patients": card.data.patients,
            "trained on": card.data.train,
            "chosen on (validation)": card.data.validation,
            "tested on, once": card.data.test,
        }
        self._column.addWidget(pages.tiles({name: f"{count:,}" for name, count in figures.items()}))
        self.evaluation = EvaluationView()
        self.evaluation.show_card(card)
        self._column.addWidget(self.evaluation)
        for heading, pairs in _sections(model.bundle).items():
            self._column.addSpacing(theme.spacing(1))
            self._column.addWidget(parts.heading(heading))
            self._column.addWidget(pages.facts(pairs))


def title_of(model: ShelfModel) -> str:
    """Return a model's name as a page shows it."""
    return f"{model.plugin_name}: starter model" if model.is_starter else model.reference


def _sections(bundle: ModelBundle) -> dict[str, dict[str, str]]:
    card = bundle.card
    origins = "; ".join(
        f"{entry.name} ({entry.licence}), trained on {entry.trained_on or 'unknown data'}" for entry in card.weights
    )
    return {
        "Where it comes from": {
            "Made": f"{moment(card.created)}, by {card.plugin} {card.plugin_version}",
            "Started from": origins or "no pretrained weights",
            "Went on from": card.parent,
            "Recipe": f"{card.recipe.name}: {card.recipe.description}".rstrip(": "),
            "Notes": " ".join(card.remarks),
        },
        "What it learnt from": {
            "Data": _data(card),
            "Licence": card.data.licence or "not stated",
            "Findings": "\n".join(_label(label.name, label.positives, label.negatives) for label in card.labels),
        },
        "Identity": {"Model (SHA-256)": bundle.sha256, "Split (SHA-256)": card.data.split_sha256},
    }


def _data(card: BundleCard) -> str:
    said = card.data.description or "not described"
    return f"SYNTHETIC images, which say nothing about real patients. {said}" if card.data.synthetic else said


def _label(name: str, positives: int, negatives: int) -> str:
    known = positives + negatives
    return f"{name}: {positives} of {counted(known, 'case')}" if known else name
