"""The space of plug-ins: the list at the left, the card in the middle, what to do at the right."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QMessageBox, QStackedWidget, QVBoxLayout, QWidget

from medtransfer.errors import MedTransferError
from medtransfer.gui import pages, parts, theme
from medtransfer.gui.background import Job
from medtransfer.gui.command import Command
from medtransfer.gui.context import Context
from medtransfer.gui.lists import Entry, EntryList
from medtransfer.gui.plugins.card import WHERE, PluginCard
from medtransfer.gui.plugins.consent import ConsentPage
from medtransfer.hosting import catalogue
from medtransfer.hosting import install as hosting
from medtransfer.hosting.catalogue import PluginEntry
from medtransfer.work import plugins
from medtransfer.work.session import Session

EMPTY = "None yet. Install one from a wheel or a folder."
FOLDER = "Used as it stands: take its folder away, or out of MEDTRANSFER_PLUGIN_PATH, to remove it."
REMOVING = "Models that it trained stay, and can be used again when it is back."


class PluginsSpace:
    """What each plug-in does, and bringing, switching off and removing them."""

    id = "plugins"
    title = "Plug-ins"

    def __init__(self, context: Context) -> None:
        self._context = context
        self._widget: QWidget | None = None
        self._entries: dict[str, PluginEntry] = {}
        self._wanted = ""
        self._installing: Job | None = None

    def widget(self) -> QWidget:
        """Return the space's widget; made when first asked for."""
        if self._widget is None:
            self._widget = self._build()
            self._context.events.plugins_changed.connect(self.reload)
            self._add_commands()
            self.reload()
        return self._widget

    def state(self) -> dict[str, object]:
        """Return which plug-in is shown."""
        return {"plugin": self.list.key()} if self._widget is not None else {}

    def restore(self, state: dict[str, object]) -> None:
        """Show that plug-in again."""
        self.widget()
        self.show_plugin(str(state.get("plugin", "")))

    def may_close(self) -> bool:
        """Return True: an installation that is cut short leaves nothing behind."""
        return True

    def reload(self) -> None:
        """Read the list of plug-ins again."""
        home = self._context.home
        self._context.background.run(
            "Reading the list of plug-ins", lambda _job: catalogue.find(home.root), self._list, self._say
        )

    def show_plugin(self, key: str) -> None:
        """Show a plug-in, now or when the list has been read."""
        self._wanted = key
        entry = self._entries.get(key)
        if entry is None:
            return
        self.list.select(key)
        self.card.show_plugin(entry)
        self._show_side(entry)
        self.stack.setCurrentWidget(self.page)

    def inspect(self, source: Path) -> None:
        """Look into a wheel or folder without running anything of it, and ask for consent."""
        self._trouble.hide()
        self._context.background.run(
            "Looking at a plug-in", lambda _job: plugins.inspect(source), self._ask_consent, self._say
        )

    def _build(self) -> QWidget:
        self.list = EntryList("Plug-ins", EMPTY)
        self.list.chosen.connect(self.show_plugin)
        self.page, self.consent = pages.Page(), ConsentPage()
        self.card = PluginCard()
        self.page.body.addWidget(self.card)
        self._fill_side()
        self.consent.agreed.connect(self._install)
        self.consent.refused.connect(self._back)
        self.consent.stopped.connect(self._stop)
        self.stack = QStackedWidget()
        self.stack.addWidget(self.page)
        self.stack.addWidget(self.consent)
        below = QWidget()
        column = QVBoxLayout(below)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.spacing(1))
        column.addWidget(parts.button("Install from a wheel\u2026", self._ask_wheel))
        column.addWidget(parts.button("Install from a folder\u2026", self._ask_folder))
        widget = QWidget()
        row = QHBoxLayout(widget)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(pages.left_panel("Plug-ins", self.list, below))
        row.addWidget(self.stack, 1)
        return widget

    def _fill_side(self) -> None:
        self._name = parts.label("Choose a plug-in", weight=theme.SEMIBOLD)
        self._about = parts.label("", "muted")
        self._trouble = parts.label("", "danger")
        self._trouble.hide()
        self.switch = parts.button("Switch off", self._switch)
        self.remove = parts.button("Uninstall\u2026", self._ask_uninstall, "danger")
        self._why_not = parts.label("", "muted", theme.SMALL_SIZE)
        side = self.page.side
        for widget in (parts.heading("Plug-in"), self._name, self._about, self._trouble):
            side.addWidget(widget)
        side.addSpacing(theme.spacing(1))
        for button in (self.switch, self.remove):
            button.setEnabled(False)
            side.addWidget(button)
        side.addWidget(self._why_not)
        side.addStretch(1)

    def _add_commands(self) -> None:
        self._context.commands.add(
            Command(
                "plugins.wheel",
                "Install a plug-in from a wheel\u2026",
                "Plug-ins",
                self._ask_wheel,
                help="A .whl file; it is shown to you before it is installed.",
            ),
            Command(
                "plugins.folder",
                "Install a plug-in from a folder\u2026",
                "Plug-ins",
                self._ask_folder,
                help="A folder with a pyproject.toml; it is shown to you before it is installed.",
            ),
        )

    def _list(self, found: list[PluginEntry]) -> None:
        self._entries = {str(entry.folder): entry for entry in found}
        self.list.show_entries([_entry(entry) for entry in found])
        by_id = {entry.id: key for key, entry in self._entries.items()}
        wanted = by_id.get(self._wanted, self._wanted)
        if wanted not in self._entries:
            wanted = next(iter(self._entries), "")
        shown = self.stack.currentWidget()
        if wanted:
            self.show_plugin(wanted)
        if shown is self.consent:
            self.stack.setCurrentWidget(self.consent)

    def _show_side(self, entry: PluginEntry) -> None:
        manifest = entry.manifest
        self._name.setText(manifest.name if manifest else entry.id)
        version = f"Version {manifest.version}, " if manifest else ""
        about = f"{version}{WHERE[entry.origin]}."
        self._about.setText(f"{about[:1].upper()}{about[1:]}")
        self._trouble.hide()
        self.switch.setText("Switch off" if entry.enabled else "Switch on")
        self.switch.setEnabled(manifest is not None)
        removable = entry.origin == "own environment"
        self.remove.setEnabled(removable)
        reason = {"host": "Uninstall it with pip: it is part of the installation of medtransfer.", "folder": FOLDER}
        self._why_not.setText("" if removable else reason[entry.origin])

    def _ask_wheel(self) -> None:
        chosen, _ = QFileDialog.getOpenFileName(self._widget, "Plug-in to install", "", "Wheels (*.whl)")
        if chosen:
            self.inspect(Path(chosen))

    def _ask_folder(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self._widget, "Folder of the plug-in to install")
        if chosen:
            self.inspect(Path(chosen))

    def _ask_consent(self, found: hosting.Inspection) -> None:
        self._context.events.show_space.emit(self.id)
        self.consent.show_inspection(found)
        self.stack.setCurrentWidget(self.consent)
        self.consent.trust.setFocus()

    def _install(self) -> None:
        found, home = self.consent.inspection, self._context.home
        if found is None:
            return
        source = found.source

        def work(job: Job) -> PluginEntry:
            with Session(home, job.on_progress, job.cancelled) as session:
                return plugins.install(session, source)

        title = f"Installing {found.manifest.name}"
        self._installing = self._context.background.run(title, work, self._installed, self.consent.show_trouble)
        self.consent.watch(self._installing)

    def _installed(self, entry: PluginEntry) -> None:
        self._wanted = str(entry.folder)
        self.stack.setCurrentWidget(self.page)
        self._context.events.message.emit(f"{entry.id} is installed.")
        self._context.events.plugins_changed.emit()

    def _stop(self) -> None:
        if self._installing is not None:
            self._installing.cancel()

    def _back(self) -> None:
        self.stack.setCurrentWidget(self.page)

    def _switch(self) -> None:
        entry, home = self._entries[self.list.key()], self._context.home
        change = hosting.disable if entry.enabled else hosting.enable
        self._change("Switching a plug-in", lambda: change(home.root, entry.id))

    def _ask_uninstall(self) -> None:
        entry = self._entries[self.list.key()]
        buttons = QMessageBox.StandardButton.Yes | QMessageBox.StandardButton.Cancel
        answer = QMessageBox.question(
            self._widget, "Uninstall a plug-in", f"Uninstall {entry.id}?\n\n{REMOVING}", buttons
        )
        if answer == QMessageBox.StandardButton.Yes:
            self.uninstall(entry.id)

    def uninstall(self, plugin_id: str) -> None:
        """Remove a plug-in that medtransfer installed."""
        home = self._context.home
        self._change("Uninstalling a plug-in", lambda: plugins.uninstall(home, plugin_id))

    def _change(self, title: str, change: Callable[[], None]) -> None:
        self._context.background.run(
            title, lambda _job: change(), lambda _none: self._context.events.plugins_changed.emit(), self._say
        )

    def _say(self, error: MedTransferError) -> None:
        self._trouble.setText(error.shown())
        self._trouble.show()


def _entry(entry: PluginEntry) -> Entry:
    title = entry.manifest.name if entry.manifest else entry.id
    version = f"{entry.manifest.version} \u00b7 " if entry.manifest else ""
    detail = f"{version}{entry.id}"
    if entry.reason:
        return Entry(str(entry.folder), title, detail, f"cannot be used: {entry.reason}", "danger")
    if not entry.enabled:
        return Entry(str(entry.folder), title, detail, "switched off", "positive")
    return Entry(str(entry.folder), title, detail)
