"""What a look at the cases found: how many there are, the findings to choose from, the split, and what is wrong."""

from __future__ import annotations

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Background
from medtransfer.gui.learn.checks import ChecksView
from medtransfer.gui.learn.findings import FindingsTable
from medtransfer.gui.learn.split import SplitView
from medtransfer.work.labels import Survey
from medtransfer.work.planning import Examination

CHOOSE = "Tick at least one finding to go on."
NONE = "None of the findings can be learnt from these cases. What stands in the way is said beside each."


class CasesView(QWidget):
    """The view of one survey. ``chosen_changed`` says that other findings are ticked in :attr:`findings`."""

    chosen_changed = Signal()

    def __init__(self, background: Background, survey: Survey) -> None:
        super().__init__()
        self.survey = survey
        self.findings = FindingsTable()
        self.checks = ChecksView(background)
        self.split = SplitView()
        self._title = parts.title("")
        self._trouble = parts.label("", "warning", weight=theme.MEDIUM)
        self._checks = _section("Checks", self.checks)
        self._split = _section("Split by patient", self.split)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.spacing(1.5))
        for widget in (self._title, self._tiles(), _section("Findings to learn", self.findings), self._trouble):
            self._column.addWidget(widget)
        self._column.addWidget(self._split)
        self._column.addWidget(self._checks)
        self.findings.findings.show(survey.labels, survey.wish.labels)
        self.findings.chosen_changed.connect(self.chosen_changed)
        self.show_examination(survey.examination)

    @property
    def chosen(self) -> tuple[str, ...]:
        """The ids of the findings that are ticked."""
        return self.findings.findings.chosen()

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the findings that are not ticked."""
        return tuple(count.name for count in self.survey.labels if count.id not in self.chosen)

    def show_examination(self, found: Examination) -> None:
        """Show what was found with the findings that are ticked now; what must be mended comes first."""
        self._title.setText("Some things must be mended first" if found.errors else "The cases are ready")
        self._say("" if self.chosen else NONE)
        self.checks.show_problems(found.cohort, found.problems)
        self._column.removeWidget(self._checks)
        self._column.insertWidget(2 if found.errors and self.chosen else self._column.count(), self._checks)
        self._split.setVisible(found.split is not None)
        if found.split is not None:
            names = {count.id: count.name for count in self.survey.labels}
            self.split.show_split(found.cohort, found.split, names)

    def show_nothing_chosen(self) -> None:
        """Say that something must be ticked."""
        self._title.setText("Nothing to learn is chosen")
        self._split.hide()
        self._say(CHOOSE)

    def _say(self, words: str) -> None:
        self._trouble.setText(words)
        self._trouble.setVisible(bool(words))

    def _tiles(self) -> QWidget:
        cases = self.survey.examination.cohort.cases
        figures = {"cases": len(cases), "patients": len({case.patient for case in cases})}
        return pages.tiles({name: f"{value:,}" for name, value in figures.items()})


def _section(heading: str, content: QWidget) -> QWidget:
    widget = QWidget()
    column = QVBoxLayout(widget)
    column.setContentsMargins(0, theme.spacing(1), 0, 0)
    column.setSpacing(theme.spacing(1))
    column.addWidget(parts.heading(heading))
    column.addWidget(content)
    return widget
