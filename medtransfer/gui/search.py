"""What the search field finds: every part of the window adds a source of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Hit:
    """Something that can be found and chosen.

    Attributes
    ----------
    kind
        What it is, as the person reads it: ``"Command"``, ``"Study"``, ``"Model"``.
    title
        Its name; what is typed is looked for here first.
    detail
        The line below; looked into as well.
    run
        Goes there, or does it.
    shortcut
        For commands, as the person reads it.
    """

    kind: str
    title: str
    detail: str
    run: Callable[[], None]
    shortcut: str = ""


Source = Callable[[], Iterable[Hit]]
"""Returns everything there is to find, at once and from memory: it is asked each time a person starts to search."""


class Search:
    """All sources of the search field."""

    def __init__(self) -> None:
        self._sources: list[Source] = []

    def add(self, source: Source) -> None:
        """Add a source."""
        self._sources.append(source)

    def find(self, typed: str, most: int = 12) -> list[Hit]:
        """Return the best hits for what was typed: all its words must occur, those that start a word count more."""
        words = typed.lower().split()
        ranked = []
        for order, hit in enumerate(hit for source in self._sources for hit in source()):
            rank = _rank(hit, words)
            if rank is not None:
                ranked.append((rank, order, hit))
        ranked.sort(key=lambda entry: entry[:2])
        return [hit for _, _, hit in ranked[:most]]


def _rank(hit: Hit, words: list[str]) -> int | None:
    """Return how far a hit is from the words (0 is nearest), or None where one of them does not occur."""
    title, rest = hit.title.lower(), f"{hit.detail} {hit.kind}".lower()
    rank = 0
    for word in words:
        if title.startswith(word):
            continue
        if f" {word}" in title:
            rank += 1
        elif word in title:
            rank += 2
        elif word in rest:
            rank += 3
        else:
            return None
    return rank
