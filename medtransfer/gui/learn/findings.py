"""Every finding that the data have, with its counts: tick those that the network is to learn."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QAbstractTableModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import (
    QHeaderView,
    QSizePolicy,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
)

from medtransfer.gui import theme
from medtransfer.work.labels import LabelCount

Index = QModelIndex | QPersistentModelIndex
_NO_PARENT = QModelIndex()
HEADINGS = ("Finding", "Positive", "Negative", "Unknown", "Patients", "")
_REASON = len(HEADINGS) - 1


class FindingsModel(QAbstractTableModel):
    """The findings with their counts of cases; ``ticked`` says that others are to be learnt."""

    ticked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.counts: tuple[LabelCount, ...] = ()
        self._chosen: set[str] = set()

    def show(self, counts: Sequence[LabelCount], chosen: Collection[str]) -> None:
        """Show other findings, with those ticked that are chosen."""
        self.beginResetModel()
        self.counts, self._chosen = tuple(counts), set(chosen)
        self.endResetModel()

    def chosen(self) -> tuple[str, ...]:
        """Return the ids of the findings that are ticked, in the order of the data."""
        return tuple(count.id for count in self.counts if count.id in self._chosen)

    def rowCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        """Return how many findings there are."""
        return 0 if parent.isValid() else len(self.counts)

    def columnCount(self, parent: Index = _NO_PARENT) -> int:  # noqa: N802 - Qt's name
        """Return how many columns there are."""
        return 0 if parent.isValid() else len(HEADINGS)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Let what can be learnt be ticked; the rest is there to be read."""
        flags = super().flags(index)
        can = index.column() == 0 and not self.counts[index.row()].reason
        return flags | Qt.ItemFlag.ItemIsUserCheckable if can else flags

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a cell shows and says aloud."""
        count, column = self.counts[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return _cells(count)[column]
            case Qt.ItemDataRole.ForegroundRole if count.reason:
                return theme.colour("positive" if column == _REASON else "muted")
            case Qt.ItemDataRole.ToolTipRole:
                return count.reason or f"Column \u201c{count.heading}\u201d of the data"
        return self._box(count, role) if column == 0 else None

    def setData(self, index: Index, value: Any, role: int = Qt.ItemDataRole.EditRole) -> bool:  # noqa: N802 - Qt's name
        """Tick a finding, or take its tick away."""
        count = self.counts[index.row()]
        if role != Qt.ItemDataRole.CheckStateRole or count.reason:
            return False
        if Qt.CheckState(value) is Qt.CheckState.Checked:
            self._chosen.add(count.id)
        else:
            self._chosen.discard(count.id)
        self.dataChanged.emit(self.index(index.row(), 0), self.index(index.row(), _REASON))
        self.ticked.emit()
        return True

    def _box(self, count: LabelCount, role: int) -> Any:
        """Return what the first column, which has the box, shows and says besides."""
        match role:
            case Qt.ItemDataRole.CheckStateRole:
                return Qt.CheckState.Checked if count.id in self._chosen else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.AccessibleTextRole:
                return _spoken(count, learnt=count.id in self._chosen)
            case Qt.ItemDataRole.FontRole:
                return theme.font(weight=theme.MEDIUM)
        return None

    def headerData(  # noqa: N802 - Qt's name
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        """Return what heads a column."""
        if orientation == Qt.Orientation.Vertical:
            return None
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return HEADINGS[section]
            case Qt.ItemDataRole.TextAlignmentRole:
                return int(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
            case Qt.ItemDataRole.FontRole:
                return theme.font(theme.SMALL_SIZE, theme.MEDIUM)
        return None


class FindingRow(QStyledItemDelegate):
    """Paints boxes that cannot be ticked pale, and leaves ticking to the table, for which a whole row is one box."""

    def initStyleOption(self, option: QStyleOptionViewItem, index: Index) -> None:  # noqa: N802 - Qt's name
        """Say how a cell looks."""
        super().initStyleOption(option, index)
        model = index.model()
        if isinstance(model, FindingsModel) and index.column() == 0 and model.counts[index.row()].reason:
            state: Any = option
            state.state &= ~QStyle.StateFlag.State_Enabled

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802 - Qt's name
        """Return the size of a cell: Qt's own, which forgets what the style sheet puts around a box, and some more."""
        size = super().sizeHint(option, index)
        return QSize(size.width() + theme.spacing(3), size.height()) if index.column() == 0 else size

    def editorEvent(  # noqa: N802 - Qt's name
        self,
        event: QEvent,  # noqa: ARG002 - Qt's signature
        model: QAbstractItemModel,  # noqa: ARG002
        option: QStyleOptionViewItem,  # noqa: ARG002
        index: Index,  # noqa: ARG002
    ) -> bool:
        """Tick nothing here."""
        return False


class FindingsTable(QTableView):
    """The table, as high as its rows. A click anywhere on a row, or Space, ticks it. ``chosen_changed`` says so."""

    chosen_changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.findings = FindingsModel()
        self.setModel(self.findings)
        self.setItemDelegate(FindingRow(self))
        self.setAccessibleName("Findings to learn. Space ticks a finding or takes its tick away.")
        self.setShowGrid(False)
        self.setTabKeyNavigation(False)
        self.setWordWrap(False)
        self.setSelectionBehavior(QTableView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QTableView.SelectionMode.SingleSelection)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(theme.spacing(3.75))
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setStretchLastSection(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.clicked.connect(self._turn)
        self.findings.ticked.connect(self.chosen_changed)
        self.findings.modelReset.connect(self._fit)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802 - Qt's name
        """Tick the row that has the focus."""
        if event.key() == Qt.Key.Key_Space and self.currentIndex().isValid():
            self._turn(self.currentIndex())
            return
        super().keyPressEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802 - Qt's name
        """Be as high as the rows, now that the style is known."""
        super().resizeEvent(event)
        self._fit()

    def _turn(self, index: QModelIndex) -> None:
        box = index.siblingAtColumn(0)
        ticked = box.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Checked
        wanted = Qt.CheckState.Unchecked if ticked else Qt.CheckState.Checked
        self.findings.setData(box, wanted, Qt.ItemDataRole.CheckStateRole)

    def _fit(self) -> None:
        header = self.horizontalHeader().sizeHint().height()
        self.setFixedHeight(header + self.verticalHeader().length() + theme.spacing(0.75))


def _cells(count: LabelCount) -> tuple[str, ...]:
    figures = (count.present, count.absent, count.unknown)
    patients = f"{count.patients_with:,} with, {count.patients_without:,} without"
    return (count.name, *(f"{figure:,}" for figure in figures), patients, count.reason)


def _spoken(count: LabelCount, *, learnt: bool) -> str:
    state = "cannot be learnt" if count.reason else "to be learnt" if learnt else "left out"
    figures = f"{count.present} positive, {count.absent} negative, {count.unknown} unknown"
    patients = f"patients: {count.patients_with} with, {count.patients_without} without"
    return ", ".join(part for part in (count.name, state, figures, patients, count.reason) if part)
