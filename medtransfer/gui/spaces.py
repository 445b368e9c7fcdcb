"""The window's four spaces, imported and built when they are first shown."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Generator
from functools import partial

from PySide6.QtWidgets import QWidget

from medtransfer.gui.context import Context, Space

Made = Space | Generator[None, None, Space]

DECLARED = (
    ("read", "Read", "medtransfer.gui.read.space", "pieces"),
    ("learn", "Learn", "medtransfer.gui.learn.space", "LearnSpace"),
    ("models", "Models", "medtransfer.gui.models.space", "ModelsSpace"),
    ("plugins", "Plug-ins", "medtransfer.gui.plugins.space", "PluginsSpace"),
)


class Deferred:
    """A space that costs nothing until it is shown. Where it cannot be built it says so, and can be tried again.

    Parameters
    ----------
    space_id, title
        See :class:`medtransfer.gui.context.Space`.
    make
        Returns the space, or a generator that builds a piece of it up to each ``yield``.
    """

    def __init__(self, space_id: str, title: str, make: Callable[[], Made]) -> None:
        self.id = space_id
        self.title = title
        self._make = make
        self._space: Space | None = None
        self._building: Generator[None, None, None] | None = None
        self._state: dict[str, object] = {}

    @classmethod
    def holding(cls, space: Space) -> Deferred:
        """Return a space that exists already in the form of one that is built when shown."""
        return cls(space.id, space.title, lambda: space)

    @property
    def loaded(self) -> bool:
        """Whether the space was built."""
        return self._space is not None

    def widget(self) -> QWidget:
        """Return the space's widget, building the space if need be.

        Raises
        ------
        Exception
            Whatever keeps the space from being built; the window shows it.
        """
        for _piece in self.pieces():
            pass
        if self._space is None:
            raise RuntimeError("the space cannot be shown from within its own building")
        return self._space.widget()

    def pieces(self) -> Generator[None, None, None]:
        """Build the space if need be, a piece up to each ``yield``; go on where an earlier call was left.

        Raises
        ------
        Exception
            See :meth:`widget`.
        """
        if self._space is None:
            self._building = self._building or self._build()
            yield from self._building

    def state(self) -> dict[str, object]:
        """Return the space's state, or the one that waits for it to be built."""
        return self._space.state() if self._space is not None else self._state

    def restore(self, state: dict[str, object]) -> None:
        """Bring the space back, now or when it is built."""
        self._state = state
        if self._space is not None:
            self._restore(self._space)

    def may_close(self) -> bool:
        """Ask the space, if there is one."""
        return self._space is None or self._space.may_close()

    def _build(self) -> Generator[None, None, None]:
        try:
            made = self._make()
            space = (yield from made) if isinstance(made, Generator) else made
            yield
            space.widget()
        finally:
            self._building = None
        self._space = space
        if self._state:
            self._restore(space)

    def _restore(self, space: Space) -> None:
        try:
            space.restore(self._state)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            from medtransfer import logs

            logs.event("window.restore", kind=type(error).__name__)


def prefetch(*space_ids: str) -> None:
    """Import what spaces need, so that building them takes no time: for a thread of its own.

    Raises
    ------
    ImportError
        When something is missing from the installation.
    """
    for space_id, _title, module, _name in DECLARED:
        if space_id in space_ids:
            importlib.import_module(module)


def declared(context: Context) -> list[Deferred]:
    """Return the four spaces."""

    def make(module: str, name: str) -> Made:
        made: Made = getattr(importlib.import_module(module), name)(context)
        return made

    return [Deferred(space_id, title, partial(make, module, name)) for space_id, title, module, name in DECLARED]
