"""The menu of a row of the study list, opened by the right button or by the keyboard's menu key."""

from __future__ import annotations

from functools import partial

from PySide6.QtCore import QPoint
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QAbstractItemView, QMenu

from medtransfer.gui.command import Command, Commands


def opened(commands: Commands, wanted: tuple[str, ...], view: QAbstractItemView, place: QPoint) -> QMenu:
    """Open the menu of the commands that can be used now, and return it.

    Parameters
    ----------
    commands
        All commands.
    wanted
        Their ids, in the order of the menu.
    view
        The list.
    place
        Where in its viewport; beside every row, as when the key was pressed, the menu opens below the current one.
    """
    menu = QMenu(view)
    menu.setToolTipsVisible(True)
    for command in map(commands.get, wanted):
        if command.enabled():
            menu.addAction(_action(commands, command, menu))
    menu.aboutToHide.connect(menu.deleteLater)
    here = place if view.indexAt(place).isValid() else view.visualRect(view.currentIndex()).bottomLeft()
    menu.popup(view.viewport().mapToGlobal(here))
    return menu


def _action(commands: Commands, command: Command, menu: QMenu) -> QAction:
    action = QAction(command.title, menu)
    action.setToolTip(command.help)
    action.setCheckable(command.checked is not None)
    action.setChecked(command.checked is not None and command.checked())
    action.triggered.connect(partial(commands.run, command.id))
    return action
