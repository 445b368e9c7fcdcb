"""The split by patient: a bar of the three parts, and how many cases of each finding they hold."""

from __future__ import annotations

from collections import Counter

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QVBoxLayout, QWidget

from medtransfer.cohort.model import PARTITIONS, Cohort, Partition
from medtransfer.cohort.splitting import FrozenSplit
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.tables import Table

_PARTS: dict[Partition, tuple[str, str]] = {
    "train": ("accent", "train on"),
    "validation": ("neutral", "choose by"),
    "test": ("positive", "test on, once"),
}
_BAR = 14


class SplitBar(QWidget):
    """The three parts side by side, each as long as its share of the cases, with its words below."""

    def __init__(self) -> None:
        super().__init__()
        self.setFixedHeight(theme.spacing(6))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._counts: dict[Partition, tuple[int, int]] = {}

    def show_counts(self, counts: dict[Partition, tuple[int, int]]) -> None:
        """Show other numbers of cases and patients per part."""
        self._counts = counts
        said = "; ".join(f"{name}: {cases} cases of {patients} patients" for name, (cases, patients) in counts.items())
        self.setAccessibleName(f"Split by patient. {said}")
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Paint the bar."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        total = sum(cases for cases, _ in self._counts.values()) or 1
        left, gap = 0.0, 3.0
        width = self.width() - gap * (len(self._counts) - 1)
        for name, (cases, patients) in self._counts.items():
            role, purpose = _PARTS[name]
            share = width * cases / total
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour(role))
            painter.drawRoundedRect(QRectF(left, 0, share, _BAR), 3, 3)
            painter.setFont(theme.font(theme.SMALL_SIZE, theme.MEDIUM))
            painter.setPen(theme.colour("text"))
            painter.drawText(QRectF(left, _BAR + 3, max(share, 90), 16), 0, f"{cases} to {purpose}")
            painter.setFont(theme.font(theme.SMALL_SIZE))
            painter.setPen(theme.colour("muted"))
            painter.drawText(QRectF(left, _BAR + 18, max(share, 90), 16), 0, f"{patients} patients")
            left += share + gap


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
        column.addWidget(parts.label("No patient is in two of the three parts.", "muted", theme.SMALL_SIZE))
        self._tables = QVBoxLayout()
        column.addLayout(self._tables)

    def show_split(self, cohort: Cohort, split: FrozenSplit) -> None:
        """Show another split."""
        counts: dict[Partition, tuple[int, int]] = {}
        for name in PARTITIONS:
            inside = [case for case in cohort.cases if split.partitions[case.key] == name]
            counts[name] = (len(inside), len({case.patient for case in inside}))
        self.bar.show_counts(counts)
        pages.clear(self._tables)
        self.table = _findings(cohort, split)
        self._tables.addWidget(self.table)


def _findings(cohort: Cohort, split: FrozenSplit) -> Table:
    rows = []
    for label in cohort.labels:
        present: Counter[str] = Counter()
        known: Counter[str] = Counter()
        for case in cohort.cases:
            part = split.partitions[case.key]
            known[part] += case.labels[label] is not None
            present[part] += case.labels[label] == 1
        cells = [f"{present[name]} of {known[name]}" for name in PARTITIONS]
        rows.append([cohort.names.get(label, label), *cells])
    return Table("Cases with each finding, by part", ["Finding", "Train", "Validation", "Test"], rows)
