"""Two models beside each other, finding by finding."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtWidgets import QComboBox, QVBoxLayout, QWidget

from medtransfer.contract.bundle import BundleCard
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.tables import Table
from medtransfer.work.report import numbers
from medtransfer.work.shelf import ShelfModel

NOBODY = "No other model of this plug-in"
CHOOSE = "Compare with\u2026"
SAME = "Both were tested on the same patients."
OTHER = "They were tested on different patients, so the figures cannot be compared directly."
_DASH = "\u2013"


class Comparer(QWidget):
    """Chooses a second model and shows the AUROC of both."""

    def __init__(self) -> None:
        super().__init__()
        self._first: ShelfModel | None = None
        self._others: dict[str, ShelfModel] = {}
        self.second = QComboBox()
        self.second.setAccessibleName("Compare with")
        self.second.setMinimumWidth(theme.spacing(32))
        self.second.activated.connect(lambda _index: self.compare())
        self.said = parts.label("", "muted")
        self.table: Table | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, theme.spacing(1), 0, 0)
        column.setSpacing(theme.spacing(1))
        column.addWidget(parts.heading("Beside another model"))
        column.addWidget(self.second)
        column.addWidget(self.said)
        self._tables = QVBoxLayout()
        column.addLayout(self._tables)

    def show_model(self, model: ShelfModel, others: Sequence[ShelfModel]) -> None:
        """Offer the other models of the same plug-in that carry an evaluation."""
        self._first = model
        self._others = {
            other.key: other
            for other in others
            if other.plugin == model.plugin and other.key != model.key and _card(other) is not None
        }
        self._clear()
        self.second.clear()
        able = bool(self._others) and _card(model) is not None
        self.second.addItem(CHOOSE if able else NOBODY, "")
        for key, other in self._others.items() if able else ():
            self.second.addItem("Starter" if other.is_starter else other.reference, key)
        self.second.setEnabled(able)

    def compare(self) -> None:
        """Compare with the chosen model."""
        self._clear()
        other = self._others.get(str(self.second.currentData()))
        one = _card(self._first)
        two = _card(other)
        if one is None or two is None or self._first is None or other is None:
            return
        mine, theirs = _figures(one), _figures(two)
        names = {label.id: label.name for card in (two, one) for label in card.labels}
        rows = [[names.get(label, label), mine.get(label, _DASH), theirs.get(label, _DASH)] for label in mine | theirs]
        metric = "Dice" if one.task == "segmentation" else "AUROC"
        headings = [f"{metric} with 95 % interval", self._first.reference, other.reference]
        self.table = Table(f"{metric} of both models, by finding", headings, rows)
        self._tables.addWidget(self.table)
        same = one.data.split_sha256 == two.data.split_sha256
        self.said.setText(SAME if same else OTHER)
        parts.restyle(self.said, "kind", "muted" if same else "warning")
        self.said.show()

    def _clear(self) -> None:
        pages.clear(self._tables)
        self.table = None
        self.said.setText("")
        self.said.hide()


def _card(model: ShelfModel | None) -> BundleCard | None:
    """Return the card of a model that was evaluated."""
    card = model.bundle.card if model is not None and model.bundle is not None else None
    return card if card is not None and card.evaluation is not None else None


def _figures(card: BundleCard) -> dict[str, str]:
    if card.evaluation is None:
        return {}
    tuned = card.evaluation.of("tuned")
    found = {entry.label: numbers.interval(entry.metrics.get("dice")) for entry in tuned.structures}
    return found or {entry.label: numbers.graded(entry, "auroc") for entry in tuned.labels}
