"""The commands of the window itself; each space adds its own."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog

from medtransfer.gui.command import Command

if TYPE_CHECKING:
    from medtransfer.gui.window import MainWindow


def add_to(window: MainWindow) -> None:
    """Declare the window's commands."""
    window.context.commands.add(*_file(window), *_view(window), *_help(window))


def _file(window: MainWindow) -> list[Command]:
    return [
        Command(
            "window.open",
            "Open files\u2026",
            "File",
            window.ask_for_files,
            "Ctrl+O",
            "Open images: DICOM, NIfTI, PNG, JPEG or TIFF.",
        ),
        Command(
            "window.open_folder",
            "Open a folder\u2026",
            "File",
            window.ask_for_folder,
            "Ctrl+Shift+O",
            "Open every image in a folder and below it.",
        ),
        Command(
            "window.forget_recent",
            "Forget what was opened lately",
            "File",
            window.recent.forget,
            help="The search field finds it until then.",
            enabled=lambda: bool(window.recent.paths),
        ),
        Command(
            "window.settings",
            "Settings\u2026",
            "File",
            partial(_show_settings, window),
            "Ctrl+,",
            "Theme, size, and what networks run on.",
        ),
        Command(
            "window.close",
            "Close the window",
            "File",
            partial(_close, window),
            "Ctrl+Q",
            "Everything that is open comes back at the next start.",
        ),
    ]


def _view(window: MainWindow) -> list[Command]:
    spaces = [
        Command(
            f"window.space.{space.id}",
            f"Go to {space.title}",
            "View",
            partial(window.show_space, space.id),
            f"Alt+{place}",
            f"Show the space “{space.title}”.",
            checked=partial(_is_current, window, space.id),
        )
        for place, space in enumerate(window.spaces, 1)
    ]
    return [
        *spaces,
        Command(
            "window.search",
            "Search",
            "View",
            window.search.begin,
            "Ctrl+K",
            "Find a command, study or model and go there.",
        ),
        Command(
            "window.jobs",
            "Jobs",
            "View",
            partial(window.drawer.toggle, "jobs"),
            "Ctrl+J",
            "What is running, how far it is, and how to stop it.",
            checked=lambda: window.drawer.page() == "jobs",
        ),
        Command(
            "window.log",
            "Log",
            "View",
            partial(window.drawer.toggle, "log"),
            "Ctrl+Shift+J",
            "What happened today, without any patient data.",
            checked=lambda: window.drawer.page() == "log",
        ),
        Command(
            "window.theme",
            "Switch between dark and light",
            "View",
            partial(_switch_theme, window),
            "Ctrl+Shift+D",
            "Dark suits a reading room, light a bright office.",
        ),
        Command(
            "window.full_screen",
            "Full screen",
            "View",
            partial(_switch_full_screen, window),
            "F11",
            "Give the window the whole screen.",
            checked=window.isFullScreen,
        ),
    ]


def _help(window: MainWindow) -> list[Command]:
    return [
        Command(
            "window.menu", "Menu", "Help", window.top_bar.open_menu, "F10", "Every command, by the part it belongs to."
        ),
        Command(
            "window.shortcuts",
            "Keyboard shortcuts",
            "Help",
            partial(_show_shortcuts, window),
            "F1",
            "Every command with its shortcut.",
        ),
        Command(
            "window.demo",
            "Try the demo",
            "Help",
            window.start_demo,
            help="Adapt a network to photographs of the retina and look at what it finds.",
            enabled=window.may_start_demo,
        ),
        Command(
            "window.welcome",
            "Show the welcome page",
            "Help",
            window.show_welcome,
            help="Open files, drop them, or try the demo.",
        ),
        Command(
            "window.diagnostics",
            "Copy diagnostics\u2026",
            "Help",
            partial(_show_diagnostics, window),
            help="What is installed and what happened, without patient data, for a report.",
        ),
        Command(
            "window.about", "About medtransfer", "Help", partial(_show_about, window), help="Version and licences."
        ),
    ]


def _is_current(window: MainWindow, space_id: str) -> bool:
    return window.current == space_id


def _close(window: MainWindow) -> None:
    window.close()


def _show(dialog: QDialog) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    dialog.show()


def _show_settings(window: MainWindow) -> None:
    from medtransfer.gui.settings_dialog import SettingsDialog

    _show(SettingsDialog(window.context, window))


def _show_shortcuts(window: MainWindow) -> None:
    from medtransfer.gui.help import ShortcutsDialog

    _show(ShortcutsDialog(window.context.commands, window))


def _show_about(window: MainWindow) -> None:
    from medtransfer.gui.help import AboutDialog

    _show(AboutDialog(window))


def _show_diagnostics(window: MainWindow) -> None:
    from medtransfer.gui.diagnostics import DiagnosticsDialog

    _show(DiagnosticsDialog(window.context, window))


def _switch_theme(window: MainWindow) -> None:
    settings = window.context.settings
    settings.set("theme", "light" if settings.text("theme") == "dark" else "dark")


def _switch_full_screen(window: MainWindow) -> None:
    if window.isFullScreen():
        window.showNormal()
    else:
        window.showFullScreen()
