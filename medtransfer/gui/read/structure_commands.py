"""The commands of the list of structures: menu, shortcuts, palette and the menu of a row are made from them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from medtransfer.gui.command import Command
from medtransfer.gui.read.structures import Structures

if TYPE_CHECKING:
    from medtransfer.gui.read.space import ReadSpace

OF_A_STRUCTURE = ("read.structures.go", "read.structures.only", "read.structures.all", "read.structures.none")
"""The commands of a row's menu."""


def of(space: ReadSpace) -> list[Command]:
    """Return the commands of whichever list belongs to what is drawn."""

    def listed() -> bool:
        return space.structures is not None and space.regions.isVisible()  # a key in another space changes nothing here

    def selected() -> bool:
        return listed() and space.structures is not None and space.structures.selected() is not None

    return [
        Command(
            "read.structures.go",
            "Go to the structure",
            "View",
            lambda: _do(space, Structures.go),
            "G",
            "Show the slices where the selected structure is largest, in every view.",
            enabled=selected,
        ),
        Command(
            "read.structures.only",
            "Show only this structure",
            "View",
            lambda: _do(space, Structures.show_only),
            "S",
            "Hide all but the selected structure.",
            enabled=selected,
        ),
        Command(
            "read.structures.all",
            "Show all structures",
            "View",
            lambda: _do(space, Structures.show_all),
            "A",
            "Show every structure of the list, which a search makes shorter.",
            enabled=listed,
        ),
        Command(
            "read.structures.none",
            "Hide all structures",
            "View",
            lambda: _do(space, Structures.hide_all),
            "H",
            "Hide every structure of the list, which a search makes shorter.",
            enabled=listed,
        ),
    ]


def _do(space: ReadSpace, what: Callable[[Structures], None]) -> None:
    if space.structures is not None:
        what(space.structures)
