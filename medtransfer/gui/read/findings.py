"""Findings as a list of bars: the surest calls first, the doubt on each, and the call in words for a screen reader."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPen
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QVBoxLayout, QWidget

from medtransfer.gui import parts, theme
from medtransfer.gui.read import words
from medtransfer.result.model import Finding
from medtransfer.work.report import numbers

Index = QModelIndex | QPersistentModelIndex
SHOWN_BELOW = 4
"""How many findings below their threshold are shown before a person asks for the rest."""
_ROW_HEIGHT = 46
_BAR_HEIGHT = 7
_PAD = 9


class Role(IntEnum):
    """What the delegate asks for beyond Qt's own roles."""

    FINDING = Qt.ItemDataRole.UserRole + 1


class FindingsModel(QAbstractListModel):
    """Findings called present first, then by falling probability."""

    def __init__(self) -> None:
        super().__init__()
        self._findings: list[Finding] = []
        self._most = 0

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: N802, B008 - Qt's signature
        """Return how many findings are shown."""
        return 0 if parent.isValid() else min(self._most, len(self._findings))

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what a row shows and says aloud."""
        if not index.isValid():
            return None
        finding = self._findings[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return finding.name
            case Qt.ItemDataRole.AccessibleTextRole:
                return words.finding_aloud(finding)
            case Qt.ItemDataRole.ToolTipRole:
                return f"{words.probability(finding)}. {words.call(finding)}"
            case Role.FINDING:
                return finding
        return None

    def show(self, findings: Sequence[Finding]) -> None:
        """Show a result's findings, the ones far below for later."""
        self.beginResetModel()
        self._findings = sorted(findings, key=lambda finding: (not finding.positive, -finding.probability))
        self._most = sum(finding.positive for finding in findings) + SHOWN_BELOW
        self.endResetModel()

    def show_all(self) -> None:
        """Show the rest too."""
        self.beginResetModel()
        self._most = len(self._findings)
        self.endResetModel()

    @property
    def hidden(self) -> int:
        """How many findings are not shown; all of them are below their threshold."""
        return len(self._findings) - self.rowCount()

    def index_of(self, label: str) -> QModelIndex:
        """Return where the finding of that label is; an invalid index when it is not shown."""
        at = next((at for at in range(self.rowCount()) if self._findings[at].label == label), -1)
        return self.index(at) if at >= 0 else QModelIndex()


class FindingBar(QStyledItemDelegate):
    """Paints a name, a figure and a bar with the threshold's mark and the band of uncertainty."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - Qt's signature
        """Return the row's height."""
        return QSize(0, _ROW_HEIGHT)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint the row."""
        finding: Finding = index.data(Role.FINDING)
        area: QRect = option.rect
        state: QStyle.StateFlag = option.state
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if state & QStyle.StateFlag.State_Selected:
            painter.setPen(QPen(theme.colour("accent"), 2 if state & QStyle.StateFlag.State_HasFocus else 1))
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("hover"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        inside = area.adjusted(_PAD, 6, -_PAD, 0)
        _line(painter, QRect(inside.left(), inside.top(), inside.width(), 20), finding)
        paint_bar(painter, QRectF(inside.left(), inside.top() + 24, inside.width(), _BAR_HEIGHT), finding)
        painter.restore()


def _line(painter: QPainter, area: QRect, finding: Finding) -> None:
    """Paint the name and, at the right, the figure: strong where it is above the threshold, the call beside it."""
    painter.setPen(theme.colour("text"))
    painter.setFont(theme.font(weight=theme.SEMIBOLD if finding.positive else theme.REGULAR))
    figure = numbers.figure(finding.probability)
    width = painter.fontMetrics().horizontalAdvance(figure) + 8
    painter.drawText(area, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, figure)
    painter.setFont(theme.font())
    shown = painter.fontMetrics().elidedText(finding.name, Qt.TextElideMode.ElideRight, area.width() - width - 60)
    painter.drawText(area, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)
    painter.setFont(theme.font(theme.SMALL_SIZE))
    painter.setPen(theme.colour("positive" if finding.positive else "muted"))
    call = area.adjusted(0, 0, -width, 0)
    said = "present" if finding.positive else "absent"
    painter.drawText(call, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter, said)


def paint_bar(
    painter: QPainter, track: QRectF, finding: Finding, colour: Callable[[str], QColor] = theme.colour
) -> None:
    """Paint the bar: filled to the probability, a pale band for its uncertainty, a mark at the threshold.

    ``colour`` returns the colour of a role; every length follows the track's height, on screen and on paper.
    """
    unit = track.height() / _BAR_HEIGHT
    radius = track.height() / 2
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(colour("track"))
    painter.drawRoundedRect(track, radius, radius)
    filled = QRectF(track)
    filled.setWidth(max(track.width() * finding.probability, track.height()))
    painter.setBrush(colour("positive" if finding.positive else "neutral"))
    painter.drawRoundedRect(filled, radius, radius)
    if finding.uncertainty is not None:
        low = max(finding.probability - finding.uncertainty, 0.0)
        high = min(finding.probability + finding.uncertainty, 1.0)
        pale = colour("band")
        pale.setAlphaF(0.75)
        painter.setBrush(pale)
        left = track.left() + track.width() * low
        band = QRectF(left, track.top() + 2 * unit, track.width() * (high - low), 3 * unit)
        painter.drawRoundedRect(band, 1.5 * unit, 1.5 * unit)
    painter.setBrush(colour("mark"))
    mark = track.left() + track.width() * finding.threshold
    painter.drawRect(QRectF(mark - unit, track.top() - 3 * unit, 2 * unit, track.height() + 6 * unit))


class Findings(QWidget):
    """The list with its foot; ``chosen`` carries the label of the finding that a person wants explained."""

    chosen = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self.model = FindingsModel()
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(FindingBar(self.view))
        self.view.setAccessibleName("Findings")
        self.view.setMouseTracking(True)
        self.view.setUniformItemSizes(True)
        self.view.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.view.selectionModel().currentChanged.connect(self._current_changed)
        self.more = parts.button("", self._show_all, kind="quiet")
        self.key = parts.label(
            "Bar: probability. Upright mark: threshold. Pale band: uncertainty.", "muted", theme.SMALL_SIZE
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        for widget in (self.view, self.more, self.key):
            column.addWidget(widget)

    def show_findings(self, findings: Sequence[Finding], selected: str = "") -> None:
        """Show the findings of a result and select one, the first when none is named."""
        self.model.show(findings)
        self._fit()
        wanted = self.model.index_of(selected) if selected else QModelIndex()
        self.view.setCurrentIndex(wanted if wanted.isValid() else self.model.index(0))

    def selected(self) -> Finding | None:
        """Return the selected finding."""
        index = self.view.currentIndex()
        return index.data(Role.FINDING) if index.isValid() else None

    def _show_all(self) -> None:
        chosen = self.selected()
        self.model.show_all()
        self._fit()
        if chosen is not None:
            self.view.setCurrentIndex(self.model.index_of(chosen.label))

    def _fit(self) -> None:
        self.view.setFixedHeight(self.model.rowCount() * _ROW_HEIGHT + 2)
        self.more.setVisible(self.model.hidden > 0)
        self.more.setText(f"{self.model.hidden} more below threshold")
        self.more.setAccessibleName(f"Show {self.model.hidden} more findings below their threshold")
        self.key.setVisible(self.model.rowCount() > 0)

    def _current_changed(self, current: QModelIndex) -> None:
        if current.isValid():
            finding: Finding = current.data(Role.FINDING)
            self.chosen.emit(finding.label)
