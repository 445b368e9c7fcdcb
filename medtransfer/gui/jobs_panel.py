"""The jobs panel: what runs, how far it is, how long it will take, and a way to stop it."""

from __future__ import annotations

import time

from PySide6.QtCore import QAbstractListModel, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QHideEvent, QPainter, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from medtransfer.gui import parts, theme
from medtransfer.gui.background import Background, Job, State

Index = QModelIndex | QPersistentModelIndex
JOB = Qt.ItemDataRole.UserRole
BRIEF_S = 0.3
_EVERY_MS = 250
_ROW = 44
_NOWHERE = QModelIndex()


def state_in_words(job: Job) -> str:
    """Return where a job stands: the stage with the time left, or how it ended."""
    if job.state is State.RUNNING:
        if job.cancelled.is_set():
            return "stopping"
        parts_said = [job.stage or "starting"]
        if job.fraction is not None:
            parts_said.append(f"{job.fraction:.0%}")
        left = seconds_left(job)
        if left is not None:
            parts_said.append(f"about {duration(left)} left")
        return " · ".join(parts_said)
    if job.state is State.FAILED and job.error is not None:
        return f"failed: {job.error.message}"
    took = duration((job.finished or job.started) - job.started)
    return f"done in {took}" if job.state is State.DONE else f"stopped after {took}"


def seconds_left(job: Job) -> float | None:
    """Return an estimate of the seconds left, by the pace so far; None where that would be a guess."""
    elapsed = time.monotonic() - job.started
    if job.fraction is None or job.fraction < 0.02 or elapsed < 2:
        return None
    return elapsed * (1 - job.fraction) / job.fraction


def duration(seconds: float) -> str:
    """Return a duration as a person says it: ``4 s``, ``3 min``, ``2 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"


class JobModel(QAbstractListModel):
    """The jobs worth showing, what runs first, then the latest: what took longer than a blink, and what failed."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self._background = background
        self._jobs: list[Job] = []

    def refresh(self) -> None:
        """Look at the jobs again."""
        shown = sorted(filter(_worth_showing, self._background.jobs), key=_rank)
        if shown != self._jobs:
            self.beginResetModel()
            self._jobs = shown
            self.endResetModel()
        elif shown:
            self.dataChanged.emit(self.index(0), self.index(len(shown) - 1))

    def rowCount(self, parent: Index = _NOWHERE) -> int:  # noqa: N802 - Qt's name
        """Return how many jobs are shown."""
        return 0 if parent.isValid() else len(self._jobs)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """Return a job, its title, or the line that a screen reader says."""
        if not index.isValid():
            return None
        job = self._jobs[index.row()]
        if role == JOB:
            return job
        if role == Qt.ItemDataRole.DisplayRole:
            return job.title
        if role == Qt.ItemDataRole.ToolTipRole and job.error is not None:
            return job.error.shown()
        if role == Qt.ItemDataRole.AccessibleTextRole:
            return f"{job.title}, {state_in_words(job)}"
        return None


def _rank(job: Job) -> tuple[bool, float]:
    return job.state is not State.RUNNING, -job.started


def _worth_showing(job: Job) -> bool:
    end = job.finished if job.finished is not None else time.monotonic()
    return job.state is State.FAILED or end - job.started >= BRIEF_S


class JobDelegate(QStyledItemDelegate):
    """Draws a job: title, where it stands, and a bar while it runs."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: ARG002, N802 - as Qt calls it
        """Return the size of every row."""
        return QSize(200, _ROW)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Draw one job."""
        job: Job = index.data(JOB)
        area = QRect(option.rect)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.setPen(theme.colour("accent" if option.state & QStyle.StateFlag.State_HasFocus else "line"))
            painter.setBrush(theme.colour("raised"))
            painter.drawRoundedRect(area.adjusted(1, 1, -1, -1), theme.RADIUS, theme.RADIUS)
        inside = area.adjusted(theme.spacing(1.5), 7, -theme.spacing(1.5), -7)
        painter.setFont(theme.font(weight=theme.MEDIUM))
        painter.setPen(theme.colour("text"))
        running = job.state is State.RUNNING
        height = Qt.AlignmentFlag.AlignTop if running else Qt.AlignmentFlag.AlignVCenter
        painter.drawText(inside, Qt.AlignmentFlag.AlignLeft | height, job.title)
        used = painter.fontMetrics().horizontalAdvance(job.title) + theme.spacing(2)
        painter.setFont(theme.font(theme.SMALL_SIZE))
        painter.setPen(theme.colour("danger" if job.state is State.FAILED else "muted"))
        beside = inside.adjusted(used, 1, 0, 0)
        said = painter.fontMetrics().elidedText(state_in_words(job), Qt.TextElideMode.ElideRight, beside.width())
        painter.drawText(beside, Qt.AlignmentFlag.AlignRight | height, said)
        if running:
            self._bar(painter, QRect(inside.left(), inside.bottom() - 8, inside.width(), 5), job.fraction)
        painter.restore()

    def _bar(self, painter: QPainter, groove: QRect, fraction: float | None) -> None:
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("track"))
        painter.drawRoundedRect(groove, 2, 2)
        painter.setBrush(theme.colour("accent"))
        if fraction is None:  # a short piece that travels: busy, for how long nobody knows
            piece = groove.width() // 5
            start = int((time.monotonic() / 2 % 1.0) * (groove.width() - piece))
            painter.drawRoundedRect(groove.left() + start, groove.top(), piece, groove.height(), 2, 2)
        elif fraction > 0:
            painter.drawRoundedRect(groove.left(), groove.top(), round(groove.width() * min(fraction, 1.0)), 5, 2, 2)


class JobsPanel(QWidget):
    """The list, and a button that stops the chosen job (also Delete)."""

    def __init__(self, background: Background) -> None:
        super().__init__()
        self.model = JobModel(background)
        self.view = QListView()
        self.view.setModel(self.model)
        self.view.setItemDelegate(JobDelegate(self.view))
        self.view.setAccessibleName("Jobs")
        self.empty = parts.label("Nothing is running. What you analyse, learn or install is listed here.", "muted")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.stop = parts.button("Stop", self._stop, tip="Stop the chosen job (Delete)")
        self.stop.setShortcut("Delete")
        self.details = parts.label("", "muted", theme.SMALL_SIZE)
        row = QHBoxLayout()
        row.addWidget(self.details, stretch=1)
        row.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.spacing(), 0, theme.spacing(), theme.spacing())
        column.addWidget(self.view, stretch=1)
        column.addWidget(self.empty, stretch=1)
        column.addLayout(row)
        self._timer = QTimer(self, interval=_EVERY_MS)
        self._timer.timeout.connect(self.refresh)
        self.view.selectionModel().currentChanged.connect(self._say_details)
        self.refresh()

    def refresh(self) -> None:
        """Show the jobs as they stand."""
        self.model.refresh()
        any_job = self.model.rowCount() > 0
        self.view.setVisible(any_job)
        self.empty.setVisible(not any_job)
        if any_job and not self.view.currentIndex().isValid():
            self.view.setCurrentIndex(self.model.index(0))
        self._say_details()

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802 - Qt's name
        """Keep up to date while visible."""
        super().showEvent(event)
        self.refresh()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's name
        """Rest while nobody looks."""
        super().hideEvent(event)
        self._timer.stop()

    def _chosen(self) -> Job | None:
        index = self.view.currentIndex()
        job = index.data(JOB) if index.isValid() else None
        return job if isinstance(job, Job) else None

    def _say_details(self) -> None:
        job = self._chosen()
        self.stop.setEnabled(job is not None and job.state is State.RUNNING and not job.cancelled.is_set())
        self.details.setText(job.error.shown() if job is not None and job.error is not None else "")

    def _stop(self) -> None:
        job = self._chosen()
        if job is not None:
            job.cancel()
        self.refresh()
