"""First step: which cases to learn from, what is wrong with them, and how they are split."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QComboBox, QFileDialog, QHBoxLayout, QProgressBar, QVBoxLayout, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job, State
from medtransfer.gui.context import Context
from medtransfer.gui.learn.beginnings import Beginnings
from medtransfer.gui.learn.cases import CasesView
from medtransfer.gui.learn.dropbox import DropBox
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.work import labels, learners, planning
from medtransfer.work.labels import Survey
from medtransfer.work.planning import Examination, Wish
from medtransfer.work.pretrainings import Pretraining
from medtransfer.work.report.numbers import counted
from medtransfer.work.session import Session

TABLES = "Tables of cases (*.csv *.tsv *.txt *.xlsx *.parquet)"
FORMATS = (
    "A table has one row per image: its file, its patient, and a column per finding with 1, 0 or nothing. "
    "A folder may hold such a table, one subfolder of images per class, or a published data set as it was unpacked, "
    "such as ChestX-ray14 or RFMiD."
)
PURPOSE = (
    "The network starts from what it knows, learns from your labelled cases, and is tested on patients whom it never "
    "saw."
)
UNLABELLED = (
    "Many images, and few of them with answers? The network can learn what they look like first, without answers."
)


class DataPage(pages.Page):
    """The page. ``settled`` says that the person goes on with :attr:`wish` and :attr:`examination`.

    ``pretraining`` says that they want the network to learn images without answers first. :attr:`cases` is there once
    the chosen cases have been looked at.
    """

    settled = Signal()
    pretraining = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.wish: Wish | None = None
        self.examination: Examination | None = None
        self.cases: CasesView | None = None
        self._job: Job | None = None
        self._waiting: Path | None = None  # chosen before the list of plug-ins was there
        self._listed = False
        self.plugins = QComboBox()
        self.plugins.setAccessibleName("Plug-in that learns")
        self.plugins.currentIndexChanged.connect(self._plugin_changed)
        self.beginnings = Beginnings(context)
        self.beginnings.changed.connect(self._choose_again)
        self.go_on = parts.button("Continue", self.settled.emit, "primary", "Choose how to learn from these cases")
        self._fill_side()
        self.start()
        self.load_plugins()

    def load_plugins(self) -> None:
        """Read which plug-ins can learn."""
        home = self._context.home
        self._context.background.run(
            "Looking for plug-ins that learn", lambda _job: learners.learners(home), self._show_plugins
        )

    def start(self) -> None:
        """Ask for cases."""
        self.stop()
        self.wish = self.examination = self.cases = None
        self._update_side()
        pages.clear(self.body)
        self.body.addWidget(parts.title("Teach a network your cases"))
        self.body.addWidget(parts.label(PURPOSE, "muted"))
        self.body.addWidget(self._drop_box())
        self._invitation = self._inviting()
        self.body.addWidget(self._invitation)
        self._invitation.setVisible(self.beginnings.pretrainer)

    def choose(self, path: Path) -> None:
        """Look at the cases of a table or folder."""
        if not self._listed:
            self._waiting = path
            return
        plugin = self.plugins.currentData()
        if plugin is None:
            self._show_trouble("There is no plug-in that can learn.", "Install or switch on one under Plug-ins.")
            return
        self.stop()
        name = learners.suggested_name(path)
        self.wish = Wish(str(plugin), path, name=name, parent=self.beginnings.folder)
        self.examination = self.cases = None
        self._update_side()
        self._examine(self.wish)

    def stop(self) -> None:
        """Stop looking, if that is going on."""
        if self._job is not None and self._job.state is State.RUNNING:
            self._job.cancel()
        self._job = None

    def choose_table(self) -> None:
        """Ask for a table by the system's dialog."""
        chosen, _ = QFileDialog.getOpenFileName(self, "Table of labelled cases", "", f"{TABLES};;All files (*)")
        if chosen:
            self.choose(Path(chosen))

    def choose_folder(self) -> None:
        """Ask for a folder by the system's dialog."""
        chosen = QFileDialog.getExistingDirectory(self, "Folder of labelled cases")
        if chosen:
            self.choose(Path(chosen))

    def _fill_side(self) -> None:
        self.side.addWidget(parts.heading("Learn with"))
        self.side.addWidget(self.plugins)
        self._about = parts.label("", "muted")
        self.side.addWidget(self._about)
        self.side.addWidget(self.beginnings)
        self.side.addSpacing(theme.spacing(1))
        self.side.addWidget(parts.heading("Cases"))
        self._about_cases = parts.label()
        self.side.addWidget(self._about_cases)
        self.side.addWidget(self.go_on)
        self.other = parts.button("Other cases", self.start)
        self.side.addWidget(self.other)
        self.side.addStretch(1)

    def _update_side(self) -> None:
        found = self.examination
        ready = found is not None and found.split is not None and not found.errors
        self.go_on.setEnabled(ready)
        self.go_on.setVisible(self.wish is not None)
        self.other.setVisible(self.wish is not None)
        self._about_cases.setText(self._said_of_cases())

    def _said_of_cases(self) -> str:
        if self.wish is None:
            return "None chosen yet."
        name, found = self.wish.data.name, self.examination
        if self.cases is None:
            return name
        if found is None:
            return f"{name}: no finding is ticked." if not self.wish.labels else f"{name}: splitting again\u2026"
        if found.errors:
            return f"{name}: {counted(len(found.errors), 'thing')} must be mended first."
        chosen, every = len(found.cohort.labels), len(self.cases.survey.labels)
        findings = counted(every, "finding") if chosen == every else f"{chosen} of {counted(every, 'finding')}"
        return f"{name}: {counted(len(found.cohort.cases), 'case')}, {findings} to learn."

    def _drop_box(self) -> DropBox:
        box = DropBox()
        box.dropped.connect(self.choose)
        column = QVBoxLayout(box)
        column.setContentsMargins(theme.spacing(4), theme.spacing(5), theme.spacing(4), theme.spacing(5))
        column.setSpacing(theme.spacing(1.5))
        title = parts.label("Drop a table or a folder of labelled cases here", size=15, weight=theme.SEMIBOLD)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(title)
        words = parts.label(FORMATS, "muted")
        words.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addWidget(words)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(parts.button("Choose a table\u2026", self.choose_table, "primary"))
        row.addWidget(parts.button("Choose a folder\u2026", self.choose_folder))
        row.addStretch(1)
        column.addLayout(row)
        return box

    def begin_from(self, pretraining: Pretraining) -> None:
        """Have the next training start from a pretraining."""
        self.plugins.setCurrentIndex(max(self.plugins.findData(pretraining.wish.plugin), 0))
        self.beginnings.select(pretraining)

    def _inviting(self) -> QWidget:
        """Return the offer to learn images without answers first."""
        frame, column = parts.card("note")
        row = QHBoxLayout()
        row.addWidget(parts.label(UNLABELLED, "muted"), 1)
        row.addWidget(parts.button("Learn images without answers\u2026", self.pretraining.emit))
        column.addLayout(row)
        return frame

    def _show_plugins(self, found: list[PluginEntry]) -> None:
        chosen = self.plugins.currentData()
        self.plugins.blockSignals(True)  # noqa: FBT003 - Qt's signature
        self.plugins.clear()
        for entry in found:
            if entry.manifest is not None:
                self.plugins.addItem(entry.manifest.name, entry.id)
                self.plugins.setItemData(
                    self.plugins.count() - 1, entry.manifest.card.summary, Qt.ItemDataRole.ToolTipRole
                )
        self.plugins.setCurrentIndex(max(self.plugins.findData(chosen), 0))
        self.plugins.blockSignals(False)  # noqa: FBT003
        self._say_plugin()
        self.beginnings.show_for(str(self.plugins.currentData()))
        self._listed = True
        self.beginnings.pretrainer = any(entry.manifest is not None and entry.manifest.can.pretrain for entry in found)
        if self.wish is None:
            self._invitation.setVisible(self.beginnings.pretrainer)
        waiting, self._waiting = self._waiting, None
        if waiting is not None:
            self.choose(waiting)

    def _say_plugin(self) -> None:
        summary = self.plugins.currentData(Qt.ItemDataRole.ToolTipRole)
        self._about.setText(str(summary) if summary else "No plug-in here can learn: install one under Plug-ins.")

    def _plugin_changed(self) -> None:
        self._say_plugin()
        self.beginnings.show_for(str(self.plugins.currentData()))
        self._choose_again()

    def _choose_again(self) -> None:
        if self.wish is not None:
            self.choose(self.wish.data)

    def _examine(self, wish: Wish) -> None:
        pages.clear(self.body)
        self.body.addWidget(parts.title("Looking at every case"))
        stage = parts.label("Reading the table", "muted")
        bar = QProgressBar()
        bar.setRange(0, 0)
        bar.setAccessibleName("Progress of the checks")
        self.body.addWidget(stage)
        self.body.addWidget(bar)
        row = QHBoxLayout()
        row.addWidget(parts.button("Stop", self.start))
        row.addStretch(1)
        self.body.addLayout(row)

        def work(job: Job) -> tuple[Wish, Survey]:
            with Session(self._context.home, job.on_progress, job.cancelled) as session:
                return wish, labels.survey(session, wish)

        def shown(words: str, fraction: float | None, _values: object) -> None:
            stage.setText(f"{words[:1].upper()}{words[1:]}")
            bar.setRange(0, 0 if fraction is None else 1000)
            bar.setValue(round(1000 * (fraction or 0.0)))

        job = self._context.background.run("Checking cases", work, self._show, lambda error: self._failed(wish, error))
        job.progressed.connect(shown, Qt.ConnectionType.QueuedConnection)
        self._job = job

    def _show(self, looked: tuple[Wish, Survey]) -> None:
        wish, survey = looked
        if self.wish != wish:
            return
        self.wish, self.examination = survey.wish, survey.examination
        pages.clear(self.body)
        self.cases = CasesView(self._context.background, survey)
        self.cases.chosen_changed.connect(self._choose_findings)
        self.body.addWidget(self.cases)
        self._update_side()
        if self.go_on.isEnabled():
            self.go_on.setFocus()

    def _choose_findings(self) -> None:
        """Split and check again for the findings that are ticked now; no image is opened again."""
        if self.wish is None or self.cases is None:
            return
        self.stop()
        self.wish = wish = replace(self.wish, labels=self.cases.chosen)
        self.examination = None
        self._update_side()
        if not wish.labels:
            self.cases.show_nothing_chosen()
            return
        looks = self.cases.survey.examination.looks

        def work(job: Job) -> tuple[Wish, Examination]:
            with Session(self._context.home, job.on_progress, job.cancelled) as session:
                return wish, planning.examine(session, wish, looks)

        self._job = self._context.background.run(
            "Splitting the cases", work, self._show_again, lambda e: self._failed(wish, e)
        )

    def _show_again(self, looked: tuple[Wish, Examination]) -> None:
        wish, found = looked
        if self.wish == wish and self.cases is not None:
            self.examination = found
            self.cases.show_examination(found)
            self._update_side()

    def _failed(self, wish: Wish, error: MedTransferError) -> None:
        if self.wish == wish and error.code != "job.cancelled":
            self._show_trouble(*_two(error))

    def _show_trouble(self, what: str, hint: str) -> None:
        self.start()
        frame, column = parts.card("failure")
        column.addWidget(parts.label(what, "danger", weight=theme.MEDIUM))
        column.addWidget(parts.label(hint))
        self.body.insertWidget(2, frame)

    def renamed(self, name: str, recipe: str, settings: Mapping[str, str | int | float | bool]) -> Wish | None:
        """Return the wish with what the next step settled."""
        return replace(self.wish, name=name, recipe=recipe, settings=settings) if self.wish else None


def _two(error: MedTransferError) -> tuple[str, str]:
    head = f"{error.subject}: {error.message}" if error.subject else error.message
    return f"{head[:1].upper()}{head[1:].rstrip('.')}.", error.hint
