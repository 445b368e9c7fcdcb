"""Commands, declared once as data: menu, shortcut, palette and help are made from them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

from PySide6.QtCore import QObject, Signal

Where = Literal["File", "View", "Read", "Learn", "Models", "Plug-ins", "Help"]


def always() -> bool:
    """Say that a command can be used at any time."""
    return True


@dataclass(frozen=True)
class Command:
    """Something that a person can do.

    Attributes
    ----------
    id
        Stable and dotted, ``"read.analyse"``.
    title
        In the imperative, as the menu and the palette show it.
    where
        The menu that it belongs to.
    run
        Does it; called on the window's thread and returns at once.
    shortcut
        As ``QKeySequence`` reads it (``"Ctrl+O"``), or empty.
    help
        One sentence for the tooltip, the palette and the list of shortcuts.
    enabled
        Whether it can be used now.
    checked
        For commands that switch something: whether it is on.
    """

    id: str
    title: str
    where: Where
    run: Callable[[], None]
    shortcut: str = ""
    help: str = ""
    enabled: Callable[[], bool] = always
    checked: Callable[[], bool] | None = None


class Commands(QObject):
    """All commands of the window. ``changed`` is sent when some were added or their state may have changed."""

    changed = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._commands: dict[str, Command] = {}

    def add(self, *commands: Command) -> None:
        """Add commands; an id that exists already is a bug."""
        for command in commands:
            if command.id in self._commands:
                raise ValueError(f"the command {command.id} exists already")
            self._commands[command.id] = command
        self.changed.emit()

    def __iter__(self) -> Iterator[Command]:
        return iter(self._commands.values())

    def get(self, command_id: str) -> Command:
        """Return the command of that id."""
        return self._commands[command_id]

    def run(self, command_id: str) -> bool:
        """Run a command if it is enabled; return whether it was."""
        command = self._commands[command_id]
        if not command.enabled():
            return False
        command.run()
        return True
