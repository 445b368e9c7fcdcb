"""The split by patient: a bar of the three parts, and how many patients with each finding they hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from medtransfer.cohort.model import PARTITIONS, Case, Cohort, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.tables import Table
from medtransfer.work.report.numbers import counted

_PARTS: Mapping[Partition, tuple[str, str, str]] = {
    "train": ("accent", "Train", "the network learns from these"),
    "validation": ("neutral", "Validation", "these choose the best epoch and the threshold"),
    "test": ("positive", "Test", "looked at once, when all is settled"),
}
_BAR, _GAP, _DOT = 14, 3, 8
_LINE = 18
EXPLAINED = (
    "All cases of a patient are in one part: nobody is both learnt from and tested. "
    "The table counts patients with each finding, of those in whom it is known."
)


@dataclass(frozen=True)
class Part:
    """One part of the split."""

    name: Partition
    patients: int
    cases: int


class SplitBar(QWidget):
    """The three parts side by side, each as long as its share of the patients, with their words in columns below."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(_BAR + theme.spacing(1) + 3 * _LINE)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._parts: tuple[Part, ...] = ()

    def show_parts(self, shown: tuple[Part, ...]) -> None:
        """Show other numbers of patients and cases."""
        self._parts = shown
        said = "; ".join(
            f"{part.name}: {counted(part.cases, 'case')} of {counted(part.patients, 'patient')}" for part in shown
        )
        self.setAccessibleName(f"Split by patient. {said}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Paint the bar and its words."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        total = sum(part.patients for part in self._parts) or 1
        width = self.width() - _GAP * (len(self._parts) - 1)
        left = 0.0
        for number, part in enumerate(self._parts):
            share = width * part.patients / total
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(_PARTS[part.name][0]))
            painter.drawRoundedRect(QRectF(left, 0, share, _BAR), 3, 3)
            left += share + _GAP
            self._words(painter, part, number * self.width() / len(self._parts))

    def _words(self, painter: QPainter, part: Part, left: float) -> None:
        title, purpose = _PARTS[part.name][1:]
        top = _BAR + theme.spacing(1)
        painter.drawEllipse(QRectF(left, top + (_LINE - _DOT) / 2, _DOT, _DOT))
        indent = _DOT + theme.spacing(0.75)
        width = self.width() / len(self._parts) - indent - theme.spacing(1)
        lines = (
            (f"{title}: {counted(part.patients, 'patient')}", "text", theme.font(weight=theme.MEDIUM)),
            (counted(part.cases, "case"), "muted", theme.font(theme.SMALL_SIZE)),
            (purpose, "muted", theme.font(theme.SMALL_SIZE)),
        )
        for number, (words, colour, font) in enumerate(lines):
            painter.setFont(font)
            painter.setPen(theme.colour(colour))
            shown = QFontMetrics(font).elidedText(words, Qt.TextElideMode.ElideRight, round(width))
            box = QRectF(left + indent, top + number * _LINE, width, _LINE)
            painter.drawText(box, Qt.AlignmentFlag.AlignVCenter, shown)


class SplitView(QWidget):
    """The bar, and the findings below it."""

    def __init__(self) -> None:
        super().__init__()
        self.bar = SplitBar()
        self.table: Table | None = None
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(1))
        column.addWidget(self.bar)
        column.addWidget(parts.label(EXPLAINED, "muted", theme.SMALL_SIZE))
        self._tables = QVBoxLayout()
        column.addLayout(self._tables)

    def show_split(self, cohort: Cohort, split: FrozenSplit, names: Mapping[str, str]) -> None:
        """Show another split; ``names`` are the findings' by their ids."""
        inside = {name: [case for case in cohort.cases if split.partitions[case.key] == name] for name in PARTITIONS}
        self.bar.show_parts(
            tuple(Part(name, len({case.patient for case in cases}), len(cases)) for name, cases in inside.items())
        )
        pages.clear(self._tables)
        rows = [
            [names.get(label, label), *(_patients(inside[name], label) for name in PARTITIONS)]
            for label in cohort.labels
        ]
        headings = ["Finding", *(_PARTS[name][1] for name in PARTITIONS)]
        self.table = Table("Patients with each finding, by part", headings, rows)
        self._tables.addWidget(self.table)


def _patients(cases: list[Case], label: str) -> str:
    positive = {case.patient for case in cases if case.labels[label] == 1}
    known = {case.patient for case in cases if case.labels[label] is not None}
    return f"{len(positive):,} of {len(known):,}"
