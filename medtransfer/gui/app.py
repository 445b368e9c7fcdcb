"""The application: one process, one window."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, cast

from PySide6.QtWidgets import QApplication

from medtransfer.gui import theme
from medtransfer.gui.background import Background
from medtransfer.gui.command import Commands
from medtransfer.gui.context import Context, Events
from medtransfer.gui.settings import Settings
from medtransfer.store.home import Home

if TYPE_CHECKING:
    from medtransfer.gui.theme import Name
    from medtransfer.gui.window import MainWindow


def make_context(home: Home) -> Context:
    """Return what the parts of a window share."""
    return Context(home, Settings(home.root), Commands(), Background(), Events())


def make_window(home: Home, app: QApplication) -> MainWindow:
    """Return a window on a store, with the theme that its settings name; not yet shown."""
    from medtransfer.gui.window import MainWindow

    context = make_context(home)
    theme.apply(app, cast("Name", context.settings.text("theme")))
    return MainWindow(context)


def run(home: Home, paths: Sequence[Path] = ()) -> int:
    """Show the window and return the exit code when it is closed."""
    app = QApplication(sys.argv[:1])
    window = make_window(home.prepare(), app)
    window.show()
    window.open_paths(paths)
    return app.exec()
