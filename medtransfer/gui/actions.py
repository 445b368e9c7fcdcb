"""Menus and shortcuts, made from the commands."""

from __future__ import annotations

from typing import get_args

from PySide6.QtCore import QObject, QTimer
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QWidget

from medtransfer.gui import command
from medtransfer.gui.command import Command, Commands
from medtransfer.gui.context import Events

MENUS: tuple[str, ...] = get_args(command.Where)


class Actions(QObject):
    """One Qt action for each command, which gives it its shortcut and its place in the menu."""

    def __init__(self, commands: Commands, events: Events, window: QWidget) -> None:
        super().__init__(window)
        self._commands = commands
        self._events = events
        self._window = window
        self._actions: dict[str, QAction] = {}
        self._soon = QTimer(self, singleShot=True, interval=0)
        self._soon.timeout.connect(self._refresh)
        commands.changed.connect(self._soon.start)
        self._refresh()

    def menu(self, parent: QWidget) -> QMenu:
        """Return the whole menu as it is now, one submenu for each place."""
        whole = QMenu(parent)
        for place in MENUS:
            there = [entry for entry in self._commands if entry.where == place]
            if not there:
                continue
            submenu = whole.addMenu(place)
            submenu.setToolTipsVisible(True)
            for entry in there:
                action = self._action(entry)
                _update(action, entry)
                submenu.addAction(action)
        return whole

    def _refresh(self) -> None:
        for entry in self._commands:
            self._action(entry)

    def _action(self, entry: Command) -> QAction:
        action = self._actions.get(entry.id)
        if action is None:
            action = QAction(entry.title, self._window)
            action.setShortcut(QKeySequence(entry.shortcut))
            action.setToolTip(entry.help)
            action.triggered.connect(lambda _checked, it=entry.id: self._run(it))
            self._window.addAction(action)
            self._actions[entry.id] = action
        return action

    def _run(self, command_id: str) -> None:
        if not self._commands.run(command_id):
            self._events.message.emit(f"“{self._commands.get(command_id).title}” cannot be used now.")


def _update(action: QAction, entry: Command) -> None:
    action.setEnabled(entry.enabled())
    action.setCheckable(entry.checked is not None)
    action.setChecked(entry.checked is not None and entry.checked())
