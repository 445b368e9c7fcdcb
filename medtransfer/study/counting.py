"""Numbers of things in sentences."""

from __future__ import annotations


def agreed(number: int, singular: str, plural: str) -> str:
    """Return ``"1 slice lies"`` or ``"3 slices lie"``: the words that follow a number, verbs included."""
    return f"{number} {singular if number == 1 else plural}"
