"""The learning space: earlier trainings at the left, and the steps of the one that is shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtWidgets import QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts
from medtransfer.gui.background import Job
from medtransfer.gui.command import Command
from medtransfer.gui.context import Context
from medtransfer.gui.learn.data import DataPage
from medtransfer.gui.learn.listing import PRETRAINING, entries
from medtransfer.gui.learn.pretraining import PretrainingFlow
from medtransfer.gui.learn.recipe import RecipePage
from medtransfer.gui.learn.report import ReportPage
from medtransfer.gui.learn.runs import Runs
from medtransfer.gui.learn.steps import Steps
from medtransfer.gui.learn.training import TrainingPage
from medtransfer.gui.lists import EntryList
from medtransfer.work import learn, learners, pretrainings, trainings
from medtransfer.work.learn import Trained
from medtransfer.work.planning import Examination
from medtransfer.work.pretrainings import Pretraining
from medtransfer.work.trainings import Training


@dataclass(frozen=True)
class _Opened:
    """A training from the list, what it made if it is done, and the names of its plug-in's findings by their ids."""

    training: Training
    trained: Trained | None
    findings: Mapping[str, str]


class LearnSpace:
    """From a table of labelled cases to a published model."""

    id = "learn"
    title = "Learn"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._widget: QWidget | None = None
        self._shown: Training | None = None
        self.runs = Runs(context)
        self.before = PretrainingFlow(context, self.runs)

    def widget(self) -> QWidget:
        """Return the space's widget; made when first asked for."""
        if self._widget is None:
            self._widget = self._build()
            self._connect()
            self._add_commands()
            self.reload()
        return self._widget

    def state(self) -> dict[str, object]:
        """Return which training or pretraining is shown, or which cases are chosen."""
        if self._shown is not None:
            return {"training": self._shown.id}
        if self.before.current is not None:
            return {"pretraining": self.before.current.id}
        return {"data": str(self.data.wish.data)} if self._widget is not None and self.data.wish is not None else {}

    def restore(self, state: dict[str, object]) -> None:
        """Show that training or pretraining again; an interrupted one waits to be resumed.

        Cases are left for the person to choose.
        """
        self.widget()
        if "training" in state:
            self.show_training(str(state["training"]))
        elif "pretraining" in state:
            self.before.open(str(state["pretraining"]))

    def may_close(self) -> bool:
        """Return True: the window itself asks about a training that runs."""
        return True

    def new(self) -> None:
        """Begin another training."""
        self._shown = self.before.current = None
        self.list.select("")
        self.data.start()
        self._show(self.data)

    def reload(self) -> None:
        """Read the lists of trainings and pretrainings again."""
        home = self._context.home
        self._context.background.run(
            "Reading the list of trainings",
            lambda _job: (trainings.list_trainings(home), pretrainings.list_pretrainings(home)),
            lambda found: self._list(*found),
        )

    def show_training(self, training_id: str) -> None:
        """Show a training at the step where it is."""
        home = self._context.home
        self.before.current = None

        def work(_job: Job) -> _Opened:
            training = trainings.find(home, training_id)
            trained = None if training.state == "damaged" else learn.trained_in(training.folder)
            return _Opened(training, trained, learners.label_names(home, training.wish.plugin))

        self._context.background.run("Opening a training", work, self._open, self._say)

    def _build(self) -> QWidget:
        self.list = EntryList(
            "Trainings", "None yet. Your trainings are listed here, to look at, go on with or publish."
        )
        self.steps = Steps()
        self.data, self.recipe = DataPage(self._context), RecipePage(self._context)
        self.training, self.report = TrainingPage(), ReportPage()
        self.stack = QStackedWidget()
        for page in (self.data, self.recipe, self.training, self.report, *self.before.pages):
            self.stack.addWidget(page)
        self.new_button = parts.button("New training", self.new)
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(pages.left_panel("Trainings", self.list, self.new_button))
        centre = QVBoxLayout()
        centre.setSpacing(0)
        centre.addWidget(self.steps)
        centre.addWidget(self.stack, 1)
        row.addLayout(centre, 1)
        return widget

    def _connect(self) -> None:
        self.list.chosen.connect(self._choose)
        self.data.pretraining.connect(self._pretrain)
        self.before.shown.connect(self._show_pretraining)
        self.before.left.connect(self.new)
        self.before.used.connect(self._train_from)
        self.data.settled.connect(self._choose_recipe)
        self.recipe.back.connect(lambda: self._show(self.data))
        self.recipe.started.connect(self._begin)
        self.training.stopped.connect(self._stop)
        self.training.resumed.connect(self._resume)
        self.report.published.connect(self._publish)
        self.report.read.connect(lambda: self._context.events.show_space.emit("read"))
        for page in (self.training, self.report):
            page.removed.connect(self._remove)
        self.runs.changed.connect(self.reload)
        self.runs.done.connect(self._trained)
        self.runs.failed.connect(self._failed)
        self._context.events.plugins_changed.connect(self.data.load_plugins)
        self._context.events.plugins_changed.connect(self.before.load_plugins)

    def _add_commands(self) -> None:
        self._context.commands.add(
            Command("learn.new", "New training", "Learn", self.new, "Ctrl+Shift+N", "Teach a network labelled cases."),
            Command(
                "learn.table",
                "Learn from a table\u2026",
                "Learn",
                self._ask_for_table,
                help="Choose a table of labelled cases.",
            ),
            Command(
                "learn.pretrain",
                "Learn images without answers\u2026",
                "Learn",
                self._ask_for_images,
                help="Choose a folder of images that the network learns without answers, to train from afterwards.",
            ),
            Command(
                "learn.stop",
                "Stop the training",
                "Learn",
                self._stop,
                help="Stop the training that is shown; it can go on later.",
                enabled=lambda: self._shown is not None and self.runs.running(self._shown),
            ),
        )

    def _ask_for_table(self) -> None:
        self._context.events.show_space.emit(self.id)
        self.new()
        self.data.choose_table()

    def _ask_for_images(self) -> None:
        self._context.events.show_space.emit(self.id)
        self._pretrain()
        self.before.images.ask()

    def _pretrain(self) -> None:
        self._shown = None
        self.before.new()

    def _choose(self, key: str) -> None:
        if key.startswith(PRETRAINING):
            self.before.open(key.removeprefix(PRETRAINING))
        else:
            self.show_training(key)

    def _show(self, page: QWidget) -> None:
        self.stack.setCurrentWidget(page)
        self.steps.show()
        self.steps.show_step(self.stack.currentIndex())

    def _show_pretraining(self, page: QWidget) -> None:
        self._shown = None
        self.stack.setCurrentWidget(page)
        self.steps.hide()
        self._select()

    def _train_from(self, pretraining: Pretraining) -> None:
        self.new()
        self.data.begin_from(pretraining)

    def _list(self, found: list[Training], before: list[Pretraining]) -> None:
        self.list.show_entries(entries(found, before, self.runs))
        self._select()

    def _select(self) -> None:
        if self._shown is not None:
            self.list.select(self._shown.id)
        elif self.before.current is not None:
            self.list.select(PRETRAINING + self.before.current.id)
        else:
            self.list.select("")

    def _open(self, opened: _Opened) -> None:
        training, trained = opened.training, opened.trained
        self._shown = training
        self.list.select(training.id)
        if trained is not None:
            self.report.show_trained(trained, training.model)
            self._show(self.report)
            return
        self._describe(training, opened.findings)
        job = self.runs.job(training)
        if job is not None:
            self.training.watch(job, self.runs.told(training))
        elif (error := self.runs.error(training)) is not None:
            self.training.show_failure(error)
        else:
            self.training.show_paused()
        self._show(self.training)

    def _describe(self, training: Training, findings: Mapping[str, str]) -> None:
        wish = training.wish
        about = f"{wish.recipe.capitalize()} recipe, cases from {wish.data.name}"
        self.training.describe(wish.name or wish.plugin, about, findings)

    def _choose_recipe(self) -> None:
        data = self.data
        if data.wish is not None and data.examination is not None and data.cases is not None:
            self.recipe.show_plan(data.wish, data.examination, data.cases.left_out)
            self._show(self.recipe)
            self.recipe.start.setFocus()

    def _begin(self) -> None:
        wish = self.data.renamed(self.recipe.name.text(), self.recipe.recipe(), self.recipe.trio.settings())
        if wish is None:
            return
        home, found = self._context.home, self.data.examination
        names = {count.id: count.name for count in self.data.cases.survey.labels} if self.data.cases else {}
        self.recipe.start.setEnabled(False)

        def done(training: Training) -> None:
            self.recipe.start.setEnabled(True)
            self._describe(training, names)
            self._start(training, found)

        def failed(error: MedTransferError) -> None:
            self.recipe.start.setEnabled(True)
            self._say(error)

        self._context.background.run("Beginning a training", lambda _job: trainings.begin(home, wish), done, failed)

    def _resume(self) -> None:
        if self._shown is not None:
            self._start(self._shown, None)

    def _start(self, training: Training, found: Examination | None) -> None:
        self._shown = training
        self.training.watch(self.runs.start(training, found), ())
        self._show(self.training)
        self.training.stop.setFocus()

    def _stop(self) -> None:
        if self._shown is not None and self.runs.running(self._shown):
            self.runs.stop(self._shown)
            self.training.show_stopping()

    def _trained(self, training: Training, trained: Trained) -> None:
        self._context.events.message.emit(f"The training of {trained.name} is done.")
        if self._shown is not None and self._shown.id == training.id:
            self.report.show_trained(trained, "")
            self._show(self.report)

    def _failed(self, training: Training, error: MedTransferError) -> None:
        if self._shown is None or self._shown.id != training.id:
            return
        if error.code == "job.cancelled":
            self.training.show_paused()
            self.training.resume.setFocus()
        else:
            self.training.show_failure(error)

    def _publish(self) -> None:
        trained, shown = self.report.trained, self._shown
        if trained is None or shown is None:
            return
        self.report.show_publishing()

        def done(reference: str) -> None:
            self._context.events.models_changed.emit()
            self._context.events.message.emit(f"Published as {reference}.")
            if self.report.trained is trained:
                self.report.show_reference(reference)
            self.reload()

        self.runs.publish(trained, done, lambda error: self.report.show_trouble(error.shown()))

    def _remove(self) -> None:
        shown = self._shown
        if shown is None or self.runs.running(shown):
            return
        self._context.background.run(
            "Removing a training", lambda _job: trainings.remove(shown), lambda _none: self.reload(), self._say
        )
        self.new()

    def _say(self, error: MedTransferError) -> None:
        self._context.events.message.emit(error.shown().replace("\n", " "))
