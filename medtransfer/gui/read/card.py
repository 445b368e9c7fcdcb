"""The card of a plug-in and a model: what they are for, what not, who they were tried on, how good they are."""

from __future__ import annotations

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QVBoxLayout, QWidget

from medtransfer.contract.bundle import BundleCard
from medtransfer.contract.manifest import Manifest
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.read import words
from medtransfer.result.model import RESEARCH_USE_ONLY
from medtransfer.work.choices import Choice, ModelChoice
from medtransfer.work.report.model_sections import label_line
from medtransfer.work.report.numbers import counted

NO_CARD = "This model has no card that can be read. Nobody can say what it learnt from or how good it is."


class CardDialog(QDialog):
    """Stays beside the picture; closes with Escape."""

    def __init__(self, choice: Choice, model: ModelChoice, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"Card of {choice.name}, model {model.reference}")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(theme.spacing(70), theme.spacing(78))
        inside = QWidget()
        inside.setObjectName("ground")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(theme.spacing(3), theme.spacing(3), theme.spacing(3), theme.spacing(3))
        self._column.setSpacing(theme.spacing(1.5))
        self._column.setAlignment(Qt.AlignmentFlag.AlignTop)
        self._column.addWidget(parts.title(f"{choice.name}, model {model.reference}"))
        self._column.addWidget(parts.label(RESEARCH_USE_ONLY, "danger"))
        if model.bundle is None:
            self._column.addWidget(parts.label(f"{NO_CARD} {model.problem}", "warning"))
        else:
            self._add_model(model.bundle.card)
        if choice.manifest is not None:
            self._add_plugin(choice.manifest)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(pages.scrolling(inside))

    def _add_model(self, card: BundleCard) -> None:
        data = card.data
        self._column.addWidget(parts.heading("The model"))
        if card.evaluation is None:
            self._column.addWidget(parts.label(words.NO_EVALUATION, "warning"))
        else:
            for line in card.evaluation.verdict:
                self._column.addWidget(parts.label(line))
            figures = {label.name: label_line(card, label.id) for label in card.labels}
            self._column.addWidget(pages.facts(figures))
        learnt = (
            f"{counted(data.train, 'case')} for training, {data.validation:,} for choosing, {data.test:,} for testing"
        )
        self._column.addWidget(
            pages.facts(
                {
                    "Learnt from": ("SYNTHETIC pictures: " if data.synthetic else "") + learnt,
                    "Patients": f"{data.patients:,}" if data.patients else "",
                    "Data": data.description,
                    "Licence of the data": data.licence,
                    "Started from": "; ".join(f"{weights.name} ({weights.licence})" for weights in card.weights),
                    "Notes": " ".join(card.remarks),
                }
            )
        )

    def _add_plugin(self, manifest: Manifest) -> None:
        card = manifest.card
        self._column.addWidget(parts.heading("The plug-in"))
        self._column.addWidget(parts.label(card.summary))
        self._column.addWidget(
            pages.facts(
                {
                    "Meant for": card.intended_use,
                    "Not for": card.not_for,
                    "Tried on": card.population,
                    "Published figures": "; ".join(
                        f"{entry.name} {entry.value} on {entry.on}" for entry in card.metrics
                    ),
                    "Cite": card.citation,
                    "Licence": card.licence,
                }
            )
        )
