"""What every part of the window is given."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from medtransfer.gui.background import Background
from medtransfer.gui.command import Commands
from medtransfer.gui.search import Search
from medtransfer.gui.settings import Settings
from medtransfer.store.home import Home


class Events(QObject):
    """What one part of the window tells the others.

    ``message`` is a line for the status bar, ``cursor`` the value under the cursor, ``device`` what computes;
    ``models_changed`` and ``plugins_changed`` say that lists are to be read again; ``open_paths`` asks the reading
    space to open files (list of Path), ``show_space`` the window to show a space by its id, ``show_result`` the reading
    space to show a result folder (Path), ``show_model`` the models space to show a model by its reference;
    ``theme_changed`` is sent after the theme has changed.
    """

    message = Signal(str)
    cursor = Signal(str)
    device = Signal(str)
    models_changed = Signal()
    plugins_changed = Signal()
    open_paths = Signal(list)
    show_space = Signal(str)
    show_result = Signal(Path)
    show_model = Signal(str)
    theme_changed = Signal()


@dataclass(frozen=True, eq=False)
class Context:
    """The window's parts share these and nothing else.

    ``search`` is what the search field looks through: a space adds a source for what it holds.
    """

    home: Home
    settings: Settings
    commands: Commands
    background: Background
    events: Events
    search: Search = field(default_factory=Search)


class Space(Protocol):
    """One of the window's spaces: ``read``, ``learn``, ``models``, ``plugins``."""

    id: str
    title: str

    def widget(self) -> QWidget:
        """Return the space's widget; made when first asked for."""

    def state(self) -> dict[str, object]:
        """Return what brings the space back as it is, as JSON can hold it: for the session journal."""

    def restore(self, state: dict[str, object]) -> None:
        """Bring the space back."""

    def may_close(self) -> bool:
        """Say whether the window may close; asks the person where something would be lost."""
