"""What was opened lately: found by the search field, kept in the session's journal, forgotten on request."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from medtransfer.gui.context import Events
from medtransfer.gui.search import Hit

MOST = 20


class Recent:
    """The files and folders that were opened last, the latest first."""

    def __init__(self, events: Events) -> None:
        self._events = events
        self.paths: list[Path] = []
        events.open_paths.connect(self.remember)

    def remember(self, paths: Sequence[Path]) -> None:
        """Put what is being opened to the front."""
        new = [Path(path) for path in paths]
        self.paths = [*new, *(path for path in self.paths if path not in new)][:MOST]

    def forget(self) -> None:
        """Forget everything."""
        self.paths = []

    def state(self) -> list[str]:
        """Return the list as JSON can hold it."""
        return [str(path) for path in self.paths]

    def restore(self, state: object) -> None:
        """Take up a list that :meth:`state` gave; anything else counts as empty."""
        if isinstance(state, list):
            self.paths = [Path(path) for path in state if isinstance(path, str)][:MOST]

    def hits(self) -> Iterator[Hit]:
        """Return the list for the search field."""
        for path in self.paths:
            yield Hit("Recent", path.name, f"Open again from {path.parent}", partial(self._open, path))

    def _open(self, path: Path) -> None:
        self._events.show_space.emit("read")
        self._events.open_paths.emit([path])
