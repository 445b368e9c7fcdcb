"""Numbers and lines of a table in words, for messages."""

from __future__ import annotations

from collections.abc import Sequence

from medtransfer.study.counting import agreed

NAMED = 8


def counted(number: int, noun: str) -> str:
    """Return ``"1 row"`` or ``"3 rows"``."""
    return agreed(number, noun, f"{noun}s")


def lines(rows: Sequence[int]) -> str:
    """Return ``"line 4"`` or ``"lines 4, 9 and 12 more"``: at most eight are named."""
    named = ", ".join(map(str, rows[:NAMED]))
    more = f" and {len(rows) - NAMED} more" if len(rows) > NAMED else ""
    return f"line{'' if len(rows) == 1 else 's'} {named}{more}"
