"""The window: the four spaces, the search field above them and the status bar below."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtCore import QTimer
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from medtransfer.gui import closing, frame_commands, theme
from medtransfer.gui.actions import Actions
from medtransfer.gui.background import Job, State
from medtransfer.gui.banner import Banners
from medtransfer.gui.context import Context, Space
from medtransfer.gui.drawer_place import DrawerPlace
from medtransfer.gui.model_hits import ModelHits
from medtransfer.gui.palette import SearchField, command_hits
from medtransfer.gui.recent import Recent
from medtransfer.gui.spaces import Deferred, declared
from medtransfer.gui.statusbar import StatusBar
from medtransfer.gui.topbar import TopBar

if TYPE_CHECKING:
    from medtransfer.gui.session import Journal

SMALLEST = (680, 400)
USUAL = (1440, 900)


class MainWindow(QMainWindow):
    """One window of medtransfer.

    Parameters
    ----------
    context
        What all parts share.
    spaces
        The spaces, in the order of their tabs; the usual four when left out.
    """

    def __init__(self, context: Context, spaces: Sequence[Space] | None = None) -> None:
        super().__init__()
        self.context = context
        given = declared(context) if spaces is None else spaces
        self.spaces = [space if isinstance(space, Deferred) else Deferred.holding(space) for space in given]
        self.current = self.spaces[0].id
        self.journal: Journal | None = None
        self.setWindowTitle("medtransfer")
        self.setMinimumSize(*SMALLEST)
        self.setAcceptDrops(True)
        self.actions_made = Actions(context.commands, context.events, self)
        self.search = SearchField(context.search, self)
        self.top_bar = TopBar(self.spaces, self.search, self.actions_made)
        self.banners = Banners()
        self.stack = QStackedWidget()
        self.stack.addWidget(QWidget())  # nothing: what is added first would be shown at once
        self.drawer = DrawerPlace(context)
        self.status = StatusBar(context)
        self._fill()
        self._connect()
        context.search.add(lambda: command_hits(context.commands))
        self.closing = closing.Closing(self)
        self.recent = Recent(context.events)
        context.search.add(self.recent.hits)
        self.models = ModelHits(context)
        frame_commands.add_to(self)

    def _fill(self) -> None:
        centre = QWidget()
        column = QVBoxLayout(centre)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.top_bar)
        column.addWidget(self.banners)
        column.addWidget(self.stack, stretch=1)
        column.addWidget(self.drawer)
        column.addWidget(self.status)
        self.setCentralWidget(centre)
        for region in (self.top_bar, self.banners, self.drawer, self.status):
            theme.dress(region)

    def _connect(self) -> None:
        events = self.context.events
        self.top_bar.chosen.connect(self.show_space)
        self.status.jobs.clicked.connect(lambda _checked: self.drawer.toggle("jobs"))
        events.show_space.connect(self.show_space)
        events.show_result.connect(lambda _folder: self.show_space("read"))
        self.context.settings.changed.connect(self._setting_changed)
        self.context.background.started.connect(self._job_started)

    def show_space(self, space_id: str) -> None:
        """Show a space, building it if need be; where that fails, a page says so."""
        space = self._space(space_id)
        self.current = space_id
        self.top_bar.show_current(space_id)
        try:
            widget = space.widget()
        except Exception as error:  # noqa: BLE001 - one faulty space must not take the window with it
            from medtransfer import logs
            from medtransfer.gui.not_loaded import NotLoaded

            logs.event("window.space", kind=type(error).__name__.lower())
            self._show_page(NotLoaded(space.title, error, lambda: self.show_space(space_id)))
            return
        self._add(widget)
        self._show(widget)

    def prepare(self, space_id: str) -> Generator[None, None, None]:
        """Build a space before it is shown, a piece up to each ``yield``. Where that fails, showing it will say so."""
        space = self._space(space_id)
        try:
            yield from space.pieces()
        except Exception:  # noqa: BLE001 - it is tried again when it is shown
            return
        yield
        self._add(space.widget())

    def show_welcome(self) -> None:
        """Show the page of the first start in the place of the reading space."""
        from medtransfer.gui.welcome import Welcome

        self.current = "read"
        self.top_bar.show_current("read")
        page = Welcome(self.ask_for_files, self.ask_for_folder, self.start_demo)
        self._show_page(page)
        page.open.setFocus()

    def start_demo(self) -> None:
        """Start the demo; the welcome page follows it if it is shown, the jobs panel in any case."""
        from medtransfer.gui import demonstration
        from medtransfer.gui.welcome import Welcome

        job = demonstration.start(self.context)
        page = self.stack.currentWidget()
        if isinstance(page, Welcome):
            page.follow(job)
        else:
            self.drawer.show_page("jobs")

    def may_start_demo(self) -> bool:
        """Say whether the demo is not running already."""
        from medtransfer.gui.demonstration import TITLE

        return all(job.title != TITLE for job in self.context.background.running())

    def ask_for_files(self) -> None:
        """Ask for files and open them."""
        from medtransfer.gui.opening import ask_for_files

        self.open_paths(ask_for_files(self))

    def ask_for_folder(self) -> None:
        """Ask for a folder and open what is in it."""
        from medtransfer.gui.opening import ask_for_folder

        self.open_paths(ask_for_folder(self))

    def open_paths(self, paths: Sequence[Path]) -> None:
        """Have the reading space open files and folders, if there are any."""
        if paths:
            self.show_space("read")
            self.context.events.open_paths.emit(list(paths))

    def _show_page(self, page: QWidget) -> None:
        self._add(page)
        self._show(page)

    def _space(self, space_id: str) -> Deferred:
        return next(space for space in self.spaces if space.id == space_id)

    def _add(self, widget: QWidget) -> None:
        if self.stack.indexOf(widget) < 0:
            self.stack.addWidget(widget)
            theme.dress(widget)

    def _show(self, widget: QWidget) -> None:
        """Show a space or a page; a page that was shown until now has done its duty."""
        before = self.stack.currentWidget()
        self.stack.setCurrentWidget(widget)
        lasting = [space.widget() for space in self.spaces if space.loaded]
        if before is not None and before is not widget and before not in lasting:
            self.stack.removeWidget(before)
            before.deleteLater()

    def _setting_changed(self, name: str) -> None:
        app = QApplication.instance()
        if name == "theme" and isinstance(app, QApplication):
            theme.apply(app, cast("theme.Name", self.context.settings.text("theme")))
            self.top_bar.recolour()
            self.context.events.theme_changed.emit()

    def _job_started(self, job: Job) -> None:
        job.ended.connect(self._job_ended)
        self.status.count()

    def _job_ended(self, job: Job) -> None:
        self.status.count()
        if job.state is State.FAILED and job.error is not None:
            self.context.events.message.emit(f"{job.title}: {job.error.message}")

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802 - Qt's name
        """Take files and folders anywhere."""
        if any(url.isLocalFile() for url in event.mimeData().urls()):
            event.acceptProposedAction()
            self._hover(over=True)

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802 - Qt's name
        """Show that nothing is being dropped any more."""
        super().dragLeaveEvent(event)
        self._hover(over=False)

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802 - Qt's name
        """Open what was dropped."""
        paths = [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]
        event.acceptProposedAction()
        self._hover(over=False)
        QTimer.singleShot(0, self, lambda: self.open_paths(paths))

    def _hover(self, *, over: bool) -> None:
        page = self.stack.currentWidget()
        hover = getattr(page, "hover", None)
        if hover is not None:
            hover(over=over)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802 - Qt's name
        """Ask where something would be lost, stop what runs, keep the session, and only then close."""
        if self.closing.may_close():
            event.accept()
        else:
            event.ignore()
