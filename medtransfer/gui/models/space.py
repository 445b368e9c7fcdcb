"""The space of models: the list at the left, the card in the middle, what to do at the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.command import Command
from medtransfer.gui.context import Context
from medtransfer.gui.lists import Entry, EntryList
from medtransfer.gui.models.card import ModelCard, title_of
from medtransfer.gui.models.comparison import Comparer
from medtransfer.store import models as registry
from medtransfer.work import models, shelf
from medtransfer.work.report.model_sections import model_line
from medtransfer.work.report.numbers import moment
from medtransfer.work.shelf import ShelfModel

_T = TypeVar("_T")
EMPTY = "None yet. Teach one under Learn, or import one that was exported elsewhere."
DELETING = "Results that were made with it stay, but cannot be computed again on this machine."


class ModelsSpace:
    """What each model is, how good it is, and where it came from."""

    id = "models"
    title = "Models"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._widget: QWidget | None = None
        self._models: dict[str, ShelfModel] = {}
        self._wanted = ""

    def widget(self) -> QWidget:
        """Return the space's widget; made when first asked for."""
        if self._widget is None:
            self._widget = self._build()
            self._context.events.models_changed.connect(self.reload)
            self._context.events.plugins_changed.connect(self.reload)
            self._context.events.show_model.connect(self.show_model)
            self._add_commands()
            self.reload()
        return self._widget

    def state(self) -> dict[str, object]:
        """Return which model is shown."""
        return {"model": self.list.key()} if self._widget is not None else {}

    def restore(self, state: dict[str, object]) -> None:
        """Show that model again."""
        self.widget()
        self.show_model(str(state.get("model", "")))

    def may_close(self) -> bool:
        """Return True: nothing can be lost."""
        return True

    def reload(self) -> None:
        """Read the list of models again."""
        home = self._context.home
        self._run("Reading the list of models", lambda _job: shelf.all_models(home), self._list)

    def show_model(self, key: str) -> None:
        """Show a model by its reference, now or when the list has been read."""
        self._wanted = key
        model = self._models.get(key)
        if model is None:
            return
        self.list.select(key)
        self.card.show_model(model)
        self._show_side(model)
        self.comparer.show_model(model, list(self._models.values()))
        self.comparer.show()

    def import_model(self, source: Path) -> None:
        """Bring in a model that was exported elsewhere."""
        home = self._context.home

        def done(model: registry.StoredModel) -> None:
            self._context.events.message.emit(f"Imported as {model.reference}.")
            self._wanted = model.reference
            self._context.events.models_changed.emit()

        self._run("Importing a model", lambda _job: models.import_bundle(home, source, None), done)

    def _build(self) -> QWidget:
        self.list = EntryList("Models", EMPTY)
        self.list.chosen.connect(self.show_model)
        self.bring = parts.button("Import\u2026", self._ask_import, tip="A model that was exported as a zip file")
        self.page = pages.Page()
        self.card = ModelCard()
        self.comparer = Comparer()
        self.comparer.hide()
        self.page.body.addWidget(self.card)
        self.page.body.addWidget(self.comparer)
        self._name = parts.label("Choose a model", weight=theme.SEMIBOLD)
        self._line = parts.label("", "muted")
        self.trouble = parts.label("", "danger")
        self.trouble.hide()
        self.read = parts.button("Read with it", self._read, "primary", "Go to the reading space")
        self.export = parts.button("Export\u2026", self._ask_export, tip="As one zip file, to import elsewhere")
        self.delete = parts.button("Delete\u2026", self._ask_delete, "danger")
        side = self.page.side
        for widget in (parts.heading("Model"), self._name, self._line, self.trouble):
            side.addWidget(widget)
        side.addSpacing(theme.spacing(1))
        for button in (self.read, self.export, self.delete):
            button.setEnabled(False)
            side.addWidget(button)
        side.addStretch(1)
        whole = QWidget()
        row = QHBoxLayout(whole)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(pages.left_panel("Models", self.list, self.bring))
        row.addWidget(self.page, 1)
        return whole

    def _add_commands(self) -> None:
        self._context.commands.add(
            Command("models.import", "Import a model\u2026", "Models", self._ask_import, help="From an exported file."),
            Command(
                "models.export",
                "Export the model\u2026",
                "Models",
                self._ask_export,
                help="Write the model that is shown to one file.",
                enabled=self.export.isEnabled,
            ),
        )

    def _list(self, found: list[ShelfModel]) -> None:
        self._models = {model.key: model for model in found}
        self.list.show_entries([_entry(model) for model in found])
        wanted = self._wanted if self._wanted in self._models else next(iter(self._models), "")
        if wanted:
            self.show_model(wanted)

    def _show_side(self, model: ShelfModel) -> None:
        self._name.setText(title_of(model))
        self._line.setText(model_line(model.bundle.card) if model.bundle else "This model cannot be opened.")
        self.trouble.hide()
        self.read.setEnabled(model.bundle is not None)
        self.export.setEnabled(model.bundle is not None and not model.is_starter)
        self.delete.setEnabled(not model.is_starter)
        self.delete.setToolTip("A starter belongs to its plug-in" if model.is_starter else "")

    def _read(self) -> None:
        self._context.events.show_space.emit("read")

    def _ask_import(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self._widget, "Import a model", "", "Exported models (*.zip)")
        if chosen:
            self.import_model(Path(chosen))

    def _ask_export(self) -> None:
        key = self.list.key()
        suggested = f"{key.replace('@', '-')}.zip"
        chosen, _ = QFileDialog.getSaveFileName(self._widget, "Export the model", suggested, "Models (*.zip)")
        if chosen:
            self.export_model(key, Path(chosen))

    def export_model(self, reference: str, target: Path) -> None:
        """Write a model to a file."""
        home = self._context.home
        said = f"{reference} was exported."
        self._run(
            "Exporting a model",
            lambda _job: models.export(home, reference, target),
            lambda _model: self._context.events.message.emit(said),
        )

    def _ask_delete(self) -> None:
        reference = self.list.key()
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel
        question = f"Delete {reference}?\n\n{DELETING}"
        answer = QMessageBox.question(self._widget, "Delete a model", question, buttons)
        if answer == QMessageBox.StandardButton.Yes:
            self.delete_model(reference)

    def delete_model(self, reference: str) -> None:
        """Take a model out of the list, with its files."""
        home = self._context.home

        def done(_model: registry.StoredModel) -> None:
            self._context.events.message.emit(f"{reference} was deleted.")
            self._context.events.models_changed.emit()

        self._run("Deleting a model", lambda _job: registry.delete(home, reference), done)

    def _run(self, title: str, work: Callable[[Job], _T], done: Callable[[_T], None]) -> None:
        self._context.background.run(title, work, done, self._say)

    def _say(self, error: MedTransferError) -> None:
        self.trouble.setText(error.shown())
        self.trouble.show()


def _entry(model: ShelfModel) -> Entry:
    if model.bundle is None:
        return Entry(model.key, title_of(model), model.plugin_name, "cannot be opened", "danger")
    if model.is_starter:
        return Entry(model.key, "Starter", model.plugin_name, "came with the plug-in")
    evaluated = model.bundle.card.evaluation is not None
    detail = f"{model.plugin_name} \u00b7 {moment(model.published).removesuffix(' UTC')}"
    if model.bundle.card.data.synthetic:
        return Entry(model.key, model.reference, detail, "synthetic data", "positive")
    return Entry(model.key, model.reference, detail, "" if evaluated else "not evaluated", "positive")
