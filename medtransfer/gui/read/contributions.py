"""What the parts of a model had to do with a probability: what each component adds, and what each learner said."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.result.model import Contribution, Finding
from medtransfer.work.report import numbers

_BAR = QSize(64, 7)
_LEAST_FULL = 0.1
"""The largest of several contributions fills its side, but nothing smaller than this does."""
_COMPARED = "Compared with what the component says on average."


class Contributions(QWidget):
    """Shows one finding's contributions; nothing where it has none."""

    def __init__(self) -> None:
        super().__init__()
        self._components, self._learners = _grid(), _grid()
        self._folded = QWidget()
        self._folded.setLayout(self._learners)
        self._note = parts.label(_COMPARED, "muted", theme.SMALL_SIZE)
        self.more = parts.button("", self._toggle, kind="quiet")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(0.5))
        column.addLayout(self._components)
        for widget in (self._note, self.more, self._folded):
            column.addWidget(widget)
        self._folded.hide()

    def show_for(self, finding: Finding | None) -> None:
        """Show what is known about one finding."""
        known = finding.contributions if finding else ()
        components = [part for part in known if part.kind == "component"]
        learners = [part for part in known if part.kind == "learner"]
        _fill(self._components, components)
        _fill(self._learners, learners)
        self._note.setVisible(bool(components))
        self.more.setVisible(bool(learners))
        self.more.setText(f"{numbers.counted(len(learners), 'learner')} voted on what they say")
        self.more.setAccessibleName("What each learner said")
        self._folded.setVisible(self._folded.isVisibleTo(self) and bool(learners))

    def _toggle(self) -> None:
        self._folded.setVisible(not self._folded.isVisibleTo(self))


class Bar(QWidget):
    """A contribution from the middle to either side, or a probability in [0, 1] from the left.

    ``full`` is the contribution whose bar reaches the end.
    """

    def __init__(self, part: Contribution, full: float = 1.0) -> None:
        super().__init__()
        self.part = part
        self._full = full
        self.setFixedSize(_BAR)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802, ARG002 - Qt's name and signature
        """Paint the track, what is filled of it, and where nothing is."""
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        radius = self.height() / 2
        painter.setBrush(theme.colour("track"))
        painter.drawRoundedRect(QRectF(self.rect()), radius, radius)
        begin, end = self.span()
        adds = self.part.probability is None and (self.part.contribution or 0.0) >= 0
        painter.setBrush(theme.colour("positive" if adds else "neutral"))
        filled = QRectF(begin * self.width(), 0.0, max((end - begin) * self.width(), 2.0), self.height())
        painter.drawRoundedRect(filled, min(radius, filled.width() / 2), radius)
        if self.part.probability is None:
            painter.setBrush(theme.colour("mark"))
            painter.drawRect(QRectF(self.width() / 2 - 0.5, 0.0, 1.0, self.height()))

    def span(self) -> tuple[float, float]:
        """Return from where to where it is filled, in parts of its width."""
        if self.part.probability is not None:
            return 0.0, self.part.probability
        end = 0.5 + 0.5 * (self.part.contribution or 0.0) / self._full
        return min(0.5, end), max(0.5, end)


def _grid() -> QGridLayout:
    grid = QGridLayout()
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.spacing())
    grid.setVerticalSpacing(theme.spacing(0.5))
    grid.setColumnStretch(0, 1)
    return grid


def _fill(grid: QGridLayout, known: Sequence[Contribution]) -> None:
    pages.clear(grid)
    full = max([_LEAST_FULL, *(abs(part.contribution or 0.0) for part in known)])
    for row, part in enumerate(known):
        figure = parts.label(_figure(part), size=theme.SMALL_SIZE, weight=theme.MEDIUM)
        figure.setWordWrap(False)
        if part.probability is not None and part.contribution is not None:
            figure.setToolTip(f"Its vote adds {numbers.signed(part.contribution)} to the answer")
        grid.addWidget(parts.label(part.name, size=theme.SMALL_SIZE), row, 0)
        grid.addWidget(Bar(part, full), row, 1, Qt.AlignmentFlag.AlignVCenter)
        grid.addWidget(figure, row, 2, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)


def _figure(part: Contribution) -> str:
    """Return what a component adds to the probability, or a learner's own probability."""
    if part.probability is not None:
        return numbers.figure(part.probability)
    return numbers.signed(part.contribution or 0.0)
